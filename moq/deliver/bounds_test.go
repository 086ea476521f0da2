package deliver_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestBounds: nothing outside of the location filter is sent (moqt-18 §5.1.2),
// a stream that is cut by it is reset, one that is whole ends with FIN (moqt-18
// §11.4.3), also when an update moves the bounds (§10.9.1).
func TestBounds(t *testing.T) {
	everything := wire.Option[wire.Location]{}
	rest := uint64(math.MaxUint64)
	tests := []struct {
		name  string
		start wire.Location
		end   wire.Option[wire.Location]
		then  func(*testing.T, *rig, *live.Track, *deliver.Subscription)
		want  []string
	}{
		{"start within a group", at(1, 2), everything, nil, []string{"1/0: 2 3 FIN", "2/0: 0 1 2 3 FIN", "3/0: 0 1 open"}},
		{"end of a group", at(0, 0), wire.Some(at(1, rest)), nil, []string{"1/0: 0 1 2 3 FIN"}},
		{"end within a group", at(2, 0), wire.Some(at(2, 1)), nil, []string{"2/0: 0 1 CANCELLED"}},
		{"end at the last object of a group", at(2, 0), wire.Some(at(2, 3)), nil, []string{"2/0: 0 1 2 3 FIN"}},
		{"end within an open group", at(3, 0), wire.Some(at(3, 2)), func(t *testing.T, r *rig, track *live.Track, _ *deliver.Subscription) {
			put(t, open(t, track, 3, 0), 2)
			r.expect("the last one is sent", "3/0: 0 1 2 open")
			put(t, open(t, track, 3, 0), 3)
		}, []string{"3/0: 0 1 2 CANCELLED"}},
		{"end moves down", at(2, 2), everything, func(_ *testing.T, _ *rig, _ *live.Track, x *deliver.Subscription) {
			x.Update(func(s *deliver.Subscribe) { s.End = wire.Some(at(2, rest)) })
		}, []string{"2/0: 2 3 FIN", "3/0: 0 1 CANCELLED"}},
		{"start moves up", at(2, 2), everything, func(t *testing.T, _ *rig, track *live.Track, x *deliver.Subscription) {
			x.Update(func(s *deliver.Subscribe) { s.Start = at(3, 3) })
			synctest.Wait()
			put(t, open(t, track, 3, 0), 2, 3, fin)
		}, []string{"2/0: 2 3 FIN", "3/0: 0 1 INTERNAL_ERROR", "3/0: 3 FIN"}},
		{"start moves beyond the group", at(2, 2), everything, func(_ *testing.T, _ *rig, _ *live.Track, x *deliver.Subscription) {
			x.Update(func(s *deliver.Subscribe) { s.Start = at(4, 0) })
		}, []string{"2/0: 2 3 FIN", "3/0: 0 1 CANCELLED"}},
		{"end moves up: what came before is for FETCH", at(2, 2), wire.Some(at(3, 0)), func(t *testing.T, _ *rig, track *live.Track, x *deliver.Subscription) {
			put(t, open(t, track, 4, 0), 0, 1)
			synctest.Wait()
			x.Update(func(s *deliver.Subscribe) { s.End = wire.Some(at(4, 2)) })
			synctest.Wait()
			put(t, open(t, track, 3, 0), 2)
			put(t, open(t, track, 4, 0), 2, 3)
			put(t, open(t, track, 5, 0), 0)
		}, []string{"2/0: 2 3 FIN", "3/0: 0 CANCELLED", "3/0: 2 open", "4/0: 2 CANCELLED"}},
		{"start moves down: what comes from now on passes", at(6, 0), everything, func(t *testing.T, _ *rig, track *live.Track, x *deliver.Subscription) {
			put(t, open(t, track, 4, 0), 0)
			synctest.Wait()
			x.Update(func(s *deliver.Subscribe) { s.Start = at(4, 1) })
			synctest.Wait()
			put(t, open(t, track, 4, 0), 1)
			put(t, open(t, track, 5, 0), 0)
			put(t, open(t, track, 6, 0), 0)
		}, []string{"4/0: 1 open", "5/0: 0 open", "6/0: 0 open"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, wire.Draft20, func(t *testing.T, r *rig) {
				track := newTrack()
				put(t, open(t, track, 1, 0), 0, 1, 2, 3, fin)
				put(t, open(t, track, 2, 0), 0, 1, 2, 3, fin)
				put(t, open(t, track, 3, 0), 0, 1)
				packet(t, track, 9, 0)
				x := r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Start: c.start, End: c.end})
				r.start()
				synctest.Wait()
				if c.then != nil {
					c.then(t, r, track, x)
				}
				r.expect("at the end", c.want...)
				if c.end.Set == (len(r.packets) > 0) {
					t.Errorf("datagrams: %v", r.packets)
				}
			})
		})
	}
}

