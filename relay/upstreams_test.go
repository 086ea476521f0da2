package relay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestSetUpstreams: upstreams are added, removed and changed while tracks come by them.
// Each subscriber gets every object once and is never without one; links that are not
// named stay as they are.
func TestSetUpstreams(t *testing.T) {
	t.Parallel() // virtual time
	variants := []bool{false, true}
	if raced {
		variants = variants[:1]
	}
	for _, onDemand := range variants {
		t.Run(fmt.Sprintf("on demand %v", onDemand), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 4)
				defer w.close()
				origin := w.add("origin", relay.Config{})
				w.onDemand = onDemand
				a, b, c := w.add("a", relay.Config{}, origin), w.add("b", relay.Config{}, origin), w.add("c", relay.Config{}, origin)
				edge := w.add("edge", relay.Config{}, a)
				all := productions()
				w.later(w.publish(origin, all...))
				finish := w.start(all...)
				time.Sleep(2 * time.Second)
				witnesses := w.witnesses(2, edge, all...)
				links := func() (names []string) {
					for _, l := range edge.Links() {
						names = append(names, l.Name)
					}
					return names
				}
				// step changes the upstreams and sees what that does until the old links are gone.
				step := func(what string, upstreams []relay.Upstream, carries *member, sessions map[*member]int) {
					t.Helper()
					for _, v := range witnesses {
						v.silence()
					}
					edge.SetUpstreams(upstreams)
					for range 1000 { // 5 s
						time.Sleep(5 * time.Millisecond)
						if n := a.Stats().Subscriptions + b.Stats().Subscriptions + c.Stats().Subscriptions; n < int64(len(all)) {
							t.Fatalf("%s: %d subscriptions at upstreams: an old one ended before a new one took its place", what, n)
						}
					}
					for n, v := range witnesses {
						if silence, of := v.silence(); silence >= quietest {
							t.Errorf("%s: witness %d was without %s for %v", what, n, of, silence)
						}
					}
					var want []string
					for _, u := range upstreams {
						want = append(want, u.Name)
					}
					if got := links(); !slices.Equal(got, want) {
						t.Errorf("%s: links %q, want %q", what, got, want)
					}
					for m, n := range sessions {
						if got := m.Stats().Sessions; got != int64(n) {
							t.Errorf("%s: %d sessions with %s, want %d", what, got, m.name, n)
						}
						tracks := int64(0)
						if m == carries {
							tracks = int64(len(all))
						}
						if got := m.Stats().Subscriptions; got != tracks {
							t.Errorf("%s: %d subscriptions at %s, want %d", what, got, m.name, tracks)
						}
					}
				}
				one := 1 // of those that are connected all the time, and not used
				if onDemand {
					one = 0
				}
				kept := func() time.Time { return edge.Links()[0].Since }
				time.Sleep(time.Second)
				since := kept()
				step("add one", w.above("edge", a, b), a, map[*member]int{a: 1, b: one})
				if !kept().Equal(since) {
					t.Error("the link that stays is another one")
				}
				step("remove the one in use", w.above("edge", b), b, map[*member]int{a: 0, b: 1})
				step("replace it", w.above("edge", c), c, map[*member]int{b: 0, c: 1})
				changed := w.above("edge", c)
				changed[0].Revision = "another certificate"
				before := kept()
				step("change it", changed, c, map[*member]int{c: 1})
				if kept().Equal(before) {
					t.Error("the link that was changed is that of before")
				}
				two := append(changed, w.above("edge", a)...)
				before = kept()
				step("add one beside it", two, c, map[*member]int{c: 1, a: one})
				step("remove the other one", two[:1], c, map[*member]int{c: 1, a: 0})
				if !kept().Equal(before) {
					t.Error("the link that stays is another one")
				}
				finish()
				time.Sleep(3 * time.Second)
				check(t, witnesses)
			})
		})
	}
}

// TestRemovedUpstreamAlone: what nobody else has is lost with an upstream that is removed,
// not at once; a relay without upstreams is a root.
func TestRemovedUpstreamAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 5)
		defer w.close()
		origin := w.add("origin", relay.Config{})
		edge := w.add("edge", relay.Config{RecoverFor: 5 * time.Second}, origin)
		p := productions()[0]
		w.later(w.publish(origin, p))
		w.start(p)
		settled(t, origin, edge)
		s := w.clientWith(edge.node, moq.Config{})
		defer closeSession(s)
		sub, err := s.Subscribe(t.Context(), p.name, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		removed := time.Now()
		edge.SetUpstreams(nil)
		<-sub.Done()
		if lasted := time.Since(removed); lasted < 10*time.Second || lasted > 20*time.Second {
			t.Errorf("the track went on for %v", lasted)
		}
		if n := origin.Stats().Sessions; n != 1 { // that of the publisher
			t.Errorf("%d sessions at the relay that was removed", n)
		}
		if _, err := s.Subscribe(t.Context(), trackIn("x"), moq.SubscribeOptions{}); !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			t.Errorf("a track that nobody has: %v", err)
		}
	})
}

