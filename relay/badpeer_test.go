package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	raw "moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/limit"
)

// offender is a peer of the relay that does what it should not.
type offender struct {
	name         string
	since, until wire.Version // 0 is no bound
	limits       transport.MemoryConfig
	// do is called between two groups of the healthy publisher, with their number.
	do   func(p *raw.Peer, step int)
	want wire.SessionError // that it is closed with; noClose when it is not

	leaves bool // it ends the session itself
}

const noClose = wire.SessionError(1 << 32)

// TestOffencesAreNotSeenByOthers: beside an offender of each kind, a healthy
// subscriber gets every object of a healthy publisher, at once, and neither is
// closed. One that comes later is served as well.
func TestOffencesAreNotSeenByOthers(t *testing.T) {
	t.Parallel() // virtual time
	for _, x := range offenders() {
		t.Run(x.name, func(t *testing.T) {
			for _, v := range wire.Versions() {
				if v < x.since || (x.until != 0 && v > x.until) {
					continue
				}
				t.Run(v.String(), func(t *testing.T) {
					bubble(t, func(t *testing.T) { x.test(t, v) })
				})
			}
		})
	}
}

func (x *offender) test(t *testing.T, v wire.Version) {
	r := newRelay(t, relay.Config{Limits: limit.New(limit.Config{Session: limit.Limits{Namespaces: 50, Subscriptions: 100}})})
	track := live.NewTrack(camera, live.Options{RetainGroups: 20})
	publisher := newPeerOf(t, r, v, track, camera.Namespace)
	healthy := viewOn(t, r, v)
	put(t, track, 0, 0, 1, 2)
	healthy.getsAtOnce(locations(0, 0, 1, 2)...)

	limits := x.limits
	limits.Protocol = v.String()
	near, far := limits.Pair()
	served := make(chan struct{})
	go func() {
		defer close(served)
		r.ServeConn(far)
	}()
	defer func() { <-served }()
	bad := raw.New(t, near)
	defer near.CloseWithError(0, "")
	bad.Hello()
	const steps = 5
	for step := range steps {
		if near.Context().Err() == nil {
			x.do(bad, step)
		}
		group := uint64(step + 1)
		put(t, track, group, 0, 1, 2, 3)
		healthy.getsAtOnce(locations(group, 0, 1, 2, 3)...)
	}
	switch {
	case x.leaves:
	case x.want == noClose:
		bad.ExpectOpen()
	default:
		bad.ExpectClose(x.want)
	}
	late := viewOn(t, r, v)
	put(t, track, steps+1, 0, 1)
	healthy.getsAtOnce(locations(steps+1, 0, 1)...)
	late.getsAtOnce(locations(steps+1, 0, 1)...)
	healthy.goesOn()
	for what, s := range map[string]*moq.Session{"publisher": publisher.session, "subscriber": healthy.session} {
		if err := s.Context().Err(); err != nil {
			t.Errorf("the %s was closed: %v", what, err)
		}
	}
}

// viewOn is view on a draft.
func viewOn(t *testing.T, r *relay.Relay, v wire.Version) *viewer {
	t.Helper()
	x := &viewer{t: t, session: connect(t, r, v, moq.Config{})}
	started := time.Now()
	x.subscribe(moq.SubscribeOptions{})
	if waited := time.Since(started); waited > time.Second {
		t.Errorf("SUBSCRIBE_OK took %v", waited)
	}
	return x
}

// getsAtOnce is gets without any time passing.
func (v *viewer) getsAtOnce(want ...wire.Location) {
	v.t.Helper()
	started := time.Now()
	v.gets(want...)
	if waited := time.Since(started); waited > 0 {
		v.t.Errorf("%v took %v", want, waited)
	}
}

