package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// fetches has a session fetch groups of camera, and names what came, in order, and
// what is unknown in between.
func fetches(t *testing.T, s *moq.Session, first, last uint64) string {
	t.Helper()
	into := live.NewTrack(camera, live.Options{RetainGroups: 1000})
	r := live.Range{From: wire.Location{Group: first}, To: wire.Location{Group: last + 1}}
	f := s.Fetch(moq.FetchOptions{Into: into, First: r.From, Last: wire.Location{Group: last, Object: 1<<62 - 1}})
	if err := f.Wait(t.Context()); err != nil {
		return err.Error()
	}
	var out []string
	for walk := into.NewWalk(r.From, wire.Location{Group: last, Object: 1<<62 - 2}, false); ; {
		step, o, until := walk.Next()
		switch step {
		case live.StepEnd:
			return strings.Join(out, " ")
		case live.StepObject:
			if want := fmt.Sprintf("%d/%d", o.Group, o.ID); string(o.Payload()) != want && o.Size < 100 {
				t.Errorf("%s holds %q", want, o.Payload())
			}
			out = append(out, fmt.Sprintf("%d/%d", o.Group, o.ID))
		case live.StepUnknown:
			out = append(out, fmt.Sprintf("?%d", until.Group))
		default:
			return strings.Join(append(out, "..."), " ")
		}
	}
}

// TestFetchOnce: fifty viewers ask for the past at once, which the relay does not
// have: it is asked for upstream once; and once more after a purge, which those
// who watch do not notice.
func TestFetchOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r)
		for g := uint64(1); g < 6; g++ {
			put(t, p.track, g, 0, 1)
		}
		p.answers(func(_ context.Context, r moq.Request) bool {
			if f, ok := r.(*moq.FetchRequest); ok && f.Joined() == nil {
				time.Sleep(time.Second) // so that all of them wait
			}
			return false
		})
		p.announce(camera.Namespace)
		v := view(t, r, moq.SubscribeOptions{})
		time.Sleep(time.Second)
		joined, _ := p.counts()
		var sessions []*moq.Session
		for range 50 {
			sessions = append(sessions, connect(t, r, wire.Draft18, moq.Config{}))
		}
		all := func() {
			t.Helper()
			var wait sync.WaitGroup
			for _, s := range sessions {
				wait.Go(func() {
					if got, want := fetches(t, s, 1, 4), "1/0 1/1 2/0 2/1 3/0 3/1 4/0 4/1"; got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				})
			}
			wait.Wait()
		}
		all()
		if n, _ := p.counts(); n != joined+1 {
			t.Errorf("%d FETCHes upstream for 50 askers, want 1", n-joined)
		}
		all()
		if n, _ := p.counts(); n != joined+1 {
			t.Errorf("%d FETCHes upstream for what is in the cache", n-joined-1)
		}
		if s := r.Stats().Cache; s.Hits != 50 || s.Misses != 50 || s.Upstream != 1 {
			t.Errorf("%+v", s)
		}

		w := begin(t, p.track, 6)
		write(t, w, 6, 0)
		v.gets(locations(6, 0)...)
		time.Sleep(2 * time.Second)
		if r.PurgeTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: "other"}) || r.Purge(wire.Namespace{"other"}) != 0 || r.Purge(camera.Namespace) != 1 {
			t.Error("purged something else")
		}
		if s := r.Stats().Cache; s.Groups != 1 || s.Forgotten["purged"] == 0 { // the group that is being written
			t.Errorf("after the purge: %+v", s)
		}
		write(t, w, 6, 1)
		v.gets(locations(6, 1)...)
		all()
		if n, _ := p.counts(); n != joined+2 {
			t.Errorf("%d FETCHes upstream after the purge, want 1", n-joined-1)
		}
		write(t, w, 6, 2)
		w.Close()
		v.gets(locations(6, 2)...)
		put(t, p.track, 7, 0)
		v.gets(locations(7, 0)...)
		v.goesOn()
		if !r.PurgeTrack(camera) {
			t.Error("nothing purged")
		}
	})
}

