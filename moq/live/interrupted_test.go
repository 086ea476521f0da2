package live

import (
	"slices"
	"testing"
	"time"

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

// TestBehindPassesNothingOver: what was on its way when its writer was lost, and
// newer groups or datagrams came before it, is asked for again.
func TestBehindPassesNothingOver(t *testing.T) {
	whole := func(group uint64) write {
		return func(t *Track) error {
			w, err := t.OpenSubgroup(SubgroupInfo{Group: group, EndOfGroup: true})
			if err == nil {
				err = w.Append(WholeObject{})
			}
			if err == nil {
				err = w.Close()
			}
			return err
		}
	}
	datagram := func(group, id uint64) write { return packet(wire.Datagram{Group: group, ID: id}) }
	last := func(group, id uint64) write { return packet(wire.Datagram{Group: group, ID: id, EndOfGroup: true}) }
	tests := []struct {
		name   string
		writes []write
		known  Range // fetched
		want   wire.Location
	}{
		{name: "nothing", writes: []write{whole(7), whole(8), whole(9)}, want: at(9, 1)},
		{name: "a group", writes: []write{whole(7), whole(9)}, want: at(8, 0)},
		{name: "a group that does not exist", writes: []write{whole(7), whole(9)}, known: Range{at(8, 0), at(9, 0)}, want: at(9, 1)},
		{name: "a group long ago", writes: []write{whole(1), whole(3), whole(4), whole(5), whole(6), whole(7), whole(8), whole(9)}, want: at(9, 1)},
		{name: "what was before the first group", writes: []write{whole(9)}, want: at(9, 1)},
		{name: "a datagram", writes: []write{last(8, 0), datagram(9, 0), datagram(9, 2)}, want: at(9, 1)},
		{name: "the first datagram", writes: []write{last(8, 0), datagram(9, 1), datagram(9, 2)}, want: at(9, 0)},
		{name: "a datagram of the first group", writes: []write{datagram(9, 0), datagram(9, 2)}, want: at(9, 1)},
		{name: "the last datagrams", writes: []write{datagram(8, 0), datagram(9, 0)}, want: at(8, 1)},
		{name: "the last datagrams, and a group", writes: []write{datagram(7, 0), datagram(9, 4)}, want: at(7, 1)},
		{name: "datagrams that do not exist", writes: []write{datagram(7, 0), datagram(9, 0)}, known: Range{at(7, 1), at(9, 0)}, want: at(9, 1)},
	}
	for _, x := range tests {
		track := NewTrack(name, Options{RetainGroups: 20, Recover: true})
		do(t, track, x.writes...)
		track.ExpectFill(x.known)
		track.EndFill(x.known, true)
		if got, ok := track.Behind(5); got != x.want || !ok {
			t.Errorf("%s: %v, %v, want %v", x.name, got, ok, x.want)
		}
	}
}

// TestWalkWaitsForOvertaken: of a track that is had from elsewhere a group that is
// missing between two others may still come, for a moment.
func TestWalkWaitsForOvertaken(t *testing.T) {
	now := time.Unix(1000, 0)
	track := NewTrack(name, Options{RetainGroups: 20, Cache: true, Now: func() time.Time { return now }})
	put := func(group uint64) {
		w := open(t, track, SubgroupInfo{Group: group, EndOfGroup: true})
		put(t, w, 0)
		w.Close()
	}
	put(7)
	put(9)
	for _, first := range []uint64{7, 8} {
		want := []string{"7/0", "wait"}[first-7:]
		if got := walked(track, at(first, 0), at(9, 0), false); !slices.Equal(got, want) {
			t.Errorf("from %d on: %v, want %v", first, got, want)
		}
	}
	if got := walked(track, at(7, 0), at(7, 9), false); !slices.Equal(got, []string{"7/0"}) {
		t.Errorf("before it: %v", got)
	}
	now = now.Add(overtaking)
	put(12)
	walk := track.NewWalk(at(7, 0), at(12, 0), false)
	for _, want := range []uint64{7, 9} {
		if step, o, _ := walk.Next(); step != StepObject || o.Group != want {
			t.Fatalf("step %d, want group %d", step, want)
		}
	}
	if step, _, _ := walk.Next(); step != StepWait || !walk.Retry().Equal(now.Add(overtaking)) {
		t.Fatalf("step %d, again at %v", step, walk.Retry())
	}
	put(10)
	if step, o, _ := walk.Next(); step != StepObject || o.Group != 10 {
		t.Errorf("step %d, want the group that was overtaken", step)
	}
	now = now.Add(overtaking)
	if step, o, _ := walk.Next(); step != StepObject || o.Group != 12 || !walk.Retry().IsZero() {
		t.Errorf("step %d, want the group behind what does not come", step)
	}
}