func offenders() []offender {
	const violation = wire.SessionProtocolViolation
	other := wire.FullTrackName{Namespace: wire.Namespace{"bad"}, Name: "video"}
	header := wire.SubgroupHeader{TrackAlias: 7, Priority: wire.Some(uint8(1))}
	small := transport.MemoryConfig{StreamBuffer: 2000, MaxUniStreams: 3}
	once := func(do func(p *raw.Peer)) func(*raw.Peer, int) {
		return func(p *raw.Peer, step int) {
			if step == 0 {
				do(p)
			}
		}
	}
	subscribe := func(p *raw.Peer) *raw.Request {
		r := p.Subscribe(camera, wire.Parameters{})
		raw.Expect[*wire.SubscribeOK](r)
		return r
	}
	return []offender{
		{name: "unknown message", want: violation, do: once(func(p *raw.Peer) {
			subscribe(p)
			p.WriteControl(append(p.Varint(nil, 0x3f), 0, 0))
		})},
		{name: "answer without a request", want: violation, do: once(func(p *raw.Peer) {
			p.RequestRaw(p.Encode(&wire.RequestOK{RequestID: 99}))
		})},
		{name: "request ID of the other side", want: wire.SessionInvalidRequestID, do: once(func(p *raw.Peer) {
			p.Request(&wire.Subscribe{RequestID: 1, Track: camera})
		})},
		{name: "token that is not registered", want: wire.SessionUnknownAuthTokenAlias, do: once(func(p *raw.Peer) {
			p.Subscribe(camera, wire.Parameters{AuthTokens: []wire.Token{{AliasType: wire.TokenUseAlias, Alias: 1}}})
		})},
		{name: "object cut short", want: violation, do: once(func(p *raw.Peer) {
			p.Publish(other, 7, wire.Parameters{}, nil).ExpectPublishOK()
			s := p.OpenSubgroup(header)
			s.Send(wire.Object{PayloadLen: 10}, "half")
			s.Close()
		})},
		{name: "gone in the middle of it all", leaves: true, do: func(p *raw.Peer, step int) {
			switch step {
			case 0:
				subscribe(p)
				p.Publish(camera, 7, wire.Parameters{LargestObject: wire.Some(wire.Location{Group: 0, Object: 2})}, nil).ExpectPublishOK()
				p.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 7, Group: 1, Priority: wire.Some(uint8(128))}).Send(wire.Object{PayloadLen: 3}, "1/")
			case 1:
				_ = p.Conn.CloseWithError(77, "gone")
			}
		}},
		{name: "publisher of the same track that sends garbage", want: violation, do: func(p *raw.Peer, step int) {
			switch step {
			case 0:
				p.Publish(camera, 7, wire.Parameters{LargestObject: wire.Some(wire.Location{Group: 0, Object: 2})}, nil).ExpectPublishOK()
			case 2:
				p.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 7, Group: 50, Priority: wire.Some(uint8(128))}).Send(wire.Object{Status: 9}, "")
			}
		}},
		{name: "announces the same namespace and answers nothing", want: noClose, do: once(func(p *raw.Peer) {
			p.PublishNamespace(camera.Namespace...)
		})},
		{name: "subscriber that reads no data", want: noClose, limits: small, do: once(func(p *raw.Peer) {
			p.Pause()
			subscribe(p)
		})},
		{name: "fetches that are not read", want: noClose, limits: small, do: func(p *raw.Peer, step int) {
			if step == 0 {
				p.Pause()
			}
			for range 15 {
				p.FetchRange(camera, wire.Location{}, wire.Location{Group: uint64(step)}, wire.Parameters{})
			}
		}},
		{name: "updates without end", want: noClose, do: func() func(*raw.Peer, int) {
			var r *raw.Request
			return func(p *raw.Peer, step int) {
				if step == 0 {
					r = subscribe(p)
				}
				for i := range 200 {
					r.Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(i))})
					raw.Expect[*wire.RequestOK](r)
				}
			}
		}()},
		{name: "namespaces without end", want: noClose, do: func(p *raw.Peer, step int) {
			for i := range 60 {
				p.Request(&wire.PublishNamespace{RequestID: p.ID(), Namespace: wire.Namespace{fmt.Sprint(step), fmt.Sprint(i)}})
			}
			synctest.Wait()
		}},
		{name: "namespace subscriptions without end", want: noClose, do: func(p *raw.Peer, step int) {
			for i := range 60 {
				p.Namespaces(fmt.Sprint(step), fmt.Sprint(i))
			}
			synctest.Wait()
		}},
		{name: "requests for nothing", want: noClose, do: func(p *raw.Peer, step int) {
			for i := range 100 {
				name := wire.FullTrackName{Namespace: camera.Namespace, Name: fmt.Sprint(step, i)}
				p.Subscribe(name, wire.Parameters{}).ExpectError(wire.RequestDoesNotExist)
			}
		}},
		{name: "streams of unknown tracks", want: violation, do: func(p *raw.Peer, step int) {
			for i := range 1000 {
				p.SendUni(wire.AppendSubgroupHeader(nil, p.Version, &wire.SubgroupHeader{TrackAlias: uint64(1000*step + i), Priority: wire.Some(uint8(1))}))
			}
			time.Sleep(3 * time.Second)
		}},
		{name: "datagrams of unknown tracks", want: violation, do: func(p *raw.Peer, step int) {
			for i := range 2000 {
				if p.Conn.SendDatagram(wire.AppendDatagram(nil, p.Version, &wire.Datagram{TrackAlias: uint64(i), Payload: []byte("x")})) != nil {
					return
				}
				if i%50 == 0 {
					synctest.Wait()
				}
			}
			time.Sleep(time.Second) // a session that rests looks now, and drops nothing from then on
		}},
		{name: "one byte a second", want: wire.SessionControlMessageTimeout, do: func(p *raw.Peer, step int) {
			m := p.Encode(&wire.Subscribe{RequestID: 0, Track: camera})
			if p.Version.Has(wire.FeatureControlStream) {
				p.WriteControl(m[step : step+1])
			} else if step == 0 {
				p.RequestBytes(m[:1])
			}
			time.Sleep(3 * time.Second)
		}},
	}
}