// TestGapsAfterEviction: what there was no room for is told as unknown when the
// publisher has it no more, and what does not exist is not.
func TestGapsAfterEviction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{CacheBytes: 12 << 10, MaxTrackBytes: 1 << 20})
		p := newPeer(t, r, camera.Namespace)
		var history atomic.Bool
		history.Store(true)
		p.answers(func(_ context.Context, r moq.Request) bool {
			f, ok := r.(*moq.FetchRequest)
			if ok && f.Joined() == nil && !history.Load() {
				f.Reject(wire.RequestNotSupported, "no history", moq.NoRetry())
			}
			return ok && f.Joined() == nil && !history.Load()
		})
		v := view(t, r, moq.SubscribeOptions{})
		for _, g := range []uint64{2, 3, 5, 6, 7, 9, 10, 11, 12, 13} { // 4 and 8 do not exist
			put(t, p.track, g, 0, 1)
			v.gets(locations(g, 0, 1)...)
			time.Sleep(time.Millisecond)
		}
		if s := r.Stats().Cache; s.Forgotten["evicted"] == 0 || s.Bytes > s.Budget {
			t.Errorf("%+v", s)
		}
		history.Store(false)
		got := fetches(t, v.session, 2, 13)
		if first, rest, _ := strings.Cut(got, " "); first != "?5" || !strings.HasSuffix(rest, "12/0 12/1 13/0 13/1") || strings.Contains(rest, "?") {
			t.Errorf("without history: %s", got)
		}
		history.Store(true)
		if got, want := fetches(t, v.session, 2, 5), "2/0 2/1 3/0 3/1 5/0 5/1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		// What this evicted is had again by who comes to it, and so is what there is no
		// room for at all.
		before, _ := p.counts()
		want := "2/0 2/1 3/0 3/1 5/0 5/1 6/0 6/1 7/0 7/1 9/0 9/1 10/0 10/1 11/0 11/1 12/0 12/1 13/0 13/1"
		for range 3 {
			if got := fetches(t, v.session, 2, 13); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if n, _ := p.counts(); n-before > 12 {
			t.Errorf("%d FETCHes upstream", n-before)
		}
		if s := r.Stats().Cache; s.Bytes > s.Budget {
			t.Errorf("%+v", s)
		}
	})
}

// TestIdleTrackRests: what was kept of a track whose last subscriber has left stays
// for its time. Who asks for it then gets it from the relay; what came meanwhile is
// had from the publisher.
func TestIdleTrackRests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, camera.Namespace)
		put(t, p.track, 1, 0, 1)
		v := view(t, r, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
		v.gets(locations(1, 0, 1)...)
		for _, g := range []uint64{2, 3} {
			put(t, p.track, g, 0, 1)
			v.gets(locations(g, 0, 1)...)
		}
		v.sub.Close()
		time.Sleep(20 * time.Second)
		if s := r.Stats(); s.Tracks != 0 || s.Cache.Resting != 1 || s.Cache.Groups != 3 {
			t.Fatalf("after the linger: %d tracks, cache %+v", s.Tracks, s.Cache)
		}
		before, _ := p.counts()
		put(t, p.track, 4, 0, 1) // nobody here hears of it
		if got, want := fetches(t, v.session, 1, 3), "1/0 1/1 2/0 2/1 3/0 3/1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if n, _ := p.counts(); n != before {
			t.Errorf("%d FETCHes upstream for what rests", n-before)
		}
		if got, want := fetches(t, v.session, 2, 4), "2/0 2/1 3/0 3/1 4/0 4/1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		v.subscribe(moq.SubscribeOptions{})
		put(t, p.track, 5, 0)
		v.gets(locations(5, 0)...)
		v.sub.Close()
		time.Sleep(3 * time.Minute)
		if s := r.Stats().Cache; s.Tracks != 0 || s.Bytes != 0 || s.Groups != 0 {
			t.Errorf("after its time: %+v", s)
		}
	})
}

