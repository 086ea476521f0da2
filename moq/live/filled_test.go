package live

import (
	"slices"
	"testing"
)

// TestWalkFilled: what a fetch has covered is known, although its last group
// was fetched in part and no live writer has ended the subgroups of it.
func TestWalkFilled(t *testing.T) {
	track := NewTrack(name, Options{Recover: true})
	track.RaiseLargest(at(5, 9))
	r := Range{at(1, 1), at(3, 5)}
	track.Forget(Range{at(0, 0), at(5, 10)})
	track.ExpectFill(r)
	if got := walked(track, at(3, 0), at(3, 4), false); !slices.Equal(got, []string{"wait"}) {
		t.Errorf("while it is fetched: %q", got)
	}
	f := track.NewFiller()
	for _, o := range []struct{ group, id, subgroup uint64 }{{1, 1, 3}, {1, 4, 3}, {3, 0, 0}, {3, 1, 3}, {3, 2, 0}, {3, 4, 3}} {
		if err := f.Begin(o.group, o.subgroup, 9, ObjectHeader{ID: o.id}); err != nil {
			t.Fatal(err)
		}
	}
	f.End()
	track.EndFill(r, true)
	if got, want := walked(track, r.From, at(3, 4), false), []string{"1/1", "1/4", "3/0", "3/1", "3/2", "3/4"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// Behind it nothing is known.
	if got, want := walked(track, at(3, 4), at(3, 9), false), []string{"3/4", "?3/9"}; !slices.Equal(got, want) {
		t.Errorf("behind it: got %q, want %q", got, want)
	}
}
