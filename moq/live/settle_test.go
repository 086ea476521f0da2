package live

import "testing"

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
