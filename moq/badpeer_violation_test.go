package moq_test

import (
	"context"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// The offences of this file are PROTOCOL_VIOLATION, with two exceptions that say so.

// violations are those of streams, of the control stream and of data.
func violations() []offence {
	all := []offence{
		{name: "unknown stream type", do: func(b *bad) {
			b.hello()
			b.SendUni(b.Varint(nil, 0x09))
		}},
		{name: "unknown message on the control stream", do: func(b *bad) {
			b.hello()
			b.WriteControl(append(b.Varint(nil, 0x3f), 0, 0))
		}},
		{name: "unknown message instead of SETUP", do: func(b *bad) { b.WriteControl(append(b.Varint(nil, 0x3f), 0, 0)) }},
		{name: "request on the control stream", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.SendControl(&wire.Subscribe{RequestID: 0, Track: clock})
		}},
		{name: "SETUP twice", do: func(b *bad) {
			b.hello()
			b.SendControl(b.DefaultSetup())
		}},
		{name: "SETUP of the other side", until: wire.Draft16, do: func(b *bad) {
			m := b.DefaultSetup()
			m.Server = !m.Server
			b.SendSetup(m)
		}},
		{name: "SETUP of a client from a server", until: wire.Draft16, fromServer: true, do: func(b *bad) {
			m := b.DefaultSetup()
			m.Server = !m.Server
			b.SendSetup(m)
		}},
		{name: "SETUP names a token by its alias", do: func(b *bad) {
			m := b.DefaultSetup()
			m.AuthTokens = []wire.Token{{AliasType: wire.TokenUseAlias, Alias: 1}}
			b.SendSetup(m)
		}},
		{name: "SETUP deletes a token", do: func(b *bad) {
			m := b.DefaultSetup()
			m.AuthTokens = []wire.Token{{AliasType: wire.TokenDelete, Alias: 1}}
			b.SendSetup(m)
		}},
		{name: "second control stream", do: func(b *bad) {
			b.hello()
			if b.Version.Has(wire.FeatureControlStream) {
				b.RequestBytes(b.Encode(b.DefaultSetup()))
			} else {
				b.SendUni(b.Encode(b.DefaultSetup()))
			}
		}},
		{name: "control stream of a server", until: wire.Draft16, fromServer: true, do: func(b *bad) {
			b.hello()
			b.RequestBytes(b.Encode(b.DefaultSetup()))
		}},
		{name: "SETUP as a request", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.RequestBytes(b.Encode(b.DefaultSetup()))
		}},
		{name: "control stream ended", do: func(b *bad) {
			b.hello()
			_ = b.Control().Close()
		}},
		{name: "control stream reset", do: func(b *bad) {
			b.hello()
			b.Control().Reset(0)
		}},
		{name: "control stream refused", do: func(b *bad) {
			b.hello()
			b.refuseControl()
		}},
		{name: "control stream ends within a message", do: func(b *bad) {
			b.hello()
			m := b.Encode(b.goaway())
			b.WriteControl(m[:len(m)-1])
			_ = b.Control().Close()
		}},
		{name: "second GOAWAY", do: func(b *bad) {
			b.hello()
			b.SendControl(b.goaway(), b.goaway())
		}},
		{name: "GOAWAY of a client names a server", do: func(b *bad) {
			b.hello()
			m := b.goaway()
			m.URI = "moqt://elsewhere.example"
			b.SendControl(m)
		}},
		{name: "MAX_REQUEST_ID goes down", until: wire.Draft16, do: func(b *bad) {
			b.hello()
			b.SendControl(&wire.MaxRequestID{RequestID: 2})
		}},
		{name: "MAX_REQUEST_ID of draft 16", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.WriteControl(append(b.Varint(nil, 0x15), 0, 1, 9))
		}},

		{name: "datagram of an unknown type", do: func(b *bad) {
			b.hello()
			b.SendDatagram([]byte{0x10, 1, 1, 1, 1})
		}},
		{name: "datagram cut short", do: func(b *bad) {
			b.hello()
			b.SendDatagram([]byte{0x00, 1})
		}},
		{name: "subgroup header cut short", do: func(b *bad) {
			b.hello()
			b.published("video", 7)
			h := wire.AppendSubgroupHeader(nil, b.Version, &wire.SubgroupHeader{TrackAlias: 7, Group: 1 << 20, Priority: wire.Some(uint8(1))})
			_ = b.SendUni(h[:len(h)-2]).Close()
		}},
		{name: "object cut short", do: func(b *bad) {
			b.hello()
			b.published("video", 7)
			s := b.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 7, Group: 1, Priority: wire.Some(uint8(1))})
			s.Send(wire.Object{PayloadLen: 10}, "half")
			s.Close()
		}},
		{name: "object of an unknown status", do: func(b *bad) {
			b.hello()
			b.published("video", 7)
			s := b.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 7, Group: 1, Priority: wire.Some(uint8(1))})
			s.Send(wire.Object{Status: 9}, "")
		}},
		{name: "object ID too large", do: func(b *bad) {
			b.hello()
			b.published("video", 7)
			s := b.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 7, Group: 1, Priority: wire.Some(uint8(1))})
			const most = 1<<64 - 1
			large := b.Varint(nil, most>>2) // the largest that draft 16 can write
			if !b.Version.Has(wire.FeatureControlStream) {
				large = b.Varint(nil, most)
			}
			for range 8 {
				s.Write(string(append(large, 1, 'x')))
			}
		}},
	}
	return violate(all)
}

