package relay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// spectator watches camera and notes every object and when it came.
type spectator struct {
	at     []wire.Location
	came   []time.Time
	worst  time.Duration // from production to here
	cancel context.CancelFunc
	over   chan error
}

// spectate watches from now on, until stop.
func spectate(t *testing.T, s *moq.Session) *spectator {
	t.Helper()
	sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x := &spectator{over: make(chan error, 1)}
	var ctx context.Context
	ctx, x.cancel = context.WithCancel(t.Context())
	go func() {
		defer sub.Close()
		reader := sub.Track().NewReader(wire.Location{})
		defer reader.Close()
		for {
			o, err := reader.Next(ctx)
			if err != nil {
				if ctx.Err() != nil {
					err = nil
				}
				x.over <- err
				return
			}
			x.at = append(x.at, o.Location())
			x.came = append(x.came, time.Now())
			x.worst = max(x.worst, age(o))
		}
	}()
	return x
}

// stop ends it and wants every object once between the first and the last.
func (x *spectator) stop(t *testing.T, objects uint64) {
	t.Helper()
	x.cancel()
	if err := <-x.over; err != nil {
		t.Fatal(err)
	}
	if err := everyObject(x.at, objects); err != nil {
		t.Errorf("live: %v", err)
	}
}

// everyObject wants every object of groups of a size once between the first and
// the last of a list, in whatever order they are.
func everyObject(list []wire.Location, objects uint64) error {
	list = slices.Clone(list)
	slices.SortFunc(list, wire.Location.Compare)
	for i, at := range list {
		if i == 0 {
			continue
		}
		want := wire.Location{Group: list[i-1].Group, Object: list[i-1].Object + 1}
		if want.Object == objects {
			want = wire.Location{Group: want.Group + 1}
		}
		if at != want {
			return fmt.Errorf("got %v behind %v", at, list[i-1])
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("got nothing")
	}
	return nil
}

// rewind fetches what was published since a while ago, and returns how many
// objects that were and how long it took. All of them have to be there.
func rewind(t *testing.T, s *moq.Session, back time.Duration, every time.Duration, objects uint64) (n int, took time.Duration) {
	t.Helper()
	status, err := s.TrackStatus(t.Context(), camera)
	if err != nil || !status.Largest.Set {
		t.Fatalf("no status: %v", err)
	}
	groups := uint64(back / (every * time.Duration(objects)))
	last := status.Largest.Value
	first := wire.Location{Group: last.Group - groups}
	into := live.NewTrack(camera, live.Options{RetainGroups: 1000, MaxBytes: 1 << 30})
	began := time.Now()
	if err := s.Fetch(moq.FetchOptions{Into: into, First: first, Last: last}).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	took = time.Since(began)
	if u := into.Unknown(live.Range{From: first, To: last.Next()}); len(u) > 0 {
		t.Errorf("unknown: %v", u)
	}
	var list []wire.Location
	for walk := into.NewWalk(first, last, false); ; {
		step, o, _ := walk.Next()
		if step != live.StepObject {
			break
		}
		list = append(list, o.Location())
		if !o.Complete() {
			t.Errorf("%v is not complete", o.Location())
		}
	}
	if err := everyObject(list, objects); err != nil {
		t.Error(err)
	} else if list[0] != first || list[len(list)-1] != last {
		t.Errorf("fetched %v to %v, want %v to %v", list[0], list[len(list)-1], first, last)
	}
	return len(list), took
}

// TestRewind: with what a relay keeps by default, a viewer fetches the last 60 s
// while live goes on: every object once, from the relay alone, and those who watch
// get theirs as fast as before.
func TestRewind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, camera.Namespace)
		const objects, every = 25, 40 * time.Millisecond
		watcher := spectate(t, connect(t, r, wire.Draft18, moq.Config{}))
		ctx, cancel := context.WithCancel(t.Context())
		produced := make(chan struct{})
		go func() { defer close(produced); produce(ctx, t, p.track, objects, every, 6000) }()
		time.Sleep(85*time.Second + 500*time.Millisecond)
		before, _ := p.counts()
		n, took := rewind(t, connect(t, r, wire.Draft18, moq.Config{}), time.Minute, every, objects)
		time.Sleep(2 * time.Second)
		cancel()
		<-produced
		watcher.stop(t, objects)
		if after, _ := p.counts(); after != before {
			t.Errorf("%d FETCHes upstream", after-before)
		}
		if n < 60*objects || took > time.Second {
			t.Errorf("%d objects in %v", n, took)
		}
		if watcher.worst > time.Millisecond {
			t.Errorf("live came %v late", watcher.worst)
		}
		if s := r.Stats().Cache; s.Hits == 0 || s.Misses > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestRewindOverNetwork is that over an edge, an origin and links of 50 ms round
// trip time and 20 Mbit/s: the edge has what its viewers watched, and gets what was
// before from the origin. Live goes on beside it, on the same link, in time.
func TestRewindOverNetwork(t *testing.T) {
	t.Parallel() // virtual time
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 25*time.Millisecond, 0)
		origin, edge := n.pair()
		const objects, every = 25, 40 * time.Millisecond
		p := n.publishAs(origin, objects, 2500) // 500 kbit/s
		time.Sleep(2 * time.Second)

		local := n.client(origin, nil) // keeps the track at the origin from the start
		first := spectate(t, local)
		time.Sleep(45 * time.Second)
		session := n.client(edge, nil) // and this one at the edge from the middle on
		second := spectate(t, session)
		time.Sleep(40*time.Second + 300*time.Millisecond)

		n.router.narrowAll(20e6)
		got, took := rewind(t, session, time.Minute, every, objects)
		time.Sleep(2 * time.Second)
		s := edge.Stats().Cache
		p.stop()
		first.stop(t, objects)
		second.stop(t, objects)
		if got < 60*objects || s.Misses != 1 || s.Upstream != 1 || origin.Stats().Cache.Misses > 0 {
			t.Errorf("%d objects; edge %+v, origin %+v", got, s, origin.Stats().Cache)
		}
		// 3.75 MB take 1.5 s on the link to the viewer; live objects have 75 ms of
		// their own and wait for no more than what the network holds already.
		t.Logf("%d objects in %v; live came within %v at the origin, %v at the edge", got, took, first.worst, second.worst)
		if second.worst > time.Second/2 {
			t.Errorf("live came %v late", second.worst)
		}
	})
}
