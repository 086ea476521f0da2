package live

import (
	"slices"
	"testing"
)

// TestSettleWhileFilled: newer groups that come while a fetch is under way do not end
// the subgroups that it is bringing, whichever of them it has reached.
func TestSettleWhileFilled(t *testing.T) {
	track := NewTrack(name, Options{Recover: true, RetainGroups: 10})
	fill := Range{at(20, 0), at(21, 0)}
	track.ExpectFill(fill)
	do(t, track, fetched(20, 0, 9, 0, "a"), fetched(20, 1, 9, 1, "b"))
	for group := uint64(21); group < 25; group++ {
		do(t, track, object(SubgroupInfo{Group: group}, WholeObject{ID: 0}))
	}
	s := track.groups[0].subgroups[0]
	if o, state, _ := s.Next(1); o != nil || state != Waiting {
		t.Fatalf("while it is fetched: state %d, object %v", state, o)
	}
	do(t, track, fetched(20, 0, 9, 2, "c"))
	if o, _, _ := s.Next(1); o == nil || o.ID != 2 {
		t.Fatalf("got %v, want object 2", o)
	}
	track.EndFill(fill, true)
	if _, state, _ := s.Next(3); state != Finished {
		t.Errorf("state %d behind the fetch, want %d", state, Finished)
	}
}

// TestSettleUnknownEnd: a subgroup of which a fetch brought the beginning, and which no
// writer has continued, does not end there as if its publisher had said so. It goes on
// when a writer comes after all, as may be in a network that loses what it carries.
func TestSettleUnknownEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		writes []write // beside object 3 of subgroup 0
		fill   Range
		failed bool
		want   State
	}{
		{"a fetch up to the present", nil, Range{at(20, 0), at(20, 4)}, false, Aborted},
		{"a fetch that failed", nil, Range{at(20, 0), at(21, 0)}, true, Aborted},
		{"a fetch beyond the group", nil, Range{at(20, 0), at(22, 0)}, false, Finished},
		{"the end of the group elsewhere", []write{stream(SubgroupInfo{Group: 20, ID: 1, EndOfGroup: true}, 4)}, Range{at(20, 0), at(20, 4)}, false, Finished},
		{"a hole before that", []write{stream(SubgroupInfo{Group: 20, ID: 1, EndOfGroup: true}, 5)}, Range{at(20, 0), at(20, 4)}, false, Aborted},
	} {
		t.Run(c.name, func(t *testing.T) {
			track := NewTrack(name, Options{Recover: true, RetainGroups: 10})
			track.ExpectFill(c.fill)
			do(t, track, fetched(20, 0, 9, 3, "a"))
			do(t, track, c.writes...)
			for group := uint64(21); group < 24; group++ {
				do(t, track, object(SubgroupInfo{Group: group}, WholeObject{ID: 0}))
			}
			track.EndFill(c.fill, !c.failed)
			s := track.groups[0].subgroups[0]
			if _, state, _ := s.Next(4); state != c.want {
				t.Fatalf("state %d, want %d", state, c.want)
			}
			if c.want == Finished {
				return
			}
			feed := track.NewFeed(at(0, 0))
			for _, any := feed.Subgroup(); any; _, any = feed.Subgroup() {
				continue // up to now
			}
			do(t, track, object(SubgroupInfo{Group: 20}, WholeObject{ID: 4}))
			if again, any := feed.Subgroup(); !any || again != s {
				t.Error("those who left the subgroup are not told that it goes on")
			}
		})
	}
}

// TestSettleBeforeItIsFetched: what is given up of a group while the rest of it is being
// fetched ends with the fetch and not before. Who reads it gets that rest, and is not left
// waiting when the fetch fails.
func TestSettleBeforeItIsFetched(t *testing.T) {
	for _, c := range []struct {
		name    string
		brought bool
		want    State
		read    []uint64
	}{
		{"the fetch brings the rest", true, Finished, []uint64{0, 1, 2, 3}},
		{"the fetch fails", false, Aborted, []uint64{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			track := NewTrack(name, Options{Recover: true, RetainGroups: 10})
			w := open(t, track, SubgroupInfo{Group: 20, Priority: 9})
			put(t, w, 0, 1)
			w.Interrupt()
			reader := track.NewReader(at(0, 0))
			defer reader.Close()
			var read []uint64
			take := func() {
				for o := reader.poll(); o != nil; o = reader.poll() {
					read = append(read, o.ID)
				}
			}
			fill := Range{at(20, 2), at(22, 0)}
			track.ExpectFill(fill)
			track.Settle(21)
			take()
			if _, state, _ := track.groups[0].subgroups[0].Next(2); state != Waiting {
				t.Errorf("while the rest is fetched: state %d, want %d", state, Waiting)
			}
			if c.brought {
				do(t, track, fetched(20, 0, 9, 2, "c"), fetched(20, 0, 9, 3, "d"))
			}
			track.EndFill(fill, c.brought)
			take()
			if _, state, _ := track.groups[0].subgroups[0].Next(4); state != c.want {
				t.Errorf("behind the fetch: state %d, want %d", state, c.want)
			}
			if !slices.Equal(read, c.read) {
				t.Errorf("read %v, want %v", read, c.read)
			}
		})
	}
}

// TestCutWhileFetched: an object that a writer began, of what is being fetched, and left
// incomplete is still unknown: whoever fetches the rest elsewhere asks for it too.
func TestCutWhileFetched(t *testing.T) {
	track := NewTrack(name, Options{Recover: true, RetainGroups: 10})
	fill := Range{at(20, 0), at(20, 3)}
	track.ExpectFill(fill)
	w := open(t, track, SubgroupInfo{Group: 20, Priority: 9})
	put(t, w, 0)
	if err := w.Begin(ObjectHeader{ID: 1, Size: 10}); err != nil {
		t.Fatal(err)
	}
	w.Commit(copy(w.Buffer(), "abc"))
	if got, want := track.Unknown(fill), []Range{{at(20, 2), at(20, 3)}}; !slices.Equal(got, want) {
		t.Errorf("while it is written: %v unknown, want %v", got, want)
	}
	w.Interrupt()
	if got, want := track.Unknown(fill), []Range{{at(20, 1), at(20, 3)}}; !slices.Equal(got, want) {
		t.Errorf("when it is cut: %v unknown, want %v", got, want)
	}
}
