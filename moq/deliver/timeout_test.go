package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

func millis(t uint64, n uint64) wire.KeyValue { return wire.KeyValue{Type: t, Value: n} }

const (
	objectTimeout   = wire.PropObjectDeliveryTimeout
	subgroupTimeout = wire.PropSubgroupDeliveryTimeout
)

// TestEffectiveTimeout: the smaller one of what publisher and subscriber set
// holds, of which the publisher may set another on the first object of a
// subgroup (moqt-19 §8).
func TestEffectiveTimeout(t *testing.T) {
	tests := []struct {
		name       string
		version    wire.Version
		track      []wire.KeyValue // properties
		first      []wire.KeyValue // of object 0
		later      []wire.KeyValue // of object 1
		subscriber time.Duration
		want       time.Duration // 0 is none
	}{
		{"none", wire.Draft18, nil, nil, nil, 0, 0},
		{"0 is none", wire.Draft18, []wire.KeyValue{millis(objectTimeout, 0)}, nil, nil, 0, 0},
		{"subscriber", wire.Draft18, nil, nil, nil, time.Second, time.Second},
		{"track", wire.Draft18, []wire.KeyValue{millis(objectTimeout, 2000)}, nil, nil, 0, 2 * time.Second},
		{"subscriber is smaller", wire.Draft18, []wire.KeyValue{millis(objectTimeout, 2000)}, nil, nil, time.Second, time.Second},
		{"track is smaller", wire.Draft18, []wire.KeyValue{millis(objectTimeout, 2000)}, nil, nil, 3 * time.Second, 2 * time.Second},
		{"first object", wire.Draft19, []wire.KeyValue{millis(objectTimeout, 2000)}, []wire.KeyValue{millis(objectTimeout, 4000)}, nil, 0, 4 * time.Second},
		{"first object, before draft 19", wire.Draft18, []wire.KeyValue{millis(objectTimeout, 2000)}, []wire.KeyValue{millis(objectTimeout, 4000)}, nil, 0, 2 * time.Second},
		{"first object says none", wire.Draft20, []wire.KeyValue{millis(objectTimeout, 2000)}, []wire.KeyValue{millis(objectTimeout, 0)}, nil, 0, 0},
		{"first object and subscriber", wire.Draft20, nil, []wire.KeyValue{millis(objectTimeout, 4000)}, nil, 3 * time.Second, 3 * time.Second},
		{"another object", wire.Draft20, []wire.KeyValue{millis(objectTimeout, 2000)}, nil, []wire.KeyValue{millis(objectTimeout, 1000)}, 0, 2 * time.Second},
	}
	for _, c := range tests {
		for _, late := range []bool{false, true} {
			virtual(t, c.version, func(t *testing.T, r *rig) {
				track := newTrack(c.track...)
				w := open(t, track, 1, 0)
				for id, p := range [][]wire.KeyValue{c.first, c.later} {
					if err := w.Append(live.WholeObject{ID: uint64(id), Properties: wire.AppendProperties(nil, p...)}); err != nil {
						t.Fatal(err)
					}
				}
				r.Subscribe(deliver.Subscribe{Track: track, Forward: true, ObjectTimeout: c.subscriber})
				wait := c.want
				if wait == 0 {
					wait = time.Hour
				}
				if late && c.want > 0 {
					wait++
				}
				time.Sleep(wait)
				r.start()
				synctest.Wait()
				if gone := r.counters.Timeouts.Load() > 0; gone != (late && c.want > 0) || gone != (len(r.streams) == 0) {
					t.Errorf("%s: after %v %d timeouts, %v", c.name, wait, r.counters.Timeouts.Load(), r.now())
				}
			})
		}
	}
}

// TestObjectDeliveryTimeout: an object is checked before each piece of it is
// handed to the transport; too late resets the stream, and no other is opened
// for the subgroup (moqt-18 §8). What is known of the stream still arrives.
func TestObjectDeliveryTimeout(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true, ObjectTimeout: time.Second})
		r.start()
		w := open(t, track, 1, 0)
		put(t, w, 0)
		if err := w.Begin(live.ObjectHeader{ID: 1, Size: 2}); err != nil {
			t.Fatal(err)
		}
		w.Commit(copy(w.Buffer(), "a"))
		time.Sleep(time.Second)
		r.expect("in time", "1/0: 0 open")
		time.Sleep(time.Nanosecond)
		w.Commit(copy(w.Buffer(), "b"))
		r.expect("the second half is late", "1/0: 0 DELIVERY_TIMEOUT")
		put(t, w, 2)
		put(t, open(t, track, 1, 0), 3)
		r.expect("not opened again", "1/0: 0 DELIVERY_TIMEOUT")
		put(t, open(t, track, 1, 1), 4)
		r.expect("another subgroup", "1/0: 0 DELIVERY_TIMEOUT", "1/1: 4 open")
	})
}

