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

// TestPauseUnderAWalk: a walk that waits for the end of a group which a fetch has
// brought has it asked for when the track is paused: the walk began when nothing
// was known to be missing.
func TestPauseUnderAWalk(t *testing.T) {
	track := NewTrack(name, Options{Recover: true})
	do(t, track, fetched(4, 0, 0, 0, "x"))
	track.RaiseLargest(at(5, 0))
	rest := at(4, 1)
	walk := track.NewWalk(at(4, 0), at(4, 9), false)
	if step, o, _ := walk.Next(); step != StepObject || o.ID != 0 {
		t.Fatalf("step %d", step)
	}
	if step, _, _ := walk.Next(); step != StepWait {
		t.Fatalf("step %d, want to wait for a live writer", step)
	}
	track.Pause()
	step, _, until := walk.Next()
	if step != StepUnknown {
		t.Fatalf("step %d, want unknown", step)
	}
	part, ok := walk.Again(until)
	if !ok || part.From != rest {
		t.Fatalf("the part to ask for is %v, %v", part, ok)
	}
	track.ExpectFill(part)
	track.EndFill(part, true)
	if step, _, _ := walk.Next(); step != StepEnd {
		t.Errorf("step %d, want the end", step)
	}
}