// refuseControl asks the session to stop sending on its control stream.
func (b *bad) refuseControl() {
	if b.Version.Has(wire.FeatureControlStream) {
		b.Control().(transport.Stream).Stop(0)
	} else {
		b.control.Stop(0)
	}
}

// violate fills in the code of those that name none.
func violate(all []offence) []offence {
	for i := range all {
		if all[i].want == 0 {
			all[i].want = wire.SessionProtocolViolation
		}
	}
	return all
}

// violationsInRequests are those of requests and answers.
func violationsInRequests() []offence {
	all := []offence{
		{name: "answer without a request", do: func(b *bad) {
			b.hello()
			b.RequestRaw(b.Encode(&wire.RequestOK{RequestID: 1}))
		}},
		{name: "update without a request", do: func(b *bad) {
			b.hello()
			b.RequestRaw(b.Encode(&wire.RequestUpdate{RequestID: 0, ExistingID: 2}))
		}},
		{name: "GOAWAY as a request", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.RequestBytes(b.Encode(&wire.Goaway{}))
		}},
		{name: "SUBSCRIBE on a stream of its own", until: wire.Draft16, do: func(b *bad) {
			b.hello()
			b.RequestBytes(b.Encode(&wire.Subscribe{RequestID: 0, Track: clock}))
		}},
		{name: "SUBSCRIBE_NAMESPACE on the control stream", until: wire.Draft16, do: func(b *bad) {
			b.hello()
			b.SendControl(&wire.SubscribeNamespace{RequestID: 0, Prefix: wire.Namespace{"x"}})
		}},
		{name: "second request on a stream", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.Subscribe(clock, wire.Parameters{}).Send(&wire.Subscribe{RequestID: b.ID(), Track: name("two")})
		}},
		{name: "request cut short", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			m := b.Encode(&wire.Subscribe{RequestID: 0, Track: clock})
			b.RequestBytes(m[:len(m)-2]).Finish()
		}},
		{name: "unknown parameter", do: func(b *bad) {
			b.hello()
			m := &wire.TrackStatus{RequestID: b.ID(), Track: clock}
			p := b.Payload(m)
			b.RequestRaw(b.Bytes(m, append(p[:len(p)-1], 1, 0x3f, 0)))
		}},
		{name: "update for TRACK_STATUS", do: func(b *bad) {
			b.handler.slow.Store(true)
			b.hello()
			b.Status(clock).Update(wire.Parameters{})
		}, since: wire.Draft18},
		{name: "PUBLISH_DONE from a subscriber", do: func(b *bad) {
			b.hello()
			r := b.Subscribe(clock, wire.Parameters{})
			peer.Expect[*wire.SubscribeOK](r)
			r.Send(&wire.PublishDone{})
		}},
		{name: "PUBLISH_STATE_NOTIFY from a subscriber", since: wire.Draft20, do: func(b *bad) {
			b.hello()
			r := b.Subscribe(clock, wire.Parameters{})
			peer.Expect[*wire.SubscribeOK](r)
			r.Send(&wire.StateNotify{})
		}},
		{name: "NAMESPACE from a subscriber", do: func(b *bad) {
			b.hello()
			r := b.Namespaces("x")
			peer.Expect[*wire.RequestOK](r)
			r.Send(&wire.NamespaceMsg{Suffix: wire.Namespace{"y"}})
		}},
		{name: "REQUEST_OK from a subscriber", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			r := b.Subscribe(clock, wire.Parameters{})
			peer.Expect[*wire.SubscribeOK](r)
			r.Send(&wire.RequestOK{})
		}},
		{name: "second GOAWAY on a request", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.published("video", 7).Send(&wire.Goaway{}, &wire.Goaway{})
		}},
		{name: "GOAWAY of a client on a request names a server", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.published("video", 7).Send(&wire.Goaway{URI: "moqt://elsewhere.example"})
		}},
		{name: "second response", fromServer: true, do: func(b *bad) {
			b.hello()
			r := b.subscribed("one")[0]
			r.AcceptSubscribe(7, wire.Option[wire.Location]{}, nil)
			b.ExpectOpen()
			r.AcceptSubscribe(7, wire.Option[wire.Location]{}, nil)
		}},
		{name: "response of another kind", fromServer: true, do: func(b *bad) {
			b.hello()
			b.subscribed("one")[0].Send(&wire.FetchOK{End: wire.Location{Group: 1}})
		}},
		{name: "REQUEST_OK for SUBSCRIBE", fromServer: true, do: func(b *bad) {
			b.hello()
			b.subscribed("one")[0].Send(&wire.RequestOK{})
		}},
		{name: "NAMESPACE for SUBSCRIBE", since: wire.Draft18, fromServer: true, do: func(b *bad) {
			b.hello()
			r := b.subscribed("one")[0]
			r.AcceptSubscribe(7, wire.Option[wire.Location]{}, nil)
			r.Send(&wire.NamespaceMsg{Suffix: wire.Namespace{"y"}})
		}},
		{name: "answer to an update that nobody sent", since: wire.Draft18, fromServer: true, do: func(b *bad) {
			b.hello()
			r := b.subscribed("one")[0]
			r.AcceptSubscribe(7, wire.Option[wire.Location]{}, nil)
			r.Send(&wire.RequestOK{})
		}},
		{name: "publisher answers an update that nobody sent", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.published("video", 7).Send(&wire.RequestErr{Code: wire.RequestTimeout})
		}},
		{name: "PUBLISH_DONE instead of a response", fromServer: true, do: func(b *bad) {
			b.hello()
			b.subscribed("one")[0].Send(&wire.PublishDone{})
		}},
		{name: "NAMESPACE_DONE without NAMESPACE", fromServer: true, do: func(b *bad) {
			s := b.hello()
			go func() {
				_, _ = s.SubscribeNamespace(context.Background(), wire.Namespace{"x"}, make(namespaces, 10))
			}()
			r, _ := peer.Accept[*wire.SubscribeNamespace](b.Peer)
			r.Send(&wire.RequestOK{}, &wire.NamespaceDone{Suffix: wire.Namespace{"y"}})
		}},
		{name: "FETCH_OK ends before the range begins", fromServer: true, do: func(b *bad) {
			s := b.hello()
			s.Fetch(moq.FetchOptions{Into: b.handler.track, First: wire.Location{Group: 5}, Last: wire.Location{Group: 7}})
			r, _ := peer.Accept[*wire.Fetch](b.Peer)
			r.Send(&wire.FetchOK{End: wire.Location{Group: 2}})
		}},
		{name: "a client redirects to another server", since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.subscribed("one")[0].Send(&wire.RequestErr{Code: wire.RequestRedirect, Redirect: &wire.Redirect{URI: "moqt://elsewhere.example", Track: name("two")}})
		}},
		{name: "a namespace is redirected to a track", since: wire.Draft18, fromServer: true, do: func(b *bad) {
			s := b.hello()
			go func() { _, _ = s.PublishNamespace(context.Background(), wire.Namespace{"x"}) }()
			r, _ := peer.Accept[*wire.PublishNamespace](b.Peer)
			r.Send(&wire.RequestErr{Code: wire.RequestRedirect, Redirect: &wire.Redirect{Track: name("two")}})
		}},
		{name: "a parameter in an answer that has no place there", since: wire.Draft18, fromServer: true, do: func(b *bad) {
			s := b.hello()
			go func() { _, _ = s.PublishNamespace(context.Background(), wire.Namespace{"x"}) }()
			r, _ := peer.Accept[*wire.PublishNamespace](b.Peer)
			r.Send(&wire.RequestOK{Params: wire.Parameters{LargestObject: wire.Some(wire.Location{})}})
		}},
		{name: "UNSUBSCRIBE for a FETCH", until: wire.Draft16, do: func(b *bad) {
			b.handler.slow.Store(true)
			b.hello()
			r := b.FetchRange(clock, wire.Location{}, wire.Location{Group: 1}, wire.Parameters{})
			b.SendControl(&wire.Unsubscribe{RequestID: r.ID})
		}},
		{name: "UNSUBSCRIBE for a request that nobody made", until: wire.Draft16, do: func(b *bad) {
			b.hello()
			b.SendControl(&wire.Unsubscribe{RequestID: 8})
		}},
	}
	return violate(all)
}
