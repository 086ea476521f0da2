package relay_test

import (
	"context"
	"testing"
	"time"

	"moqedge/relay"
)

// TestSwitchover: relays are drained one after the other and started anew, by a
// GOAWAY that names no other: tracks move before the old subscriptions end, so
// nothing is lost, late or twice.
func TestSwitchover(t *testing.T) {
	t.Parallel() // virtual time
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 3)
		defer w.close()
		origin := w.add("origin", relay.Config{})
		a := w.add("a", relay.Config{}, origin)
		b := w.add("b", relay.Config{}, origin)
		edge := w.add("edge", relay.Config{}, a, b)
		all := productions()
		w.later(w.publish(origin, all...))
		finish := w.start(all...)
		settled(t, origin, a, b, edge)
		witnesses := w.witnesses(3, edge, all...)
		for i := range 6 {
			for a.Stats().Sessions == 0 || b.Stats().Sessions == 0 {
				time.Sleep(50 * time.Millisecond)
			}
			time.Sleep(time.Second + upTo(w.random, time.Second))
			for _, v := range witnesses {
				v.silence()
			}
			active := a
			if b.Stats().Subscriptions > a.Stats().Subscriptions {
				active = b
			}
			drained := make(chan error, 1)
			go func() { drained <- active.Drain(t.Context(), "", 5*time.Second) }()
			if err := <-drained; err != nil {
				t.Errorf("draining: %v", err)
			}
			active.close()
			active.revive()
			for n, v := range witnesses {
				if silence, of := v.silence(); silence >= quietest {
					t.Errorf("drain %d of %s: witness %d was without %s for %v", i, active.name, n, of, silence)
				}
			}
		}
		finish()
		time.Sleep(3 * time.Second)
		check(t, witnesses)
	})
}

// TestDrainWithoutAnotherRelay: a relay below one that goes away, and names no
// other, or itself, does not connect to it again and again.
func TestDrainWithoutAnotherRelay(t *testing.T) {
	for _, itself := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			m := newMesh(t, 2, []*edge{{from: 1, to: 0, cost: 1}}, defaults)
			time.Sleep(2 * time.Second)
			before, uri := m.last.Load(), ""
			if itself {
				uri = m.nodes[0].url()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			_ = m.nodes[0].Drain(ctx, uri, 10*time.Second)
			if made := m.last.Load() - before; made > 8 {
				t.Errorf("names itself: %v: %d connections were made in 3 s", itself, made)
			}
		})
	}
}
