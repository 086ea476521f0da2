package deliver_test

import (
	"testing"
	"testing/synctest"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestCutAndFetched: an object is cut off with its writer, and another one goes on some
// objects later, while the rest is being fetched: those who are sent the subgroup wait
// for what the fetch brings, as they could not have it afterwards. When it fails they go on.
func TestCutAndFetched(t *testing.T) {
	for _, c := range []struct {
		name    string
		fill    live.Range
		brought []uint64 // by the fetch; none: it fails
		during  []string
		then    []string
	}{
		{"with what was cut", live.Range{From: at(1, 1), To: at(1, 4)}, []uint64{1, 2, 3}, []string{"1/0: 0 open"}, []string{"1/0: 0 1 2 3 4 open"}},
		{"without it", live.Range{From: at(1, 2), To: at(1, 4)}, []uint64{2, 3}, []string{"1/0: 0 INTERNAL_ERROR"}, []string{"1/0: 0 INTERNAL_ERROR", "1/0: 2 3 4 open"}},
		{"and it fails", live.Range{From: at(1, 1), To: at(1, 4)}, nil, []string{"1/0: 0 open"}, []string{"1/0: 0 INTERNAL_ERROR", "1/0: 4 open"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
				track := live.NewTrack(name, live.Options{Recover: true})
				r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
				r.start()
				w := open(t, track, 1, 0)
				put(t, w, 0)
				if err := w.Begin(live.ObjectHeader{ID: 1, Size: 2}); err != nil {
					t.Fatal(err)
				}
				w.Commit(copy(w.Buffer(), "a"))
				synctest.Wait()
				track.ExpectFill(c.fill)
				w.Interrupt()
				put(t, open(t, track, 1, 0), 4)
				r.expect("while it is fetched", c.during...)
				f := track.NewFiller()
				for _, id := range c.brought {
					if err := f.Begin(1, 0, 128, live.ObjectHeader{ID: id, Size: 2}); err != nil {
						t.Fatal(err)
					}
					f.Commit(copy(f.Buffer(), "ab"))
					if id == 1 { // of which there was a part
						f.Commit(copy(f.Buffer(), "b"))
					}
				}
				if err := f.End(); err != nil {
					t.Fatal(err)
				}
				track.EndFill(c.fill, len(c.brought) > 0)
				r.expect("then", c.then...)
			})
		})
	}
}