// TestRestedTrackBeginsAnew: a publisher that numbers its groups anew has another
// track than the one that rests: its subscribers get that, by SUBSCRIBE and by PUBLISH.
func TestRestedTrackBeginsAnew(t *testing.T) {
	for _, push := range []bool{false, true} {
		t.Run(fmt.Sprint("push ", push), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRelay(t, relay.Config{})
				p := newPeer(t, r, camera.Namespace)
				put(t, p.track, 8, 0, 1)
				v := view(t, r, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
				v.gets(locations(8, 0, 1)...)
				v.sub.Close()
				time.Sleep(20 * time.Second)
				p.session.Close(wire.SessionNoError, "")
				p.session.Wait()

				next := live.NewTrack(camera, live.Options{})
				if !push {
					put(t, next, 1, 0)
				}
				q := newPeerOf(t, r, wire.Draft18, next)
				if push {
					if _, err := q.session.Publish(t.Context(), next, moq.PublishOptions{}); err != nil {
						t.Fatal(err)
					}
				} else {
					q.announce(camera.Namespace)
				}
				v.subscribe(moq.SubscribeOptions{})
				w, err := next.OpenSubgroup(live.SubgroupInfo{Group: 8, FirstObject: true})
				if err != nil {
					t.Fatal(err)
				}
				for id := range uint64(2) {
					if err := w.Append(live.WholeObject{ID: id, Payload: []byte("another")}); err != nil {
						t.Fatal(err)
					}
				}
				for id := range uint64(2) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					o, err := v.reader.Next(ctx)
					cancel()
					if err != nil || o.Location() != (wire.Location{Group: 8, Object: id}) || string(o.Payload()) != "another" {
						t.Fatalf("got %v %v", o, err)
					}
				}
				v.goesOn()
			})
		})
	}
}

// TestPinnedTrack: a pinned track is spared, by Config.Pin or Relay.Pin.
func TestPinnedTrack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, how := range []string{"not", "config", "relay"} {
			c := relay.Config{CacheBytes: 16 << 10, MaxTrackBytes: 1 << 20}
			if how == "config" {
				c.Pin = func(name wire.FullTrackName) bool { return name.Name == camera.Name }
			}
			r := newRelay(t, c)
			if how == "relay" {
				r.Pin(camera, true)
			}
			p := newPeer(t, r)
			put(t, p.track, 1, 0)
			if _, err := p.session.Publish(t.Context(), p.track, moq.PublishOptions{Params: wire.Parameters{Forward: wire.Some(true)}}); err != nil {
				t.Fatal(err)
			}
			put(t, p.track, 2, 0)
			other := live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: "other"}, live.Options{})
			if _, err := p.session.Publish(t.Context(), other, moq.PublishOptions{Params: wire.Parameters{Forward: wire.Some(true)}}); err != nil {
				t.Fatal(err)
			}
			for g := range uint64(40) {
				put(t, other, g, 0)
				time.Sleep(time.Millisecond)
			}
			s := connect(t, r, wire.Draft18, moq.Config{})
			p.answers(func(_ context.Context, r moq.Request) bool {
				f, ok := r.(*moq.FetchRequest)
				if ok {
					f.Reject(wire.RequestNotSupported, "no history", moq.NoRetry())
				}
				return ok
			})
			want := "2/0"
			if how == "not" {
				want = "?2"
			}
			if got := fetches(t, s, 2, 2); got != want {
				t.Errorf("pinned by %s: got %s, want %s", how, got, want)
			}
		}
	})
}

// The counters are in the JSON that /stats answers with.
func TestCacheStatsJSON(t *testing.T) {
	r := newRelay(t, relay.Config{CacheBytes: 1 << 20})
	b, err := json.Marshal(r.Stats())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"cache":{"budget":1048576,"bytes":0,"groups":0,"tracks":0,`, `"evicted":0`, `"hits":0,"misses":0,"upstream":0`} {
		if !strings.Contains(string(b), part) {
			t.Errorf("%s is not in %s", part, b)
		}
	}
}
