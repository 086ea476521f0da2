package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestFill: a fill is a stream of its subscription (draft 20 §5.1.3): counted
// with its streams and reset with it, and nothing that becomes of a fill
// touches the subscription.
func TestFill(t *testing.T) {
	fill := func(r *rig, track *live.Track, x *deliver.Subscription, id uint64) *deliver.FetchResponse {
		return r.Fetch(deliver.Fetch{Track: track, RequestID: id, First: at(0, 0), Last: at(2, 9), Fill: x})
	}
	begin := func(t *testing.T, r *rig) (*live.Track, *deliver.Subscription, chan uint64) {
		track := newTrack()
		put(t, open(t, track, 1, 0), 0, 1, fin)
		done := make(chan uint64, 1)
		x := r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Start: at(2, 0), Done: func(_ live.Done, n uint64) { done <- n }})
		return track, x, done
	}
	t.Run("counted", func(t *testing.T) {
		virtual(t, wire.Draft20, func(t *testing.T, r *rig) {
			track, x, done := begin(t, r)
			fill(r, track, x, 8)
			w := open(t, track, 2, 0)
			put(t, w, 0)
			r.start()
			r.expect("while the group is open", "fetch 8: 1/0 1/1 2/0 open", "2/0: 0 open")
			put(t, w, fin)
			r.expect("with the end of it", "fetch 8: 1/0 1/1 2/0 FIN", "2/0: 0 FIN")
			fill(r, track, x, 10)
			track.Close(wire.DoneTrackEnded, "")
			r.expect("several", "fetch 8: 1/0 1/1 2/0 FIN", "2/0: 0 FIN", "fetch 10: 1/0 1/1 2/0 FIN")
			if n := <-done; n != 3 {
				t.Errorf("%d streams are told of, want 3", n)
			}
		})
	})
	t.Run("the end waits for it", func(t *testing.T) {
		virtual(t, wire.Draft20, func(t *testing.T, r *rig) {
			track, x, done := begin(t, r)
			x.Hold()
			track.ExpectFill(live.Range{From: at(0, 0), To: at(1, 0)})
			r.start()
			synctest.Wait()
			track.Close(wire.DoneTrackEnded, "")
			synctest.Wait()
			if len(done) > 0 {
				t.Error("the subscription is over before its fill began")
			}
			fill(r, track, x, 8)
			x.Release()
			r.expect("while it waits", "fetch 8: open")
			if len(done) > 0 {
				t.Error("the subscription is over before its fill")
			}
			track.EndFill(live.Range{From: at(0, 0), To: at(1, 0)}, true)
			r.expect("filled", "fetch 8: 1/0 1/1 FIN")
			<-done
		})
	})
	t.Run("cancelled with the subscription", func(t *testing.T) {
		virtual(t, wire.Draft20, func(t *testing.T, r *rig) {
			track, x, done := begin(t, r)
			put(t, open(t, track, 2, 0), 0)
			fill(r, track, x, 8)
			r.start()
			synctest.Wait()
			x.Cancel(wire.ResetCancelled)
			r.expect("at the end", "fetch 8: 1/0 1/1 2/0 CANCELLED", "2/0: 0 CANCELLED")
			if len(done) > 0 {
				t.Error("a cancelled subscription was ended")
			}
			fill(r, track, x, 10)
			r.expect("a fill of a subscription that is over", "fetch 8: 1/0 1/1 2/0 CANCELLED", "2/0: 0 CANCELLED")
		})
	})
	t.Run("stopped by the subscriber", func(t *testing.T) {
		virtual(t, wire.Draft20, func(t *testing.T, r *rig) {
			track, x, _ := begin(t, r)
			w := open(t, track, 2, 0)
			put(t, w, 0)
			fill(r, track, x, 8)
			r.start()
			synctest.Wait()
			r.streams[0].stream.Stop(uint64(wire.ResetCancelled))
			put(t, w, 1, fin)
			synctest.Wait()
			if got := r.now()[1]; got != "2/0: 0 1 FIN" {
				t.Errorf("the subscription got %q", got)
			}
		})
	})
	t.Run("failed", func(t *testing.T) {
		virtual(t, wire.Draft20, func(t *testing.T, r *rig) {
			track, x, _ := begin(t, r)
			fill(r, track, x, 8).Fail(wire.ResetInternalError)
			put(t, open(t, track, 2, 0), 0, fin)
			r.start()
			r.expect("at the end", "fetch 8: INTERNAL_ERROR", "2/0: 0 FIN")
		})
	})
}

