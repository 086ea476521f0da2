package relay_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

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
// of every group once, and is never long without one.
func TestFailover(t *testing.T) {
	const worlds, kills = 10, 10
	worst := map[string]time.Duration{}
	for seed := range uint64(worlds) {
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
var moments = []struct {
	name string
	wait func(r *rand.Rand) time.Duration
}{
	{"within the first object", func(r *rand.Rand) time.Duration {
		return 2*time.Millisecond + time.Duration(r.Int64N(int64(3*time.Millisecond)))
	}},
	{"within a group", func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(time.Second))) }},
	{"at the end of a group", func(r *rand.Rand) time.Duration {
		return 966*time.Millisecond + time.Duration(r.Int64N(int64(40*time.Millisecond)))
	}},
}

func killInTurn(t *testing.T, seed uint64, kills int, worst map[string]time.Duration) {
	w := newWorld(t, seed)
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
		m := moments[(i/len(deaths)+int(seed))%len(moments)]
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
		time.Sleep(time.Second - time.Since(began)%time.Second + m.wait(w.random))
		active.kill(d)
		time.Sleep(time.Duration(w.random.Int64N(int64(1500 * time.Millisecond))))
		active.revive()
		time.Sleep(2500 * time.Millisecond)
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
