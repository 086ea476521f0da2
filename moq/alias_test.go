package moq_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestAliasAgain: a publisher may give a track the alias that it had, and its
// objects may overtake the answer that says so.
func TestAliasAgain(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, s := against(t, moq.Config{}, true)
			made := subscribing(t, s, moq.SubscribeOptions{})
			r, _ := peer.Accept[*wire.Subscribe](p)
			r.AcceptSubscribe(5, wire.Option[wire.Location]{}, nil)
			(<-made).sub.Close()
			synctest.Wait()
			made = subscribing(t, s, moq.SubscribeOptions{})
			r, _ = peer.Accept[*wire.Subscribe](p)
			p.SendGroup(wire.SubgroupHeader{TrackAlias: 5, Group: 1, Priority: wire.Some(uint8(1))}, "1/0")
			time.Sleep(time.Second)
			r.AcceptSubscribe(5, wire.Option[wire.Location]{}, nil)
			reader := (<-made).sub.Track().NewReader(wire.Location{})
			defer reader.Close()
			expect(t, reader, "1/0")
		})
	})
}

// undecided answers a PUBLISH when it is told to.
type undecided struct {
	pause time.Duration
	taken chan *moq.Subscription // nil: PUBLISH is refused
}

func (h undecided) Serve(_ context.Context, r moq.Request) {
	p, ok := r.(*moq.PublishRequest)
	if !ok {
		return
	}
	time.Sleep(h.pause)
	if h.taken == nil {
		p.Reject(wire.RequestUninterested, "", moq.NoRetry())
		return
	}
	if sub, err := p.Accept(nil, wire.Parameters{}, nil); err == nil {
		h.taken <- sub
	}
}

// TestPublishedAhead: objects of a PUBLISH wait for its answer. When that is a
// refusal they are not read (moqt-18 §10.10).
func TestPublishedAhead(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		t.Run("taken", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := undecided{8 * time.Second, make(chan *moq.Subscription, 1)}
				p, _ := against(t, moq.Config{Handler: h}, false)
				p.Publish(clock, 7, wire.Parameters{}, nil)
				p.SendGroup(wire.SubgroupHeader{TrackAlias: 7, Group: 1, Priority: wire.Some(uint8(1))}, "1/0")
				reader := (<-h.taken).Track().NewReader(wire.Location{})
				defer reader.Close()
				expect(t, reader, "1/0")
			})
		})
		t.Run("refused", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := against(t, moq.Config{Handler: undecided{pause: time.Second}, Tolerance: 1}, false)
				r := p.Publish(clock, 7, wire.Parameters{}, nil)
				before := p.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 7, Group: 1, Priority: wire.Some(uint8(1))})
				r.ExpectError(wire.RequestUninterested)
				after := p.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 7, Group: 2, Priority: wire.Some(uint8(1))})
				start := time.Now()
				<-before.Stream.Context().Done()
				<-after.Stream.Context().Done()
				if waited := time.Since(start); waited > time.Second {
					t.Errorf("stopped after %v", waited)
				}
				p.ExpectOpen()
			})
		})
	})
}

// TestCloseStopsStreams: a subscriber that leaves reads no more, whatever the
// publisher does (moqt-18 §10.11).
func TestCloseStopsStreams(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, s := against(t, moq.Config{}, true)
			into := live.NewTrack(clock, live.Options{})
			made := subscribing(t, s, moq.SubscribeOptions{Into: into})
			r, _ := peer.Accept[*wire.Subscribe](p)
			r.AcceptSubscribe(5, wire.Option[wire.Location]{}, nil)
			g := p.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 5, Group: 1, Priority: wire.Some(uint8(1))})
			g.Object(0, "1/0")
			synctest.Wait()
			(<-made).sub.Close()
			synctest.Wait()
			if g.Stream.Context().Err() == nil {
				t.Error("the stream is read on")
			}
			p.ExpectOpen()
		})
	})
}
