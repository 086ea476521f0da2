package conformance_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// onKind is a connection that says it runs over something else.
type onKind struct {
	transport.Conn
	kind            transport.Kind
	path, authority string
}

func (c onKind) Info() transport.Info {
	i := c.Conn.Info()
	i.Kind, i.Path, i.Authority = c.kind, c.path, c.authority
	return i
}

// TestSetupOfClient: a client names path and authority in SETUP on raw QUIC, and
// nowhere else (rules 3, 9).
func TestSetupOfClient(t *testing.T) {
	for _, kind := range []transport.Kind{transport.KindQUIC, transport.KindWebTransport} {
		t.Run(kind.String(), func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				a, b := transport.MemoryPair(v.String())
				p, session := sessionOn(t, onKind{a, kind, "/live?x=y", "relay.example:4443"}, b, moq.Config{Implementation: "test/1"})
				got := p.Hello()
				want := wire.Setup{Implementation: wire.Some("test/1")}
				if kind == transport.KindQUIC {
					want.Path, want.Authority = wire.Some("/live?x=y"), wire.Some("relay.example:4443")
				}
				if got.Path != want.Path || got.Authority != want.Authority || got.Implementation != want.Implementation {
					t.Errorf("got SETUP %+v, want %+v", got, want)
				}
				session()
			})
		})
	}
}

// TestPathAndAuthority: where they may come from, and what they may look like (rule 9).
func TestPathAndAuthority(t *testing.T) {
	const quic, wt = transport.KindQUIC, transport.KindWebTransport
	tests := []struct {
		name   string
		kind   transport.Kind
		server bool // the peer is one
		typ    byte
		value  string
		want   wire.SessionError
	}{
		{"path on raw QUIC", quic, false, 1, "/live", 0},
		{"authority on raw QUIC", quic, false, 5, "relay.example", 0},
		{"path on WebTransport", wt, false, 1, "/live", wire.SessionInvalidPath},
		{"authority on WebTransport", wt, false, 5, "relay.example", wire.SessionInvalidAuthority},
		{"path from a server", quic, true, 1, "/live", wire.SessionInvalidPath},
		{"authority from a server", quic, true, 5, "relay.example", wire.SessionInvalidAuthority},
		{"malformed path", quic, false, 1, "no slash \x01", wire.SessionMalformedPath},
		{"malformed authority", quic, false, 5, "a b/c@@", wire.SessionMalformedAuthority},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				a, b := transport.MemoryPair(v.String())
				if !x.server {
					a, b = b, a
				}
				p, session := sessionOn(t, onKind{Conn: a, kind: x.kind}, b, moq.Config{})
				p.WriteControl(setupBytes(p, option(p, x.typ, x.value)))
				if x.want != 0 {
					p.ExpectClose(x.want)
					return
				}
				p.ReceiveSetup()
				p.ExpectOpen()
				if s := session(); x.typ == 1 && s.Path() != x.value {
					t.Errorf("the session's path is %q, want %q", s.Path(), x.value)
				}
			})
		})
	}
}

// option writes a setup option of odd type as the first of its SETUP.
func option(p *peer.Peer, typ byte, value string) []byte {
	return append(p.Varint([]byte{typ}, uint64(len(value))), value...)
}

// setupBytes frames options as a SETUP, each but the first with a type relative
// to the one before.
func setupBytes(p *peer.Peer, options ...[]byte) []byte {
	var payload []byte
	if p.Version.Has(wire.FeatureControlStream) {
		payload = append(payload, byte(len(options)))
	}
	for _, o := range options {
		payload = append(payload, o...)
	}
	return p.Bytes(p.DefaultSetup(), payload)
}

// TestSetupOptions: unknown ones are ignored, known ones come once (rules 8, 16).
func TestSetupOptions(t *testing.T) {
	tests := []struct {
		name    string
		options [][]byte
		want    wire.SessionError
	}{
		{"none", nil, 0},
		{"unknown", [][]byte{{0x3f, 1, 'x'}}, 0},
		{"unknown twice", [][]byte{{0x3f, 1, 'x'}, {0, 1, 'y'}}, 0},
		{"unknown number", [][]byte{{0x3e, 5}}, 0},
		{"token cache size", [][]byte{{4, 0}}, 0},
		{"token cache size twice", [][]byte{{4, 0}, {0, 0}}, wire.SessionProtocolViolation},
		{"implementation twice", [][]byte{{7, 1, 'x'}, {0, 1, 'x'}}, wire.SessionProtocolViolation},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := fresh(t, v)
				p.WriteControl(setupBytes(p, x.options...))
				if x.want != 0 {
					p.ExpectClose(x.want)
					return
				}
				p.ReceiveSetup()
				p.ExpectOpen()
			})
		})
	}
}

