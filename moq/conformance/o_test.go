package conformance_test

import (
	"errors"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestRequestsAfterGoaway are refused with GOING_AWAY (rule 200).
func TestRequestsAfterGoaway(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, session := serving(t, v, moq.Config{Handler: make(gatekeeper, 9)})
		p.Hello()
		statusWith(p).ExpectError(wire.RequestUnauthorized)
		if err := session().Goaway("moqt://elsewhere.example", 0); err != nil {
			t.Fatal(err)
		}
		m, ok := p.ReceiveControl().(*wire.Goaway)
		if !ok || m.URI != "moqt://elsewhere.example" {
			t.Fatalf("got %+v", m)
		}
		if v.Has(wire.FeatureGoawayRequestID) && m.RequestID != wire.Some(uint64(2)) {
			t.Errorf("GOAWAY names request %+v, want 2", m.RequestID)
		}
		for _, r := range []*peer.Request{
			statusWith(p), p.Subscribe(video, wire.Parameters{}), p.Namespaces("x"), p.Publish(video, 1, wire.Parameters{}, nil),
		} {
			r.ExpectError(goingAway(v))
			r.ExpectFin()
		}
		p.ExpectOpen()
	})
}

// goingAway is the code that stands for GOING_AWAY: draft 16 has none.
func goingAway(v wire.Version) wire.RequestError {
	if v.Has(wire.FeatureControlStream) {
		return wire.RequestInternalError
	}
	return wire.RequestGoingAway
}

// TestBadGoaway: what no peer may send (rules 199, 200).
func TestBadGoaway(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p := alone(t, v)
		p.SendControl(&wire.Goaway{RequestID: goawayID(v)}, &wire.Goaway{RequestID: goawayID(v)})
		p.ExpectClose(wire.SessionProtocolViolation)
		p = alone(t, v)
		p.SendControl(&wire.Goaway{URI: "moqt://x", RequestID: goawayID(v)})
		p.ExpectClose(wire.SessionProtocolViolation)
		p = alone(t, v)
		p.WriteControl(p.Bytes(&wire.Goaway{RequestID: goawayID(v)}, append(p.Varint(nil, 8193), make([]byte, 8200)...)))
		p.ExpectClose(wire.SessionProtocolViolation)
		if v.Has(wire.FeatureGoawayRequestID) {
			p = alone(t, v)
			p.SendControl(&wire.Goaway{RequestID: wire.Some(uint64(2))})
			p.ExpectClose(wire.SessionInvalidRequestID)
		}
	})
}

// TestNoRequestsAfterGoaway: who was sent away asks for nothing (rule 201).
func TestNoRequestsAfterGoaway(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		told := make(chan moq.Goaway, 1)
		p, session := client(t, v, moq.Config{OnGoaway: func(g moq.Goaway) { told <- g }})
		p.Hello()
		s := session()
		m := &wire.Goaway{URI: "moqt://elsewhere.example", RequestID: goawayID(v)}
		if v.Has(wire.FeatureGoawayRequestID) {
			m.RequestID = wire.Some(uint64(0))
		}
		p.SendControl(m)
		if got := <-told; got.URI != m.URI {
			t.Errorf("told %+v", got)
		}
		if _, err := s.TrackStatus(t.Context(), video); !errors.Is(err, moq.ErrGoaway) {
			t.Errorf("a request was made: %v", err)
		}
		p.Quiet()
	})
}

// TestGoawayTimeout: a session that is not left in time is closed (rule 203).
func TestGoawayTimeout(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		p, session := serving(t, v, moq.Config{Handler: make(gatekeeper, 1)})
		p.Hello()
		if err := session().Goaway("", 3*time.Second); err != nil {
			t.Fatal(err)
		}
		if m, ok := p.ReceiveControl().(*wire.Goaway); !ok || m.Timeout != 3*time.Second {
			t.Errorf("got %+v", m)
		}
		time.Sleep(2 * time.Second)
		p.ExpectOpen()
		p.ExpectClose(wire.SessionGoawayTimeout)
	})
}
