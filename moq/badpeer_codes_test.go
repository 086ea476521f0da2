package moq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// offence is what a peer does to have its session closed.
type offence struct {
	name         string
	want         wire.SessionError
	since, until wire.Version // the drafts in which it is one; 0 is no bound
	fromServer   bool         // the peer is the server
	kind         transport.Kind
	limits       transport.MemoryConfig
	config       func(*moq.Config)
	wrap         func(transport.Conn) transport.Conn // the session's connection
	// do offends. The peer has not sent SETUP; see bad.hello.
	do func(b *bad)
}

func (o *offence) in(v wire.Version) bool {
	return v >= o.since && (o.until == 0 || v <= o.until)
}

// existence is in which drafts a session error code exists (moqt-16 §13.4.1,
// moqt-18 §15.10.1, moqt-19 §15.11.1; draft 20 removed 0x15). Codes that are not
// named here are in all of them.
func existence(c wire.SessionError) (since, until wire.Version) {
	switch c {
	case wire.SessionTooManyRequests:
		return 0, wire.Draft16
	case wire.SessionVersionNegotiationFailed:
		return 0, wire.Draft19
	case wire.SessionTooManyRequestUpdates:
		return wire.Draft19, 0
	}
	return 0, 0
}

// TestSessionErrors: each session error code is seen by a peer that offends so,
// on each draft.
func TestSessionErrors(t *testing.T) {
	for _, o := range offences() {
		t.Run(o.want.String()+"/"+o.name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, v wire.Version) {
				if !o.in(v) {
					return
				}
				b := offend(t, v, o)
				o.do(b)
				b.ExpectClose(o.want)
			})
		})
	}
}

// TestSessionErrorsCovered: no code is left out of TestSessionErrors on a draft
// that has it.
func TestSessionErrorsCovered(t *testing.T) {
	for c := range wire.SessionTooManyRequestUpdates + 1 {
		if strings.HasPrefix(c.String(), "0x") {
			continue // no draft has it
		}
		since, until := existence(c)
		for _, v := range wire.Versions() {
			covered := false
			for _, o := range offences() {
				covered = covered || o.want == c && o.in(v)
			}
			exists := v >= since && (until == 0 || v <= until)
			if exists != covered {
				t.Errorf("%v in %v: exists %t, tested %t", c, v, exists, covered)
			}
		}
	}
}

func offences() []offence {
	all := append(applicationErrors(), sessionErrors()...)
	all = append(all, timeouts()...)
	all = append(all, tokenErrors()...)
	all = append(all, violations()...)
	return append(all, violationsInRequests()...)
}

// applicationErrors are codes that the session itself has no reason for: what a
// token says and who may do what is known to an authorisation layer, a Handler or
// who holds the session. It closes with Session.Close.
func applicationErrors() []offence {
	var all []offence
	for _, c := range []wire.SessionError{
		wire.SessionNoError, wire.SessionUnauthorized, wire.SessionMalformedAuthToken, wire.SessionExpiredAuthToken,
		wire.SessionInvalidPath, wire.SessionInvalidAuthority, // of a path or an authority that is not served
	} {
		all = append(all, offence{name: "closed by the application", want: c, do: func(b *bad) {
			b.hello().Close(c, "said by the application")
		}})
	}
	return all
}

// deaf is a connection that fails to accept streams without being closed.
type deaf struct{ transport.Conn }

func (deaf) AcceptStream(context.Context) (transport.Stream, error) {
	return nil, errors.New("no more files")
}

