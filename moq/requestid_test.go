package moq_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestLostRequestID: from draft 18 on the ID of a request that was cancelled at
// once may never arrive. A session goes on for as long as ever after it.
func TestLostRequestID(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		if draftOf(t).Has(wire.FeatureControlStream) {
			return // IDs come without gaps (moqt-16 §9.1)
		}
		synctest.Test(t, func(t *testing.T) {
			origin := moq.NewOrigin()
			origin.AddTrack(live.NewTrack(clock, live.Options{}))
			p, s := against(t, moq.Config{Handler: origin}, false)
			p.ID()
			last := uint64(0)
			for range 4200 {
				last = p.ID()
				r := p.Request(&wire.TrackStatus{RequestID: last, Track: clock})
				peer.Expect[*wire.RequestOK](r)
				r.ExpectFin()
				r.Finish()
			}
			if err := s.Goaway("", 0); err != nil {
				t.Fatal(err)
			}
			g, _ := p.ReceiveControl().(*wire.Goaway)
			if g == nil || draftOf(t).Has(wire.FeatureGoawayRequestID) && g.RequestID != wire.Some(last+2) {
				t.Errorf("told %+v, want that requests from %d on are refused", g, last+2)
			}
			p.Request(&wire.TrackStatus{RequestID: p.ID(), Track: clock}).ExpectError(wire.RequestGoingAway)
			p.Request(&wire.TrackStatus{RequestID: last, Track: clock})
			p.ExpectClose(wire.SessionInvalidRequestID)
		})
	})
}

// TestCancelledNamespaceSubscription: in draft 16 a request that is given up at
// once still shows its ID, which the peer must not miss.
func TestCancelledNamespaceSubscription(t *testing.T) {
	withFeature(t, wire.FeatureControlStream, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin := moq.NewOrigin()
			origin.AddTrack(live.NewTrack(clock, live.Options{}))
			p, s := against(t, moq.Config{RequestTimeout: time.Second}, true)
			p.Pause()
			if _, err := s.SubscribeNamespace(t.Context(), clock.Namespace, moq.NewNamespaceQueue(nil)); err == nil {
				t.Error("answered")
			}
			p.Resume()
			r, m := peer.Accept[*wire.SubscribeNamespace](p)
			if m.RequestID != 0 {
				t.Errorf("request ID %d, want 0", m.RequestID)
			}
			r.ExpectFin()
		})
	})
}

// In draft 16 SUBSCRIBE_NAMESPACE has a stream of its own, so its request ID may come
// after the next one, which is on the control stream. That is no gap once it is
// there, though nothing else comes.
func TestRequestIDsOfTwoStreams(t *testing.T) {
	for range 50 { // which of the session's goroutines runs first is chance
		synctest.Test(t, func(t *testing.T) {
			b := offend(t, wire.Draft16, offence{})
			b.hello()
			b.Request(&wire.TrackStatus{RequestID: 2, Track: clock})
			b.Request(&wire.SubscribeNamespace{RequestID: 0, Prefix: wire.Namespace{"x"}})
			time.Sleep(time.Minute)
			b.ExpectOpen()
		})
	}
}
