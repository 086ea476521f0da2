package relay_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// productions are tracks of all kinds: of several subgroups, of one object per
// group, of datagrams.
func productions() []*production {
	return []*production{
		newProduction("video", time.Second/30, 30, 3, func(id uint64) int {
			if id == 0 {
				return 12_000
			}
			return 2_500
		}),
		newProduction("ticks", 50*time.Millisecond, 1, 1, func(uint64) int { return 160 }),
		newProduction("audio", 40*time.Millisecond, 25, 0, func(uint64) int { return 160 }),
	}
}

// maxSilence is how long a subscriber may be without an object.
const maxSilence = time.Second

// TestFailover kills the relay that an edge has its tracks from, at any time and
// in any way, and starts it again: each subscriber of the edge gets every object
// of every group once, and is never long without one. It does so 100 times; with
// the race detector, which takes eight times as long, 20 times, which is each way to
// die at each moment.
func TestFailover(t *testing.T) {
	t.Parallel() // virtual time
	const kills = 10
	worlds := uint64(10)
	if raced {
		worlds = 2
	}
	worst := map[string]time.Duration{}
	for seed := range worlds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { killInTurn(t, seed, kills, worst) })
		})
	}
	var table strings.Builder
	for _, d := range deaths {
		for _, m := range moments {
			fmt.Fprintf(&table, "%-20s %-24s %v\n", d, m.name, worst[string(d)+m.name].Round(time.Millisecond))
		}
	}
	t.Logf("longest silence by kind of death and moment:\n%s", &table)
}

var deaths = []death{deathClosed, deathRefused, deathSilent}

// moments are when a relay dies: they wait from the start of a group on.
var moments = []moment{
	{name: "within the first object", wait: func(r *rand.Rand) time.Duration { return 2*time.Millisecond + upTo(r, 3*time.Millisecond) }},
	{name: "within a group", wait: func(r *rand.Rand) time.Duration { return upTo(r, time.Second) }},
	{name: "at the end of a group", wait: func(r *rand.Rand) time.Duration { return 966*time.Millisecond + upTo(r, 40*time.Millisecond) }},
	{name: "while subscribing", wait: func(r *rand.Rand) time.Duration { return upTo(r, 20*time.Millisecond) }, fresh: freshSubscriber},
	{name: "during a fetch", wait: func(r *rand.Rand) time.Duration { return upTo(r, 20*time.Millisecond) }, fresh: freshFetcher},
}

// moment is when a relay dies.
type moment struct {
	name  string
	wait  func(r *rand.Rand) time.Duration
	fresh func(w *world, at *member, all []*production) (check func()) // at an edge that has nothing yet; nil: nobody
}

func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// freshSubscriber subscribes at an edge, which has to subscribe itself.
func freshSubscriber(w *world, at *member, all []*production) (check func()) {
	var v *witness
	subscribed := make(chan struct{})
	var counters moq.Counters
	s := w.clientWith(at.node, moq.Config{Counters: &counters})
	go func() {
		defer close(subscribed)
		v = witnessOn(w.t, s, &counters, all...)
	}()
	return func() {
		<-subscribed
		for _, fault := range v.faults() {
			w.t.Errorf("fresh subscriber, %s", fault)
		}
		v.leave()
	}
}

// freshFetcher subscribes at an edge and then fetches what that has to fetch itself.
func freshFetcher(w *world, at *member, all []*production) (check func()) {
	s := w.client(at.node, nil)
	p := all[0]
	sub, err := s.Subscribe(w.t.Context(), p.name, moq.SubscribeOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	l, _ := sub.Largest()
	back := min(5, l.Group)
	into := live.NewTrack(p.name, live.Options{RetainGroups: 100})
	f := s.Fetch(moq.FetchOptions{Into: into, First: wire.Location{Group: l.Group - back}, Last: wire.Location{Group: l.Group - 1, Object: math.MaxUint64}})
	return func() {
		ctx, cancel := context.WithTimeout(w.t.Context(), maxSilence)
		defer cancel()
		if err := f.Wait(ctx); err != nil {
			w.t.Errorf("fetch: %v", err)
		}
		if u := into.Unknown(live.Range{From: wire.Location{Group: l.Group - back}, To: wire.Location{Group: l.Group}}); len(u) > 0 {
			w.t.Errorf("fetch of groups %d to %d: unknown: %v", l.Group-back, l.Group-1, u)
		}
		closeSession(s)
	}
}

func killInTurn(t *testing.T, seed uint64, kills int, worst map[string]time.Duration) {
	w := newWorld(t, seed)
	defer w.close()
	origin := w.add("origin", relay.Config{})
	a := w.add("a", relay.Config{}, origin)
	b := w.add("b", relay.Config{}, origin)
	edge := w.add("edge", relay.Config{}, a, b)
	all := productions()
	w.later(w.publish(origin, all...))
	began := time.Now()
	finish := w.start(all...)
	time.Sleep(1500 * time.Millisecond)
	witnesses := w.witnesses(3, edge, all...)
	time.Sleep(time.Second)
	for i := range kills {
		d := deaths[(i+int(seed))%len(deaths)]
		m := moments[(i/len(deaths)+2*int(seed))%len(moments)]
		active, other := a, b
		if b.up && b.Stats().Subscriptions > a.Stats().Subscriptions {
			active, other = b, a
		}
		for other.Stats().Sessions == 0 || !other.Stats().Connected {
			time.Sleep(100 * time.Millisecond)
		}
		if active.Stats().Subscriptions == 0 {
			t.Fatalf("kill %d: no relay feeds the edge: %d and %d", i, active.Stats().Subscriptions, other.Stats().Subscriptions)
		}
		for _, v := range witnesses {
			v.silence()
		}
		time.Sleep(time.Second - time.Since(began)%time.Second)
		var fresh func()
		if m.fresh != nil {
			late := w.add(fmt.Sprintf("late %d", i), relay.Config{}, active, other)
			for late.Stats().Namespaces == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			done := m.fresh(w, late, all)
			fresh = func() { done(); late.close(); late.up = false }
		}
		time.Sleep(m.wait(w.random))
		active.kill(d)
		time.Sleep(time.Duration(w.random.Int64N(int64(1500 * time.Millisecond))))
		active.revive()
		time.Sleep(2500 * time.Millisecond)
		if fresh != nil {
			fresh()
		}
		for n, v := range witnesses {
			silence, of := v.silence()
			worst[string(d)+m.name] = max(worst[string(d)+m.name], silence)
			if silence >= maxSilence {
				t.Errorf("kill %d (%s, %s, of %s): witness %d was without %s for %v", i, d, m.name, active.name, n, of, silence)
			}
		}
	}
	finish()
	time.Sleep(3 * time.Second)
	check(t, witnesses)
}