func sessionErrors() []offence {
	const quic, wt = transport.KindQUIC, transport.KindWebTransport
	setup := func(m wire.Setup) func(*bad) {
		return func(b *bad) {
			mine := b.DefaultSetup()
			mine.Path, mine.Authority, mine.AuthTokens = m.Path, m.Authority, m.AuthTokens
			b.SendSetup(mine)
		}
	}
	// malformed sends a SETUP with an option that cannot be encoded: it takes the
	// place of one of the same length.
	malformed := func(m wire.Setup, good, bytes string) func(*bad) {
		return func(b *bad) {
			mine := b.DefaultSetup()
			mine.Path, mine.Authority, mine.AuthTokens = m.Path, m.Authority, m.AuthTokens
			whole := string(b.Encode(mine))
			changed := strings.Replace(whole, good, bytes, 1)
			if changed == whole || len(changed) != len(whole) {
				b.t.Fatalf("%q is not in %q", good, whole)
			}
			b.WriteControl([]byte(changed))
		}
	}
	token := []wire.Token{{AliasType: wire.TokenUseValue, TokenType: 5, Value: []byte("good")}}
	return []offence{
		{name: "the connection fails", want: wire.SessionInternalError, wrap: func(c transport.Conn) transport.Conn { return deaf{c} }, do: func(b *bad) {}},

		{name: "no version agreed", want: wire.SessionVersionNegotiationFailed, until: wire.Draft19, wrap: func(c transport.Conn) transport.Conn { return otherProtocol{c} }, do: func(b *bad) {}},

		{name: "path on WebTransport", want: wire.SessionInvalidPath, kind: wt, do: setup(wire.Setup{Path: wire.Some("/x")})},
		{name: "path from a server", want: wire.SessionInvalidPath, kind: quic, fromServer: true, do: setup(wire.Setup{Path: wire.Some("/x")})},
		{name: "authority on WebTransport", want: wire.SessionInvalidAuthority, kind: wt, do: setup(wire.Setup{Authority: wire.Some("x")})},
		{name: "authority from a server", want: wire.SessionInvalidAuthority, kind: quic, fromServer: true, do: setup(wire.Setup{Authority: wire.Some("x")})},
		{name: "space in a path", want: wire.SessionMalformedPath, kind: quic, do: malformed(wire.Setup{Path: wire.Some("/good")}, "/good", "/go d")},
		{name: "path without a slash", want: wire.SessionMalformedPath, kind: quic, do: malformed(wire.Setup{Path: wire.Some("/good")}, "/good", "xgood")},
		{name: "control byte in a path", want: wire.SessionMalformedPath, kind: quic, do: malformed(wire.Setup{Path: wire.Some("/good")}, "/good", "/g\x00od")},
		{name: "slash in an authority", want: wire.SessionMalformedAuthority, kind: quic, do: malformed(wire.Setup{Authority: wire.Some("good.example")}, "good", "go/d")},
		{name: "authority without a host", want: wire.SessionMalformedAuthority, kind: quic, do: malformed(wire.Setup{Authority: wire.Some("good:1")}, "good:1", ":12345")},

		{name: "token of an unknown form in SETUP", want: wire.SessionKeyValueFormattingError, do: malformed(wire.Setup{AuthTokens: token}, "\x03\x05good", "\x09\x05good")},
		{name: "bytes behind a token in SETUP", want: wire.SessionKeyValueFormattingError, do: malformed(wire.Setup{AuthTokens: token}, "\x03\x05good", "\x02\x05good")},
		{name: "token of an unknown form in a request", want: wire.SessionKeyValueFormattingError, do: func(b *bad) {
			b.hello()
			m := b.Encode(&wire.Subscribe{RequestID: b.ID(), Track: clock, Params: wire.Parameters{AuthTokens: token}})
			b.RequestRaw([]byte(strings.Replace(string(m), "\x03\x05good", "\x09\x05good", 1)))
		}},

		{name: "request ID of the other side", want: wire.SessionInvalidRequestID, do: func(b *bad) {
			b.hello()
			b.Request(&wire.Subscribe{RequestID: 1, Track: clock})
		}},
		{name: "request ID used twice", want: wire.SessionInvalidRequestID, do: func(b *bad) {
			b.hello()
			b.Request(&wire.TrackStatus{RequestID: 0, Track: clock})
			b.Request(&wire.TrackStatus{RequestID: 0, Track: clock})
		}},
		{name: "request ID used for an update", want: wire.SessionInvalidRequestID, do: func(b *bad) {
			b.hello()
			r := b.Subscribe(clock, wire.Parameters{})
			synctest.Wait()
			r.Send(&wire.RequestUpdate{RequestID: r.ID})
		}},
		{name: "update with a request ID of the other side", want: wire.SessionInvalidRequestID, do: func(b *bad) {
			b.hello()
			r := b.Subscribe(clock, wire.Parameters{})
			synctest.Wait()
			r.Send(&wire.RequestUpdate{RequestID: 3})
		}},
		{name: "request ID far ahead", want: wire.SessionInvalidRequestID, since: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.Request(&wire.Subscribe{RequestID: 1 << 40, Track: clock})
		}},
		{name: "request ID out of sequence", want: wire.SessionInvalidRequestID, until: wire.Draft16, do: func(b *bad) {
			b.hello()
			b.Request(&wire.TrackStatus{RequestID: 4, Track: clock})
			b.Request(&wire.TrackStatus{RequestID: 2, Track: clock})
		}},
		{name: "request ID skipped", want: wire.SessionInvalidRequestID, until: wire.Draft16, do: func(b *bad) {
			b.hello()
			b.Request(&wire.TrackStatus{RequestID: 4, Track: clock})
		}},
		{name: "GOAWAY with a request ID of the other side", want: wire.SessionInvalidRequestID, since: wire.Draft18, until: wire.Draft18, do: func(b *bad) {
			b.hello()
			b.SendControl(&wire.Goaway{RequestID: wire.Some(uint64(2))})
		}},

		{name: "beyond MAX_REQUEST_ID", want: wire.SessionTooManyRequests, until: wire.Draft16, do: func(b *bad) {
			b.Hello()
			b.theirs()
			b.Request(&wire.TrackStatus{RequestID: 1 << 20, Track: clock})
		}},
		{name: "beyond MAX_REQUEST_ID, on a stream of its own", want: wire.SessionTooManyRequests, until: wire.Draft16, do: func(b *bad) {
			b.hello()
			b.Request(&wire.SubscribeNamespace{RequestID: 1 << 20, Prefix: wire.Namespace{"x"}})
		}},
		{name: "too many updates", want: wire.SessionTooManyRequestUpdates, since: wire.Draft19, config: func(c *moq.Config) { c.MaxRequestUpdates = 3 }, do: func(b *bad) {
			b.handler.slow.Store(true)
			b.hello()
			r := b.Subscribe(clock, wire.Parameters{})
			for range 3 {
				r.Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(1))})
			}
			b.ExpectOpen() // as many as allowed
			r.Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(1))})
		}},

		{name: "two tracks with one alias, subscribed to", want: wire.SessionDuplicateTrackAlias, fromServer: true, do: func(b *bad) {
			b.hello()
			for _, r := range b.subscribed("one", "two") {
				r.AcceptSubscribe(7, wire.Option[wire.Location]{}, nil)
			}
		}},
		{name: "two tracks with one alias, published", want: wire.SessionDuplicateTrackAlias, do: func(b *bad) {
			b.hello()
			b.published("one", 7)
			b.Publish(name("two"), 7, wire.Parameters{}, nil)
		}},
		{name: "two tracks with one alias, of both kinds", want: wire.SessionDuplicateTrackAlias, do: func(b *bad) {
			b.hello()
			b.subscribed("one")[0].AcceptSubscribe(7, wire.Option[wire.Location]{}, nil)
			b.ExpectOpen()
			b.Publish(name("two"), 7, wire.Parameters{}, nil)
		}},
	}
}

