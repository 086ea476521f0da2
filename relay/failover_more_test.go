package relay_test

import (
	"fmt"
	"testing"
	"time"

	"moqedge/relay"
)

// settled waits until relays have sessions and, below others, links.
func settled(t *testing.T, members ...*member) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		ready := true
		for _, m := range members {
			s := m.Stats()
			ready = ready && s.Namespaces > 0 && (s.Connected || len(m.config.Upstreams) == 0)
		}
		if ready {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the tree does not come up")
		}
	}
}

// quietest is how long a subscriber is without an object when nothing happens:
// the slowest production has one every 50 ms, links take some milliseconds.
const quietest = 100 * time.Millisecond

// TestRestartOfTheOnlyUpstream: the relay above is killed and comes back as a
// fresh one, its publisher with it. The subscribers' sessions stay, each object
// comes once, those that were published meanwhile too, and soon.
func TestRestartOfTheOnlyUpstream(t *testing.T) {
	t.Parallel() // virtual time
	for _, d := range deaths {
		t.Run(string(d), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 1)
				defer w.close()
				a := w.add("a", relay.Config{})
				edge := w.add("edge", relay.Config{}, a)
				all := productions()
				w.later(w.publish(a, all...))
				finish := w.start(all...)
				settled(t, a, edge)
				witnesses := w.witnesses(3, edge, all...)
				for i := range 4 {
					time.Sleep(2500*time.Millisecond + upTo(w.random, time.Second))
					a.kill(d)
					time.Sleep(upTo(w.random, 3*time.Second))
					a.revive()
					back := time.Now()
					settled(t, a, edge)
					for edge.Stats().Tracks == 0 || a.Stats().Subscriptions < int64(len(all)) {
						time.Sleep(10 * time.Millisecond)
					}
					linked := time.Since(back)
					for _, v := range witnesses {
						for _, track := range v.tracks {
							track.restart()
						}
					}
					time.Sleep(2 * time.Second)
					longest := time.Duration(0)
					for _, v := range witnesses {
						silence, _ := v.silence()
						longest = max(longest, silence)
					}
					t.Logf("restart %d: subscribed again %v after it was back, longest silence then %v", i, linked.Round(time.Millisecond), longest.Round(time.Millisecond))
					if longest >= quietest {
						t.Errorf("restart %d: a subscriber was without objects for %v", i, longest)
					}
				}
				finish()
				time.Sleep(3 * time.Second)
				check(t, witnesses)
			})
		})
	}
}

// TestTwoPublishersOfATrack: two publishers bring the same objects to a relay.
// One dies, at any time and in any way: subscribers, there and below, see none
// of it. It comes back, and the other dies.
func TestTwoPublishersOfATrack(t *testing.T) {
	t.Parallel() // virtual time
	for i, d := range deaths {
		t.Run(string(d), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, uint64(i))
				defer w.close()
				origin := w.add("origin", relay.Config{})
				edge := w.add("edge", relay.Config{}, origin)
				all := productions()
				finish := w.start(all...)
				pair := []*broadcaster{w.broadcast(origin, all...), w.broadcast(origin, all...)}
				settled(t, origin, edge)
				time.Sleep(1500 * time.Millisecond)
				witnesses := append(w.witnesses(2, origin, all...), w.witnesses(2, edge, all...)...)
				time.Sleep(time.Second)
				for kill := range 10 {
					for _, p := range pair {
						if n := p.subscriptions(); n != len(all) {
							t.Fatalf("kill %d: a publisher has %d subscriptions, want %d", kill, n, len(all))
						}
					}
					for _, v := range witnesses {
						v.silence()
					}
					time.Sleep(upTo(w.random, time.Second))
					pair[kill%2].kill(d)
					time.Sleep(upTo(w.random, 2*time.Second))
					for n, v := range witnesses {
						if silence, of := v.silence(); silence >= quietest {
							t.Errorf("kill %d: witness %d was without %s for %v", kill, n, of, silence)
						}
					}
					pair[kill%2] = w.broadcast(origin, all...)
					time.Sleep(1500 * time.Millisecond)
				}
				finish()
				time.Sleep(3 * time.Second)
				check(t, witnesses)
				if s := edge.Stats(); s.ObjectsIn >= origin.Stats().ObjectsIn*3/4 {
					t.Errorf("%d objects reached the edge, %d the origin: they were not merged there", s.ObjectsIn, origin.Stats().ObjectsIn)
				}
			})
		})
	}
}

// TestFailoverNeedsTheMissingPart is the counter-check of TestFailover: with
// upstreams that answer no FETCH its subscribers do not get everything, and
// the account shows it.
func TestFailoverNeedsTheMissingPart(t *testing.T) {
	t.Parallel() // virtual time
	for _, fetches := range []bool{true, false} {
		t.Run(fmt.Sprintf("fetch=%v", fetches), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, 5)
				defer w.close()
				all := productions()
				finish := w.start(all...)
				a, b := w.source("a", fetches, all...), w.source("b", fetches, all...)
				edge := w.add("edge", relay.Config{}, a, b)
				settled(t, edge)
				witnesses := w.witnesses(2, edge, all...)
				time.Sleep(1500 * time.Millisecond)
				a.kill(deathSilent)
				time.Sleep(4 * time.Second)
				finish()
				time.Sleep(3 * time.Second)
				faults := 0
				for _, v := range witnesses {
					for _, fault := range v.faults() {
						faults++
						if fetches {
							t.Error(fault)
						}
					}
				}
				if !fetches && faults == 0 {
					t.Error("without FETCH nothing was missing: the account cannot be trusted")
				}
			})
		})
	}
}
