package live

import (
	"slices"
	"testing"

	"moqedge/moq/wire"
)

// TestInterrupted: what a lost source leaves unfinished is named up to the end
// of each group, in the newest one up to what is known to exist.
func TestInterrupted(t *testing.T) {
	track := NewTrack(wire.FullTrackName{Name: "x"}, Options{Recover: true})
	open := func(group, id uint64) *SubgroupWriter {
		w, err := track.OpenSubgroup(SubgroupInfo{Group: group, ID: id})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	put := func(w *SubgroupWriter, ids ...uint64) {
		for _, id := range ids {
			if err := w.Append(WholeObject{ID: id, Payload: []byte{1}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	old, layer := open(1, 0), open(1, 1)
	put(old, 0, 2)
	put(layer, 1, 3, 5)
	whole := open(2, 0)
	put(whole, 0)
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	newest := open(3, 0)
	put(newest, 0, 1)
	if err := newest.Begin(ObjectHeader{ID: 2, Size: 10}); err != nil {
		t.Fatal(err)
	}
	if got := track.Interrupted(); len(got) != 0 {
		t.Errorf("with all writers at work: %v", got)
	}
	for _, w := range []*SubgroupWriter{old, layer, newest} {
		w.Interrupt()
	}
	track.RaiseLargest(wire.Location{Group: 3, Object: 7})
	at := func(g, o uint64) wire.Location { return wire.Location{Group: g, Object: o} }
	if got, want := track.Interrupted(), []Range{{at(1, 3), at(2, 0)}, {at(3, 2), at(3, 8)}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	again := open(1, 0) // another source continues one of the two
	if got := track.Interrupted(); got[0].From != at(1, 6) {
		t.Errorf("got %v, want to begin behind the other subgroup", got)
	}
	again.Abort(wire.ResetCancelled)
}