// TestGreaseInSetup: reserved option types of both kinds are ignored (rule 16).
func TestGreaseInSetup(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		p := fresh(t, v)
		m := p.DefaultSetup()
		for n := range uint64(4) {
			m.Unknown = append(m.Unknown, wire.KeyValue{Type: grease(n), Value: n, Bytes: []byte{1, 2}})
		}
		p.SendSetup(m)
		p.ReceiveSetup()
		p.ExpectOpen()
	})
}

// grease is the n-th reserved value (moqt-18 §14).
func grease(n uint64) uint64 { return 0x7f*n + 0x9d }

// TestControlStream: it lasts as long as the session, and there is one (rule 4).
func TestControlStream(t *testing.T) {
	tests := []struct {
		name string
		do   func(p *peer.Peer)
	}{
		{"FIN", func(p *peer.Peer) { _ = p.Control().Close() }},
		{"reset", func(p *peer.Peer) { p.Control().Reset(0) }},
		{"SETUP again", func(p *peer.Peer) { p.SendControl(p.DefaultSetup()) }},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				p.ExpectOpen() // SETUP was read, a reset does not take it back
				x.do(p)
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
	t.Run("another one", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			p := alone(t, v)
			if v.Has(wire.FeatureControlStream) {
				p.RequestBytes(p.Encode(p.DefaultSetup()))
			} else {
				p.SendUni(p.Encode(p.DefaultSetup()))
			}
			p.ExpectClose(wire.SessionProtocolViolation)
		})
	})
	t.Run("one of the session", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			alone(t, v).Quiet() // a second would be told as one too many
		})
	})
}

// goawayID is the request ID of a client's GOAWAY, where the draft has one.
func goawayID(v wire.Version) wire.Option[uint64] {
	if v.Has(wire.FeatureGoawayRequestID) {
		return wire.Some(uint64(1))
	}
	return wire.Option[uint64]{}
}

// TestFirstOnRequestStream: only requests open a bidirectional stream (rule 5).
func TestFirstOnRequestStream(t *testing.T) {
	tests := []struct {
		name  string
		first func(v wire.Version) wire.Message // nil: the draft has none
	}{
		{"REQUEST_OK", func(wire.Version) wire.Message { return &wire.RequestOK{} }},
		{"REQUEST_ERROR", func(wire.Version) wire.Message { return &wire.RequestErr{} }},
		{"SUBSCRIBE_OK", func(wire.Version) wire.Message { return &wire.SubscribeOK{} }},
		{"FETCH_OK", func(wire.Version) wire.Message { return &wire.FetchOK{} }},
		{"REQUEST_UPDATE", func(wire.Version) wire.Message { return &wire.RequestUpdate{} }},
		{"PUBLISH_DONE", func(wire.Version) wire.Message { return &wire.PublishDone{} }},
		{"NAMESPACE", func(wire.Version) wire.Message { return &wire.NamespaceMsg{Suffix: room} }},
		{"NAMESPACE_DONE", func(wire.Version) wire.Message { return &wire.NamespaceDone{Suffix: room} }},
		{"GOAWAY", func(v wire.Version) wire.Message { return &wire.Goaway{RequestID: goawayID(v)} }},
		{"PUBLISH_BLOCKED", func(v wire.Version) wire.Message {
			if v.Has(wire.FeatureSubscribeTracks) {
				return &wire.PublishBlocked{Suffix: room, Name: "x"}
			}
			return nil
		}},
		{"PUBLISH_STATE_NOTIFY", func(v wire.Version) wire.Message {
			if v.Has(wire.FeatureStateNotify) {
				return &wire.StateNotify{}
			}
			return nil
		}},
		{"SUBSCRIBE off the control stream", func(v wire.Version) wire.Message {
			if v.Has(wire.FeatureControlStream) {
				return &wire.Subscribe{Track: video}
			}
			return nil
		}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				m := x.first(v)
				if m == nil {
					return
				}
				p := alone(t, v)
				p.RequestBytes(p.Encode(m))
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}

// TestOvertakenSetup: a request and data that come before SETUP are kept (rule 6).
func TestOvertakenSetup(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p := fresh(t, v)
		p.SendGroup(wire.SubgroupHeader{TrackAlias: 5}, "x")
		r := p.Namespaces("room")
		synctest.Wait()
		p.Hello()
		peer.Expect[*wire.RequestOK](r)
		p.ExpectOpen()
	})
}

// TestNothingBeforeSetup: a session asks for nothing before it has the peer's
// SETUP (rule 7).
func TestNothingBeforeSetup(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, session := client(t, v, moq.Config{})
		asked := make(chan error, 1)
		go func() {
			s := session()
			_, err := s.TrackStatus(t.Context(), video)
			asked <- err
		}()
		p.ReceiveSetup()
		time.Sleep(time.Second)
		p.Quiet()
		p.SendSetup(p.DefaultSetup())
		r, _ := peer.Accept[*wire.TrackStatus](p)
		r.Send(&wire.RequestOK{})
		if err := <-asked; err != nil {
			t.Error(err)
		}
	})
}