// otherProtocol is a connection whose handshake agreed on something else.
type otherProtocol struct{ transport.Conn }

func (c otherProtocol) Info() transport.Info {
	i := c.Conn.Info()
	i.Protocol = "moq-00"
	return i
}

// timeouts are those of a peer that begins something and does not go on.
func timeouts() []offence {
	quick := func(c *moq.Config) { c.ControlTimeout, c.DataTimeout = 2*time.Second, 3*time.Second }
	half := func(b []byte) []byte { return b[:len(b)-1] }
	data := func(send func(b *bad)) func(b *bad) {
		return func(b *bad) {
			b.hello()
			b.published("video", 7)
			send(b)
		}
	}
	header := wire.SubgroupHeader{TrackAlias: 7, Group: 1, Priority: wire.Some(uint8(1))}
	return []offence{
		{name: "the peer does not leave", want: wire.SessionGoawayTimeout, do: func(b *bad) {
			if err := b.hello().Goaway("", 5*time.Second); err != nil {
				b.t.Error(err)
			}
		}},
		{name: "no SETUP", want: wire.SessionControlMessageTimeout, do: func(b *bad) {}},
		{name: "half a SETUP", want: wire.SessionControlMessageTimeout, config: quick, do: func(b *bad) {
			b.WriteControl(half(b.Encode(b.DefaultSetup())))
		}},
		{name: "half a control message", want: wire.SessionControlMessageTimeout, config: quick, do: func(b *bad) {
			b.hello()
			b.WriteControl(half(b.Encode(b.goaway())))
		}},
		{name: "half a request", want: wire.SessionControlMessageTimeout, config: quick, do: func(b *bad) {
			b.hello()
			b.RequestRaw(half(b.Encode(&wire.Subscribe{RequestID: b.ID(), Track: clock})))
		}},
		{name: "half a namespace request", want: wire.SessionControlMessageTimeout, config: quick, do: func(b *bad) {
			b.hello()
			b.RequestBytes(half(b.Encode(&wire.SubscribeNamespace{RequestID: b.ID(), Prefix: wire.Namespace{"x"}})))
		}},
		{name: "half an update", want: wire.SessionControlMessageTimeout, config: quick, do: func(b *bad) {
			b.hello()
			r := b.Subscribe(clock, wire.Parameters{})
			r.Write(half(b.Encode(&wire.RequestUpdate{RequestID: b.ID()})))
		}},
		{name: "half an answer", want: wire.SessionControlMessageTimeout, config: quick, do: func(b *bad) {
			b.hello()
			r := b.subscribed("one")[0]
			r.Write(half(b.Encode(&wire.SubscribeOK{RequestID: r.ID, TrackAlias: 1})))
		}},

		{name: "half a stream type", want: wire.SessionDataStreamTimeout, config: quick, do: data(func(b *bad) {
			b.SendUni(b.Varint(nil, uint64(wire.StreamPadding))[:1])
		})},
		{name: "half a subgroup header", want: wire.SessionDataStreamTimeout, config: quick, do: data(func(b *bad) {
			b.SendUni(half(wire.AppendSubgroupHeader(nil, b.Version, &header)))
		})},
		{name: "half an object header", want: wire.SessionDataStreamTimeout, config: quick, do: data(func(b *bad) {
			b.OpenSubgroup(header).Write("\x00")
		})},
		{name: "half a payload", want: wire.SessionDataStreamTimeout, config: quick, do: data(func(b *bad) {
			b.OpenSubgroup(header).Send(wire.Object{PayloadLen: 10}, "half")
		})},
		{name: "half a fetch header", want: wire.SessionDataStreamTimeout, config: quick, do: data(func(b *bad) {
			b.SendUni(half(wire.AppendFetchHeader(nil, b.Version, &wire.FetchHeader{RequestID: 1})))
		})},
	}
}