// TestSubgroupDeliveryTimeout: it runs from when all of the subgroup is there
// until all of it is delivered (moqt-18 §8).
func TestSubgroupDeliveryTimeout(t *testing.T) {
	for _, from := range []string{"subscriber", "track", "first object"} {
		t.Run("not sent, "+from, func(t *testing.T) {
			virtual(t, wire.Draft19, func(t *testing.T, r *rig) {
				p := deliver.Subscribe{Track: newTrack(), Forward: true}
				var first wire.Properties
				switch from {
				case "subscriber":
					p.SubgroupTimeout = time.Second
				case "track":
					p.Track = newTrack(millis(subgroupTimeout, 1000))
				default:
					first = wire.AppendProperties(nil, millis(subgroupTimeout, 1000))
				}
				for g, end := range []bool{false, true, true} {
					w := open(t, p.Track, uint64(g), 0)
					if err := w.Append(live.WholeObject{Properties: first}); err != nil {
						t.Fatal(err)
					}
					if end && g == 1 {
						w.Close()
					} else if end {
						time.AfterFunc(500*time.Millisecond, func() { w.Close() })
					}
				}
				r.Subscribe(p)
				time.Sleep(1200 * time.Millisecond)
				r.start()
				r.expect("1 is late, 2 ended later, 0 has not", "0/0: 0 open", "2/0: 0 FIN")
				if n := r.counters.Timeouts.Load(); n != 1 {
					t.Errorf("%d timeouts", n)
				}
			})
		})
	}
	t.Run("sent, not delivered", func(t *testing.T) {
		for _, delivered := range []bool{false, true} {
			virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
				track := newTrack()
				r.Subscribe(deliver.Subscribe{Track: track, Forward: true, SubgroupTimeout: time.Second})
				r.unread = !delivered
				r.start()
				put(t, open(t, track, 1, 0), 0, 1, 2, fin)
				time.Sleep(time.Second - 1)
				synctest.Wait()
				before := r.resets()
				time.Sleep(2 * time.Nanosecond)
				synctest.Wait()
				if delivered {
					r.expect("delivered in time", "1/0: 0 1 2 FIN")
				} else if before != 0 || r.resets() != 1 {
					t.Errorf("%d resets before the time is over, %d then", before, r.resets())
				}
			})
		}
	})
}

// TestDatagramTimeout: a datagram goes by the smaller one of both timeouts (moqt-18 §8).
func TestDatagramTimeout(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack(millis(objectTimeout, 3000), millis(subgroupTimeout, 2000))
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true, ObjectTimeout: time.Second})
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Alias: 1})
		packet(t, track, 1, 0)
		time.Sleep(1500 * time.Millisecond)
		packet(t, track, 1, 1)
		time.Sleep(time.Second)
		r.start()
		r.expectOrder("datagram 1/1", "datagram 1/1")
		_ = r.now()
	})
}

// TestNotReopened: after STOP_SENDING a subgroup is over, until forwarding
// begins anew (moqt-18 §11.4.3).
func TestNotReopened(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		x := r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
		r.start()
		w := open(t, track, 1, 0)
		put(t, w, 0)
		synctest.Wait()
		r.streams[0].stream.Stop(uint64(wire.ResetCancelled))
		put(t, w, 1)
		synctest.Wait()
		put(t, w, 2)
		w.Abort(wire.ResetCancelled)
		synctest.Wait()
		w = open(t, track, 1, 0)
		put(t, w, 3)
		if got := r.now(); len(got) != 1 {
			t.Errorf("the subgroup was opened again: %q", got)
		}
		x.Update(func(s *deliver.Subscribe) { s.Forward = false })
		put(t, w, 4)
		synctest.Wait()
		x.Update(func(s *deliver.Subscribe) { s.Forward, s.Start = true, at(1, 5) })
		synctest.Wait()
		put(t, w, 5)
		if got := r.now(); len(got) != 2 || got[1] != "1/0: 5 open" {
			t.Errorf("after FORWARD went from 0 to 1: %q", got)
		}
	})
}

// TestLagOfWhatWasMissing: what a lost publisher left unfinished, or did not bring,
// and another one brings long afterwards, is not late at subscribers, nor is what
// is behind it.
func TestLagOfWhatWasMissing(t *testing.T) {
	begin := func(t *testing.T, w *live.SubgroupWriter, payload string) {
		t.Helper()
		if err := w.Begin(live.ObjectHeader{ID: 1, Size: 2}); err != nil {
			t.Fatal(err)
		}
		w.Commit(copy(w.Buffer(), payload))
	}
	cut := func(t *testing.T, track *live.Track) { // an object, and who wrote it
		w := open(t, track, 1, 0)
		put(t, w, 0)
		begin(t, w, "a")
		time.Sleep(10 * time.Millisecond)
		w.Interrupt()
		put(t, open(t, track, 2, 0), 0)
		time.Sleep(10 * time.Second)
		w = open(t, track, 1, 0)
		begin(t, w, "a")
		w.Commit(copy(w.Buffer(), "b"))
		put(t, w, 2)
	}
	left := func(t *testing.T, track *live.Track) { // out, and fetched when those behind it are there
		w := open(t, track, 1, 0)
		put(t, w, 0)
		w.Interrupt()
		gap := live.Range{From: at(1, 1), To: at(1, 2)}
		track.ExpectFill(gap)
		put(t, open(t, track, 1, 0), 2)
		put(t, open(t, track, 2, 0), 0)
		time.Sleep(10 * time.Second)
		f := track.NewFiller()
		if err := f.Begin(1, 0, 128, live.ObjectHeader{ID: 1, Size: 1}); err != nil {
			t.Fatal(err)
		}
		f.Commit(copy(f.Buffer(), "1"))
		if err := f.End(); err != nil {
			t.Fatal(err)
		}
		track.EndFill(gap, true)
	}
	for _, c := range []struct {
		what    string
		recover bool
		lose    func(*testing.T, *live.Track)
		want    []string
	}{
		{"cut off, waited for", true, cut, []string{"1/0: 0 1 2 open", "2/0: 0 open"}},
		{"cut off, not waited for", false, cut, []string{"1/0: 0 INTERNAL_ERROR", "2/0: 0 open", "1/0: 1 2 open"}},
		{"left out", true, left, []string{"1/0: 0 1 2 open", "2/0: 0 open"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
				track := live.NewTrack(name, live.Options{Recover: c.recover})
				r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
				r.start()
				c.lose(t, track)
				r.expect("in the end", c.want...)
				if n := r.counters.GroupsSkipped(); n != 0 {
					t.Errorf("%d groups were skipped", n)
				}
			})
		})
	}
}
