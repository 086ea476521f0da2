package moq_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// endless accepts subscriptions to a track and hands them out.
type endless struct {
	track *live.Track
	taken chan *moq.SubscribeRequest
}

func (h endless) Serve(_ context.Context, r moq.Request) {
	if s, ok := r.(*moq.SubscribeRequest); ok {
		s.Accept(h.track)
		h.taken <- s
	}
}

// TestEndedElsewhere: when a publisher ends a subscription by GOING_AWAY in the
// middle of a subgroup, its readers wait for what is fetched from another one; by
// any other code they have left it.
func TestEndedElsewhere(t *testing.T) {
	for _, protocol := range []string{"moqt-16", "moqt-18", "moqt-22"} {
		for code, goesOn := range map[wire.PublishDoneCode]bool{wire.DoneGoingAway: true, wire.DoneInternalError: false} {
			synctest.Test(t, func(t *testing.T) {
				a, b := transport.MemoryPair(protocol)
				h := endless{live.NewTrack(clock, live.Options{}), make(chan *moq.SubscribeRequest, 1)}
				served := make(chan *moq.Session, 1)
				go func() {
					s, err := moq.NewSession(context.Background(), b, moq.Config{Handler: h})
					if err != nil {
						t.Error(err)
					}
					served <- s
				}()
				s, err := moq.NewSession(t.Context(), a, moq.Config{})
				if err != nil {
					t.Fatal(err)
				}
				into := live.NewTrack(clock, live.Options{Recover: true})
				sub, err := s.Subscribe(t.Context(), clock, moq.SubscribeOptions{Into: into})
				if err != nil {
					t.Fatal(err)
				}
				r := into.NewReader(wire.Location{})
				defer r.Close()
				w, err := h.track.OpenSubgroup(live.SubgroupInfo{FirstObject: true})
				if err == nil {
					err = w.Append(live.WholeObject{Payload: []byte("x")})
				}
				if err != nil {
					t.Fatal(err)
				}
				next := func() *live.Object {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					o, _ := r.Next(ctx)
					return o
				}
				if o := next(); o == nil || o.ID != 0 {
					t.Fatalf("got %v", o)
				}
				(<-h.taken).End(code, "elsewhere")
				<-sub.Done()
				next() // nothing: readers look at how the subgroup ended
				f := into.NewFiller()
				if err := f.Begin(0, 0, 128, live.ObjectHeader{ID: 1}); err != nil {
					t.Fatal(err)
				}
				if err := f.End(); err != nil {
					t.Fatal(err)
				}
				if o := next(); (o != nil) != goesOn {
					t.Errorf("%s, %s: got %v", protocol, code, o)
				}
				s.Close(wire.SessionNoError, "")
				s.Wait()
				(<-served).Wait()
			})
		}
	}
}
