package relay_test

import (
	"testing"
	"time"
)

// strandEverybody has one origin die and come back again and again, above a tree that
// has no other.
func strandEverybody(t *testing.T, c cascade, seed uint64, d death) {
	w := newWorld(t, seed)
	defer w.close()
	x := c.grow(w)
	all := productions()
	x.publish(all...)
	finish := w.start(all...)
	x.settle()
	witnesses := w.witnesses(2, x.edge, all...)
	witnesses = append(witnesses, w.witnesses(1, x.branches[0].relays[0], all...)...)
	time.Sleep(time.Second)
	losses := 4
	if raced {
		losses = 2
	}
	for range losses {
		time.Sleep(upTo(w.random, time.Second))
		restore := x.strand(x.branches[0], d)
		time.Sleep(300*time.Millisecond + upTo(w.random, 3*time.Second))
		restore()
		x.settle()
		time.Sleep(5 * time.Second)
	}
	finish()
	time.Sleep(5 * time.Second)
	check(t, witnesses)
}

// TestStrandedWithoutAnother: the only origin of a tree dies, or the only link to it,
// and comes back: no session and no subscription ends, and every object comes, once.
// With the race detector each kind of loss is tried in one of the trees, twice.
func TestStrandedWithoutAnother(t *testing.T) {
	for n, c := range []cascade{
		{name: "chain", branches: 1, depth: 2},
		{name: "two below one origin", branches: 2, depth: 1, shared: 2},
		{name: "by default", branches: 2, depth: 1, shared: 2, onDemand: true},
	} {
		for k, d := range append([]death{deathLink}, deaths...) {
			if d == deathLink && c.branches > 1 {
				continue // the other one has it
			}
			if raced && (n+k)%3 != 0 {
				continue
			}
			t.Run(c.name+", "+string(d), func(t *testing.T) {
				bubble(t, func(t *testing.T) { strandEverybody(t, c, uint64(n), d) })
			})
		}
	}
}

// TestStrandedForAMoment: what is above a relay is back after 300 ms. With the race
// detector each kind of loss is tried once.
func TestStrandedForAMoment(t *testing.T) {
	losses := 12
	if raced {
		losses = 4
	}
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 7)
		defer w.close()
		x := cascade{branches: 2, depth: 1}.grow(w)
		all := productions()
		x.publish(all...)
		finish := w.start(all...)
		x.settle()
		witnesses := w.witnesses(3, x.edge, all...)
		time.Sleep(time.Second)
		for i := range losses {
			x.settle()
			for _, v := range witnesses {
				v.silence()
			}
			d := append([]death{deathLink}, deaths...)[i%4]
			time.Sleep(upTo(w.random, time.Second))
			restore := x.strand(x.active(), d)
			time.Sleep(300 * time.Millisecond)
			restore()
			time.Sleep(4 * time.Second)
			for n, v := range witnesses {
				if silence, of := v.silence(); silence >= maxSilence {
					t.Errorf("%d (%s): witness %d was without %s for %v", i, d, n, of, silence)
				}
			}
		}
		finish()
		time.Sleep(5 * time.Second)
		check(t, witnesses)
	})
}

// TestSecondLossDuringHandover: what takes the place of a lost upstream is lost as
// well, within the time in which the old subscription is still kept. With the race
// detector each kind of death is tried in one of the two ways.
func TestSecondLossDuringHandover(t *testing.T) {
	for i, d := range deaths {
		if !raced || d == deathSilent {
			t.Run("stranded, "+string(d), func(t *testing.T) {
				bubble(t, func(t *testing.T) { loseTwo(t, uint64(i), d) })
			})
		}
		if !raced || d != deathSilent {
			t.Run("draining, "+string(d), func(t *testing.T) {
				bubble(t, func(t *testing.T) { loseSuccessor(t, uint64(i), d) })
			})
		}
	}
}

// loseTwo has two of three branches lose what is above them, one after the other.
func loseTwo(t *testing.T, seed uint64, d death) {
	w := newWorld(t, seed)
	defer w.close()
	x := cascade{branches: 3, depth: 1}.grow(w)
	all := productions()
	x.publish(all...)
	finish := w.start(all...)
	x.settle()
	witnesses := w.witnesses(2, x.edge, all...)
	time.Sleep(time.Second)
	for i := range 5 {
		x.settle()
		for _, v := range witnesses {
			v.silence()
		}
		time.Sleep(upTo(w.random, time.Second))
		first := x.active()
		back := x.strand(first, d)
		time.Sleep(650*time.Millisecond + upTo(w.random, 1300*time.Millisecond))
		second := x.active()
		if second == first {
			t.Fatalf("kill %d: the edge stays where nothing comes", i)
		}
		again := x.strand(second, d)
		time.Sleep(2 * time.Second)
		for n, v := range witnesses {
			if silence, of := v.silence(); silence >= maxSilence {
				t.Errorf("kill %d: witness %d was without %s for %v", i, n, of, silence)
			}
		}
		back()
		again()
	}
	finish()
	time.Sleep(5 * time.Second)
	check(t, witnesses)
}

// loseSuccessor has a relay drain, and the one that takes its place die before the
// first one has gone: what still comes from that one is kept.
func loseSuccessor(t *testing.T, seed uint64, d death) {
	w := newWorld(t, seed)
	defer w.close()
	x := cascade{branches: 2, depth: 1, shared: 2}.grow(w)
	all := productions()
	x.publish(all...)
	finish := w.start(all...)
	x.settle()
	witnesses := w.witnesses(2, x.edge, all...)
	time.Sleep(time.Second)
	for _, v := range witnesses {
		v.silence()
	}
	leaving, successor := x.branches[0], x.branches[1]
	if x.active() != leaving {
		leaving, successor = successor, leaving
	}
	drained := make(chan error, 1)
	go func() { drained <- leaving.lowest().Drain(t.Context(), "", 6*time.Second) }()
	time.Sleep(500*time.Millisecond + upTo(w.random, time.Second))
	if successor.feeds() == 0 {
		t.Fatal("the edge does not move")
	}
	successor.lowest().kill(d)
	time.Sleep(1500 * time.Millisecond)
	for n, v := range witnesses {
		if silence, of := v.silence(); silence >= maxSilence {
			t.Errorf("witness %d was without %s for %v", n, of, silence)
		}
	}
	successor.lowest().revive()
	<-drained
	leaving.lowest().close()
	leaving.lowest().revive()
	time.Sleep(5 * time.Second)
	finish()
	time.Sleep(5 * time.Second)
	check(t, witnesses)
}