// TestSetUpstreamsQuickly: what is changed again before it took effect ends as the last
// call says, and nothing is left of the others.
func TestSetUpstreamsQuickly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 6)
		defer w.close()
		origin := w.add("origin", relay.Config{})
		a, b := w.add("a", relay.Config{}, origin), w.add("b", relay.Config{}, origin)
		edge := w.add("edge", relay.Config{}, a)
		all := productions()
		w.later(w.publish(origin, all...))
		finish := w.start(all...)
		settled(t, origin, a, b, edge)
		witnesses := w.witnesses(1, edge, all...)
		for i := range 20 {
			us := w.above("edge", a, b)
			us[0].Revision, us[1].Revision = fmt.Sprint(i), fmt.Sprint(i/3)
			edge.SetUpstreams(us[i%2 : i%2+1])
			time.Sleep(upTo(w.random, 300*time.Millisecond))
		}
		edge.SetUpstreams(w.above("edge", a))
		time.Sleep(20 * time.Second)
		if na, nb := a.Stats().Sessions, b.Stats().Sessions; na != 1 || nb != 0 {
			t.Errorf("%d and %d sessions", na, nb)
		}
		finish()
		time.Sleep(3 * time.Second)
		check(t, witnesses)
	})
}

// TestTune: what is kept changes while tracks are kept.
func TestTune(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		x := n.relay("tuned", nil)
		source := moq.NewOrigin()
		track := live.NewTrack(camera, live.Options{RetainGroups: 100})
		source.AddTrack(track)
		p := n.client(x, source)
		if _, err := p.PublishNamespace(t.Context(), camera.Namespace); err != nil {
			t.Fatal(err)
		}
		s := n.client(x, nil)
		if _, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		produce(ctx, t, track, 10, 10*time.Millisecond, 1000)
		groups := func() int64 {
			time.Sleep(2 * time.Second)
			return x.Stats().Cache.Groups
		}
		all := groups()
		if all < 5 {
			t.Fatalf("%d groups are kept", all)
		}
		x.Tune(relay.Config{RetainFor: time.Hour, RetainGroups: 2})
		if got := groups(); got != all {
			t.Errorf("%d groups are kept, want %d: there is time", got, all)
		}
		x.Tune(relay.Config{RetainFor: time.Second, RetainGroups: 2})
		if got := groups(); got != 2 {
			t.Errorf("%d groups are kept, want 2", got)
		}
		x.Tune(relay.Config{CacheBytes: 10 << 10})
		if got := x.Stats().Cache; groups() != 1 || got.Budget != 10<<10 {
			t.Errorf("%d groups are kept, want 1: %+v", groups(), got)
		}
	})
}

// TestRemovedUpstreamReads: a relay above, which has tracks from this one, is told to have
// them elsewhere before it is left.
func TestRemovedUpstreamReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 7)
		defer w.close()
		b := w.add("b", relay.Config{})
		a := w.add("a", relay.Config{}, b)
		source := w.add("source", relay.Config{}, a, b)
		all := productions()
		w.later(w.publish(source, all...))
		finish := w.start(all...)
		settled(t, source, a, b)
		witnesses := w.witnesses(2, a, all...)
		time.Sleep(2 * time.Second)
		for _, v := range witnesses {
			v.silence()
		}
		if n := b.Stats().Subscriptions; n != 0 {
			t.Fatalf("%d tracks come by the longer way", n)
		}
		source.SetUpstreams(w.above("source", b))
		time.Sleep(8 * time.Second)
		for n, v := range witnesses {
			if silence, of := v.silence(); silence >= quietest {
				t.Errorf("witness %d was without %s for %v", n, of, silence)
			}
		}
		if n := b.Stats().Subscriptions; n != int64(len(all)) {
			t.Errorf("%d tracks come by the way that is left", n)
		}
		finish()
		time.Sleep(3 * time.Second)
		check(t, witnesses)
	})
}