// TestFillOrder: draft 20 §7.2, rules 3 and 4.
func TestFillOrder(t *testing.T) {
	up, down := wire.GroupOrderAscending, wire.GroupOrderDescending
	tests := []struct {
		name        string
		order, fill wire.GroupOrder
		first       wire.Location // of the fill
		priority    uint8         // of the fill; the subscription has 5
		want        []string
	}{
		{"the same group: fill first", up, up, at(2, 0), 5, []string{"fetch 8", "2/0", "3/0"}},
		{"an earlier group, ascending", up, up, at(1, 0), 5, []string{"fetch 8", "2/0", "3/0"}},
		{"an earlier group, descending", down, down, at(1, 0), 5, []string{"3/0", "2/0", "fetch 8"}},
		{"another order: subscription first", down, up, at(1, 0), 5, []string{"3/0", "2/0", "fetch 8"}},
		{"another order, the other way", up, down, at(1, 0), 5, []string{"2/0", "3/0", "fetch 8"}},
		{"a more urgent fill", down, up, at(1, 0), 4, []string{"fetch 8", "3/0", "2/0"}},
		{"a less urgent fill", up, up, at(2, 0), 6, []string{"2/0", "3/0", "fetch 8"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, wire.Draft20, func(t *testing.T, r *rig) {
				track := newTrack()
				for g := range uint64(3) {
					put(t, open(t, track, g+1, 0), 0, 1, fin)
				}
				x := r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Start: at(2, 0), Order: c.order, Priority: 5})
				r.Fetch(deliver.Fetch{Track: track, RequestID: 8, First: c.first, Last: at(c.first.Group, 1), Order: c.fill, Priority: c.priority, Fill: x})
				r.start()
				r.expectOrder(c.want...)
			})
		})
	}
}

// TestFillTimeout: a response waits for objects that are being fetched as long
// as it may in all, and then tells which did not come (moqt-18 §10.2.5): as
// timed out from draft 20 on, as unknown before.
func TestFillTimeout(t *testing.T) {
	tests := []struct {
		name    string
		version wire.Version
		timeout wire.Option[time.Duration]
		after   time.Duration
		want    string
	}{
		{"no limit", wire.Draft20, wire.Option[time.Duration]{}, time.Hour, "fetch 8: 1/0 open"},
		{"0", wire.Draft20, wire.Some(time.Duration(0)), 0, "fetch 8: 1/0 -2/1 2/2 -2/4 2/5 FIN"},
		{"0 before draft 20", wire.Draft19, wire.Some(time.Duration(0)), 0, "fetch 8: 1/0 ?2/1 2/2 ?2/4 2/5 FIN"},
		{"not over", wire.Draft20, wire.Some(time.Second), time.Second - 1, "fetch 8: 1/0 open"},
		{"over", wire.Draft20, wire.Some(time.Second), time.Second, "fetch 8: 1/0 -2/1 2/2 -2/4 2/5 FIN"},
		{"over before draft 20", wire.Draft18, wire.Some(time.Second), time.Second, "fetch 8: 1/0 ?2/1 2/2 ?2/4 2/5 FIN"},
		{"filled in time", wire.Draft20, wire.Some(3 * time.Second), 2 * time.Second, "fetch 8: 1/0 2/0 2/2 ?2/4 2/5 FIN"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, c.version, func(t *testing.T, r *rig) {
				track := newTrack()
				put(t, open(t, track, 1, 0), 0, fin)
				put(t, open(t, track, 2, 0), 2, 5, fin)
				range_ := live.Range{From: at(2, 0), To: at(2, 2)}
				track.ExpectFill(range_)
				track.Forget(live.Range{From: at(2, 3), To: at(2, 5)})
				r.Fetch(deliver.Fetch{Track: track, RequestID: 8, First: at(1, 0), Last: at(2, 5), FillTimeout: c.timeout})
				r.start()
				time.Sleep(c.after)
				if c.name == "filled in time" {
					f := track.NewFiller()
					if err := f.Begin(2, 0, 128, live.ObjectHeader{ID: 0}); err != nil {
						t.Fatal(err)
					}
					if err := f.End(); err != nil {
						t.Fatal(err)
					}
					track.EndFill(range_, true)
				}
				r.expect("then", c.want)
			})
		})
	}
}

// TestFetchOfAnObjectCutOff: a response waits for the rest of an object until
// its time is over; then it cannot go on (moqt-18 §10.12.3).
func TestFetchOfAnObjectCutOff(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := live.NewTrack(name, live.Options{Recover: true})
		w := open(t, track, 1, 0)
		put(t, w, 0)
		if err := w.Begin(live.ObjectHeader{ID: 1, Size: 2}); err != nil {
			t.Fatal(err)
		}
		w.Commit(copy(w.Buffer(), "a"))
		r.Fetch(deliver.Fetch{Track: track, RequestID: 8, First: at(1, 0), Last: at(1, 1), FillTimeout: wire.Some(time.Second)})
		r.start()
		synctest.Wait()
		w.Interrupt()
		r.expect("cut off", "fetch 8: 1/0 open")
		time.Sleep(time.Second)
		r.expect("over", "fetch 8: 1/0 UNKNOWN_OBJECT_STATUS")
	})
}