// goaway is a GOAWAY as this side may send it on the control stream.
func (b *bad) goaway() *wire.Goaway {
	m := &wire.Goaway{}
	if b.Version.Has(wire.FeatureGoawayRequestID) {
		m.RequestID = wire.Some(uint64(1))
	}
	return m
}

func tokenErrors() []offence {
	ask := func(tokens ...wire.Token) func(b *bad) {
		return func(b *bad) {
			b.hello()
			b.Subscribe(clock, wire.Parameters{AuthTokens: tokens})
		}
	}
	room := func(c *moq.Config) { c.MaxTokenCache = 40 }
	register := func(alias uint64, value string) wire.Token {
		return wire.Token{AliasType: wire.TokenRegister, Alias: alias, TokenType: 1, Value: []byte(value)}
	}
	return []offence{
		{name: "no cache", want: wire.SessionAuthTokenCacheOverflow, do: ask(register(1, ""))},
		{name: "token too large for the cache", want: wire.SessionAuthTokenCacheOverflow, config: room, do: ask(register(1, strings.Repeat("x", 25)))},
		{name: "second token too many", want: wire.SessionAuthTokenCacheOverflow, config: room, do: ask(register(1, "12345678"), register(2, "1"))},
		{name: "in an update", want: wire.SessionAuthTokenCacheOverflow, config: room, do: func(b *bad) {
			b.hello()
			r := b.Subscribe(clock, wire.Parameters{})
			r.Update(wire.Parameters{AuthTokens: []wire.Token{register(1, strings.Repeat("x", 25))}})
		}},
		{name: "alias registered twice", want: wire.SessionDuplicateAuthTokenAlias, config: room, do: ask(register(1, ""), register(1, ""))},
		{name: "alias registered by two requests", want: wire.SessionDuplicateAuthTokenAlias, config: room, do: func(b *bad) {
			ask(register(1, ""))(b)
			b.ExpectOpen()
			b.Subscribe(name("other"), wire.Parameters{AuthTokens: []wire.Token{register(1, "")}})
		}},
		{name: "alias registered twice in SETUP", want: wire.SessionDuplicateAuthTokenAlias, config: room, do: func(b *bad) {
			m := b.DefaultSetup()
			m.AuthTokens = []wire.Token{register(1, ""), register(1, "")}
			b.SendSetup(m)
		}},
		{name: "alias used", want: wire.SessionUnknownAuthTokenAlias, do: ask(wire.Token{AliasType: wire.TokenUseAlias, Alias: 9})},
		{name: "alias deleted", want: wire.SessionUnknownAuthTokenAlias, do: ask(wire.Token{AliasType: wire.TokenDelete, Alias: 9})},
		{name: "alias used after it was deleted", want: wire.SessionUnknownAuthTokenAlias, config: room, do: ask(
			register(1, ""), wire.Token{AliasType: wire.TokenDelete, Alias: 1}, wire.Token{AliasType: wire.TokenUseAlias, Alias: 1})},
	}
}