// TestNextObject: a stream goes on only with the object known to be next; else
// it is reset and another one begins (moqt-18 §11.4.3).
func TestNextObject(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		done := make(chan uint64, 1)
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Done: func(_ live.Done, streams uint64) { done <- streams }})
		r.start()
		slow, fast := open(t, track, 1, 0), open(t, track, 1, 0)
		put(t, slow, 0, 2)
		r.expect("a gap on one stream", "1/0: 0 2 open")
		put(t, fast, 7)
		r.expect("a gap between two", "1/0: 0 2 INTERNAL_ERROR", "1/0: 7 open")
		put(t, slow, 3)
		r.expect("one from behind", "1/0: 0 2 INTERNAL_ERROR", "1/0: 7 INTERNAL_ERROR", "1/0: 3 open")
		put(t, slow, 7)
		put(t, fast, 8, fin)
		r.expect("and on", "1/0: 0 2 INTERNAL_ERROR", "1/0: 7 INTERNAL_ERROR", "1/0: 3 INTERNAL_ERROR", "1/0: 8 FIN")
		put(t, slow, 8, fin)
		put(t, open(t, track, 1, 0), 5)
		track.Close(wire.DoneTrackEnded, "")
		r.expect("one behind the end", "1/0: 0 2 INTERNAL_ERROR", "1/0: 7 INTERNAL_ERROR", "1/0: 3 INTERNAL_ERROR", "1/0: 8 FIN", "1/0: 5 CANCELLED")
		if n := <-done; n != 5 {
			t.Errorf("%d streams are told of", n)
		}
	})
}

// TestContinuedSubgroup: when the publisher resets a stream the reset is passed
// on, and when it continues the subgroup on another stream, so is that; an
// object cut off by the reset comes in whole.
func TestContinuedSubgroup(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
		r.start()
		w := open(t, track, 1, 0)
		put(t, w, 0)
		if err := w.Begin(live.ObjectHeader{ID: 1, Size: 2}); err != nil {
			t.Fatal(err)
		}
		w.Commit(copy(w.Buffer(), "a"))
		synctest.Wait()
		w.Abort(wire.ResetDeliveryTimeout)
		r.expect("reset", "1/0: 0 DELIVERY_TIMEOUT")
		w = open(t, track, 1, 0)
		if err := w.Append(live.WholeObject{ID: 1, Payload: []byte("ab")}); err != nil {
			t.Fatal(err)
		}
		put(t, w, 2)
		r.expect("continued", "1/0: 0 DELIVERY_TIMEOUT", "1/0: 1 2 open")
		if got := r.streams[1].bodies["1"]; got != "ab" {
			t.Errorf("the object cut off is %q", got)
		}
		w.Abort(wire.ResetDeliveryTimeout)
		r.expect("reset between objects", "1/0: 0 DELIVERY_TIMEOUT", "1/0: 1 2 DELIVERY_TIMEOUT")
		if h := r.streams[1].header; h.FirstObject || !r.streams[0].header.FirstObject {
			t.Error("not the first stream alone begins with the first object")
		}
	})
}

// TestProperties: the first object with properties in a subgroup without them
// goes on a stream that can carry them.
func TestProperties(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
		r.start()
		w := open(t, track, 1, 0)
		put(t, w, 0)
		synctest.Wait()
		p := wire.AppendProperties(nil, wire.KeyValue{Type: 0x10, Value: 3})
		if err := w.Append(live.WholeObject{ID: 1, Properties: p, Payload: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		put(t, w, 2, fin)
		r.expect("at the end", "1/0: 0 INTERNAL_ERROR", "1/0: 1 2 FIN")
		if r.streams[0].header.HasProperties || !r.streams[1].header.HasProperties {
			t.Error("the wrong stream has properties")
		}
	})
}

