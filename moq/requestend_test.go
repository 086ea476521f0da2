package moq_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// against connects a session to a peer, client or server, that the test speaks
// for, and says hello.
func against(t *testing.T, config moq.Config, isServer bool) (*peer.Peer, *moq.Session) {
	t.Helper()
	a, b := transport.MemoryPair(draftOf(t).String())
	if isServer {
		a, b = b, a
	}
	p := peer.New(t, a)
	made := make(chan *moq.Session, 1)
	go func() {
		s, err := moq.NewSession(t.Context(), b, config)
		if err != nil {
			t.Error(err)
		}
		made <- s
	}()
	p.Hello()
	s := <-made
	t.Cleanup(func() {
		s.Close(wire.SessionNoError, "")
		s.Wait()
	})
	return p, s
}

// holder answers requests about namespaces and tells how long they last.
type holder struct {
	*takesAll
	over chan string
}

func (h holder) Serve(ctx context.Context, r moq.Request) {
	switch r := r.(type) {
	case *moq.PublishNamespaceRequest:
		r.Accept()
	case *moq.SubscribeNamespaceRequest:
		r.Accept()
	case *moq.SubscribeTracksRequest:
		r.Accept()
	default:
		h.takesAll.Serve(ctx, r)
		return
	}
	<-ctx.Done()
	h.over <- fmt.Sprintf("%T", r)
}

// TestFinKeepsRequest: a requester that will say no more has cancelled nothing,
// but the namespace subscriptions of draft 18.
func TestFinKeepsRequest(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		if draftOf(t).Has(wire.FeatureControlStream) {
			return // requests have no stream to end
		}
		synctest.Test(t, func(t *testing.T) {
			h := holder{&takesAll{Origin: moq.NewOrigin()}, make(chan string, 3)}
			p, s := against(t, moq.Config{Handler: h}, false)
			for _, r := range []*peer.Request{p.Request(&wire.PublishNamespace{RequestID: p.ID(), Namespace: wire.Namespace{"a"}}), p.Namespaces("a"), p.Tracks(wire.Parameters{}, "a")} {
				r.Finish()
				peer.Expect[*wire.RequestOK](r)
			}
			time.Sleep(time.Minute)
			ended := 0
			for len(h.over) > 0 {
				if <-h.over == "*moq.PublishNamespaceRequest" {
					t.Error("the namespace is withdrawn")
				}
				ended++
			}
			if cancelled := !draftOf(t).Has(wire.FeatureFinKeepsRequest); cancelled != (ended == 2) {
				t.Errorf("%d namespace subscriptions ended", ended)
			}
			track := live.NewTrack(clock, live.Options{})
			published := make(chan error, 1)
			go func() {
				_, err := s.Publish(t.Context(), track, moq.PublishOptions{})
				published <- err
			}()
			r, _ := peer.Accept[*wire.Publish](p)
			r.Send(&wire.RequestOK{})
			r.Finish()
			if err := <-published; err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			group(t, track, 1, 1)
			if got := peer.Locations(p.Stream().Rest()); got != "1/0" {
				t.Errorf("after a FIN the subscriber gets %s", got)
			}
			track.Close(wire.DoneTrackEnded, "")
			r.ExpectDone(wire.DoneTrackEnded)
			r.ExpectFin()
		})
	})
}

// TestSubscribeAgain: what has become of a subscription does not stand in the way
// of another one of its track.
func TestSubscribeAgain(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		for name, end := range map[string]func(p *peer.Peer, r *peer.Request, track *live.Track){
			"cancelled before the answer": func(_ *peer.Peer, r *peer.Request, _ *live.Track) { r.Cancel(wire.ResetCancelled) },
			"ended by the publisher": func(_ *peer.Peer, r *peer.Request, track *live.Track) {
				peer.Expect[*wire.SubscribeOK](r)
				track.Close(wire.DoneTrackEnded, "") // the subscriber does not end its side
				r.ExpectDone(wire.DoneTrackEnded)
			},
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
					origin.AddTrack(track)
					p, _ := against(t, moq.Config{Handler: origin}, false)
					r := p.Subscribe(clock, wire.Parameters{})
					end(p, r, track)
					origin.AddTrack(live.NewTrack(clock, live.Options{}))
					time.Sleep(time.Second)
					peer.Expect[*wire.SubscribeOK](p.Subscribe(clock, wire.Parameters{}))
					p.ExpectOpen()
				})
			})
		}
	})
}

// slowTaker takes its time to answer a PUBLISH.
type slowTaker struct{ *takesAll }

func (h slowTaker) Serve(ctx context.Context, r moq.Request) {
	time.Sleep(time.Second)
	h.takesAll.Serve(ctx, r)
}

// TestPublishDoneOfPending: a publisher may be done before it has an answer
// (moqt-18 §5.1), which comes all the same.
func TestPublishDoneOfPending(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := slowTaker{&takesAll{Origin: moq.NewOrigin(), taken: make(chan *moq.Subscription, 1)}}
			p, _ := against(t, moq.Config{Handler: h}, false)
			r := p.Publish(clock, 7, wire.Parameters{}, nil)
			p.SendGroup(wire.SubgroupHeader{TrackAlias: 7, Group: 1, Priority: wire.Some(uint8(1))}, "x")
			r.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: 1})
			r.Finish()
			r.ExpectPublishOK()
			sub := <-h.taken
			<-sub.Done()
			if d := sub.Result(); d.Code != wire.DoneTrackEnded || sub.Lost() {
				t.Errorf("ended with %v, lost %v", d, sub.Lost())
			}
			if _, any := sub.Track().Largest(); !any {
				t.Error("without the object")
			}
			if !draftOf(t).Has(wire.FeatureControlStream) {
				r.ExpectFin()
			}
			p.ExpectOpen()
		})
	})
}