// TestMalformedTrack: it ends subscriptions and fetches at once (moqt-18 §2.4.2).
func TestMalformedTrack(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		done := make(chan live.Done, 1)
		put(t, open(t, track, 1, 0), 0)
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Done: func(d live.Done, _ uint64) { done <- d }})
		r.Fetch(deliver.Fetch{Track: track, RequestID: 2, First: at(1, 0), Last: at(1, 4), Priority: 200}) // behind the subscription
		r.start()
		r.expect("before", "1/0: 0 open", "fetch 2: 1/0 open")
		track.Close(wire.DoneMalformedTrack, "it is")
		r.expect("after", "1/0: 0 MALFORMED_TRACK", "fetch 2: 1/0 MALFORMED_TRACK")
		if d := <-done; d.Code != wire.DoneMalformedTrack {
			t.Errorf("the subscription ended with %v", d)
		}
	})
}

// TestMaxCacheDuration: nothing is sent that came longer ago (moqt-18 §12.3).
func TestMaxCacheDuration(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		p := wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropMaxCacheDuration, Value: 1000})
		track := live.NewTrack(name, live.Options{Cache: true, Properties: p})
		x := r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
		w := open(t, track, 1, 0)
		put(t, w, 0, 1)
		packet(t, track, 1, 9)
		time.Sleep(2 * time.Second)
		put(t, w, 2)
		packet(t, track, 1, 10)
		put(t, w, 3)
		r.start()
		r.expect("too late for some", "1/0: 2 3 open")
		r.expectOrder("datagram 1/10", "1/0")
		x.Cancel(wire.ResetCancelled)
	})
}

// TestHeaderSurvivesReset: the header of a stream that is reset arrives, so
// that the stream can be counted (moqt-18 §11.4.3).
func TestHeaderSurvivesReset(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		w := open(t, track, 1, 0)
		if err := w.Begin(live.ObjectHeader{Size: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		x := r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
		f := r.Fetch(deliver.Fetch{Track: track, RequestID: 6, First: at(1, 0), Last: at(1, 5), Priority: 1})
		r.unread = true
		r.start()
		for n := 0; n < 100<<10; {
			k := len(w.Buffer())
			w.Commit(k)
			n += k
		}
		synctest.Wait()
		x.Cancel(wire.ResetCancelled)
		f.Cancel(wire.ResetCancelled)
		synctest.Wait()
		for _, x := range r.streams {
			r.read(x)
		}
		r.expect("read after the reset", "1/0: CANCELLED", "fetch 6: CANCELLED")
	})
}

// TestUnnameable: what a draft has no numbers for is left out in it (moqt-16
// §1.4: integers of 62 bits).
func TestUnnameable(t *testing.T) {
	const huge = 1 << 62
	for v, want := range map[wire.Version][]string{
		wire.Draft16: {"fetch 6: 1/0 FIN", "1/0: 0 CANCELLED"},
		wire.Draft18: {"fetch 6: 1/0 1/4611686018427387904 1/4611686018427387905 2/4611686018427387904 FIN", "1/0: 0 INTERNAL_ERROR", "1/0: 4611686018427387904 FIN", "1/4611686018427387904: 4611686018427387905 FIN", "2/4611686018427387904: 4611686018427387904 FIN"},
	} {
		virtual(t, v, func(t *testing.T, r *rig) {
			track := newTrack()
			put(t, open(t, track, 1, 0), 0)
			put(t, open(t, track, 1, 0), huge, fin)
			put(t, open(t, track, 1, huge), huge+1, fin)
			put(t, open(t, track, 2, huge), huge, fin)
			packet(t, track, huge, 0)
			r.Fetch(deliver.Fetch{Track: track, RequestID: 6, First: at(0, 0), Last: at(2, math.MaxUint64)})
			r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Priority: 1})
			r.start()
			r.expect(v.String(), want...)
			if (len(r.packets) > 0) != (v == wire.Draft18) {
				t.Errorf("%v: datagrams %v", v, r.packets)
			}
		})
	}
}

// TestDatagramsBounded: a network that takes nothing does not make datagrams pile up.
func TestDatagramsBounded(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Order: wire.GroupOrderDescending})
		for id := range uint64(1500) {
			packet(t, track, 1, id)
			time.Sleep(time.Nanosecond)
		}
		r.start()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := r.counters.DatagramsDropped.Load(); n != 1500-1024 || len(r.order) != 1024 || r.order[0] != "datagram 1/476" {
			t.Errorf("%d dropped, %d sent, the first is %s", n, len(r.order), r.order[0])
		}
	})
}
