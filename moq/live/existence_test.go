package live

import (
	"math"
	"slices"
	"testing"
	"time"

	"moqedge/moq/wire"
)

func do(t *testing.T, track *Track, writes ...write) {
	t.Helper()
	for _, w := range writes {
		if err := w(track); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGapsAreKnown: what the gap properties say does not exist is neither
// waited for nor unknown, whatever else becomes unknown (moqt-18 §12.8, §12.9).
func TestGapsAreKnown(t *testing.T) {
	track := NewTrack(name, Options{RetainGroups: 10})
	do(t, track, object(SubgroupInfo{Group: 5}, WholeObject{ID: 0}))
	track.Forget(Range{at(0, 0), at(10, 0)})
	do(t, track,
		object(SubgroupInfo{Group: 9}, WholeObject{ID: 4, Properties: properties(immutable(groupGap(3)), objectGap(3))}),
	)
	if got, want := walked(track, at(5, 0), at(9, 4), false), []string{"5/0", "?5/18446744073709551615", "?9/0", "9/4"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	track.Forget(Range{at(6, 0), at(9, 4)}) // another publisher has not seen them
	track.ExpectFill(Range{at(6, 0), at(9, 0)})
	if got, want := track.Unknown(Range{at(6, 0), at(9, 5)}), []Range{{at(9, 0), at(9, 1)}}; !slices.Equal(got, want) {
		t.Errorf("unknown: %v, want %v", got, want)
	}
	if got := walked(track, at(6, 0), at(8, 9), false); len(got) != 0 {
		t.Errorf("a walk over the gap alone: %v", got)
	}
	// The stream of 9/4 is open, but nothing can come before it any more.
	do(t, track, object(SubgroupInfo{Group: 9, ID: 1}, WholeObject{ID: 6, Properties: properties(objectGap(1))}))
	if got, want := walked(track, at(9, 1), at(9, 6), false), []string{"9/4", "9/6"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFollows: an object may share a stream with the one before it when all
// between is accounted for (moqt-18 §11.4.3).
func TestFollows(t *testing.T) {
	track := NewTrack(name, Options{})
	sg := SubgroupInfo{Group: 1}
	do(t, track,
		object(sg, WholeObject{ID: 0}), object(sg, WholeObject{ID: 1}), object(sg, WholeObject{ID: 4}),
		object(SubgroupInfo{Group: 1, ID: 9}, WholeObject{ID: 2}), object(SubgroupInfo{Group: 1, ID: 9}, WholeObject{ID: 5}),
		packet(wire.Datagram{Group: 1, ID: 6}),
		object(sg, WholeObject{ID: 9, Properties: properties(objectGap(2))}),
		object(sg, WholeObject{ID: 20, Properties: properties(objectGap(9))}),
	)
	w := open(t, track, sg)
	put(t, w, 30, 40)
	s, _ := track.NewFeed(at(0, 0)).Subgroup()
	tests := []struct {
		id, previous uint64
		want         bool
		why          string
	}{
		{1, 0, true, "the next ID"},
		{4, 1, false, "3 may be of this subgroup"},
		{9, 4, true, "5 and 6 are elsewhere, 7 and 8 do not exist"},
		{20, 9, false, "10 is outside of the gap"},
		{40, 30, true, "one came right after the other on a stream"},
		{40, 20, false, "30 lies between"},
		{1, 4, false, "backwards"},
	}
	for _, c := range tests {
		o := track.groups[0].find(c.id)
		if got, wait := s.Follows(o, c.previous); got != c.want || wait {
			t.Errorf("%d after %d: %v (wait %v), want %v: %s", c.id, c.previous, got, wait, c.want, c.why)
		}
	}
}

// TestNotTakenAfterFetch: an object that a FETCH response has left out is not
// kept or told of when it comes later, and that is no error (moqt-18 §9.1).
func TestNotTakenAfterFetch(t *testing.T) {
	track := NewTrack(name, Options{RetainGroups: 10})
	r := Range{at(1, 0), at(2, 8)}
	track.ExpectFill(r)
	for _, l := range []wire.Location{at(1, 0), at(1, 2), at(2, 5)} {
		do(t, track, fetched(l.Group, 0, 0, l.Object, "x"))
	}
	track.EndFill(r, true, Range{at(1, 6), at(2, 1)})
	reader := track.NewReader(at(0, 0))
	defer reader.Close()
	do(t, track,
		object(SubgroupInfo{Group: 1}, WholeObject{ID: 1, Payload: x}),                    // left out
		object(SubgroupInfo{Group: 1}, WholeObject{ID: 2, Payload: x}),                    // there
		object(SubgroupInfo{Group: 1, ID: 1}, WholeObject{ID: 7, Payload: x}),             // unknown
		packet(wire.Datagram{Group: 2, ID: 4, Payload: x}),                                // left out
		object(SubgroupInfo{Group: 2, ID: 1}, WholeObject{ID: 6, Payload: x}),             // behind the last object fetched
		object(SubgroupInfo{Group: 1}, WholeObject{ID: 5, Status: 0, Payload: x}),         // left out
		object(SubgroupInfo{Group: 1}, WholeObject{ID: 9, Status: wire.ObjectEndOfGroup}), // says the same as the response
	)
	var got []string
	for o := reader.poll(); o != nil; o = reader.poll() {
		got = append(got, o.Location().String())
	}
	slices.Sort(got)
	if want := []string{"1/0", "1/2", "1/7", "1/9", "2/5", "2/6"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestMaxCacheDuration: no object is handed out longer than that after it came,
// each for itself; then its state is unknown (moqt-18 §12.3).
func TestMaxCacheDuration(t *testing.T) {
	now := time.Unix(1000, 0)
	o := Options{
		RetainGroups: 10, Now: func() time.Time { return now }, Cache: true,
		Properties: properties(wire.KeyValue{Type: wire.PropMaxCacheDuration, Value: 5000}),
	}
	track := NewTrack(name, o)
	o.Cache = false
	origin := NewTrack(name, o)
	w, same := open(t, track, SubgroupInfo{FirstObject: true}), open(t, origin, SubgroupInfo{FirstObject: true})
	for id := range uint64(5) {
		put(t, w, id)
		put(t, same, id)
		now = now.Add(2 * time.Second)
	}
	if err := w.Begin(ObjectHeader{ID: 5, Size: 3}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second - time.Nanosecond) // 11 s: 0, 1 and 2 are older than 5 s
	all := []string{"0/0", "0/1", "0/2", "0/3", "0/4"}
	if got := walked(origin, at(0, 0), at(0, 4), false); !slices.Equal(got, all) {
		t.Errorf("the origin hands out %v", got)
	}
	if got, want := walked(track, at(0, 0), at(0, 5), false), []string{"?0/2", "0/3", "0/4", "0/5"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := track.Missing(Range{at(0, 0), at(1, 0)}), []Range{{at(0, 0), at(0, 3)}}; !slices.Equal(got, want) {
		t.Errorf("missing %v, want %v", got, want)
	}
	if n, _ := track.Size(); n != 3*objectCost+2*16+groupCost+subgroupCost {
		t.Errorf("%d bytes are kept", n)
	}
	if s, _ := track.NewFeed(at(0, 0)).Subgroup(); s.First() != nil {
		t.Error("the first object is still known")
	}
	// What is older stays while it arrives, and may be had again by FETCH.
	now = now.Add(time.Minute)
	do(t, track, fetched(0, 0, 0, 1, "0/1"))
	if got, want := walked(track, at(0, 0), at(0, 5), false), []string{"?0/0", "0/1", "?0/4", "0/5"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	w.Commit(copy(w.Buffer(), "abc"))
	if got, want := walked(track, at(0, 0), at(0, 5), false), []string{"?0/0", "0/1", "?0/18446744073709551615"}; !slices.Equal(got[:2], want[:2]) || len(got) != 3 {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestWalkHurry: a walk in a hurry waits for nothing and tells what it missed (moqt-18 §10.2.5).
func TestWalkHurry(t *testing.T) {
	track := NewTrack(name, Options{RetainGroups: 10, Recover: true})
	w := open(t, track, SubgroupInfo{Group: 1})
	put(t, w, 0, 1)
	w.Close()
	arriving, lost := open(t, track, SubgroupInfo{Group: 4}), open(t, track, SubgroupInfo{Group: 5})
	for _, w := range []*SubgroupWriter{arriving, lost} {
		if err := w.Begin(ObjectHeader{ID: 3, Size: 10}); err != nil {
			t.Fatal(err)
		}
		w.Commit(copy(w.Buffer(), "abc"))
	}
	lost.Interrupt()
	track.ExpectFill(Range{at(2, 0), at(4, 2)})
	track.Forget(Range{at(4, 2), at(4, 3)})
	want := []string{"1/0", "1/1", "-3/18446744073709551615", "-4/2", "4/3", "-4/18446744073709551615", "-5/3", "-5/7"}
	for _, down := range []bool{false, true} {
		walk := track.NewWalk(at(1, 0), at(5, 7), down)
		if down {
			want = []string{"-5/3", "-5/7", "-4/2", "4/3", "-2/18446744073709551615", "1/0", "1/1"}
		} else {
			for range 2 {
				walk.Next()
			}
			if step, _, _ := walk.Next(); step != StepWait {
				t.Errorf("step %d, want to wait", step)
			}
			walk = track.NewWalk(at(1, 0), at(5, 7), down)
		}
		walk.Hurry()
		var got []string
		for step, o, until := walk.Next(); step != StepEnd && len(got) < 20; step, o, until = walk.Next() {
			switch step {
			case StepObject:
				got = append(got, o.Location().String())
			case StepTimedOut:
				got = append(got, "-"+until.String())
			default:
				t.Fatalf("step %d", step)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("descending %v: got %v, want %v", down, got, want)
		}
	}
	if end := at(math.MaxUint64, math.MaxUint64); after(end) != end {
		t.Error("there is something behind the end")
	}
}

// TestAbandoned: an object that nobody completes does not hold up those behind
// it, and is read when somebody completes it after all.
func TestAbandoned(t *testing.T) {
	track := NewTrack(name, Options{})
	r := track.NewReader(at(0, 0))
	defer r.Close()
	first := open(t, track, SubgroupInfo{})
	put(t, first, 0)
	if err := first.Begin(ObjectHeader{ID: 1, Size: 3}); err != nil {
		t.Fatal(err)
	}
	first.Commit(copy(first.Buffer(), "0/"))
	first.Abort(wire.ResetCancelled)
	second := open(t, track, SubgroupInfo{})
	if o := r.poll(); o == nil || o.ID != 0 {
		t.Fatalf("got %v", o)
	}
	if o := r.poll(); o != nil {
		t.Fatalf("got %v of what is incomplete", o.Location())
	}
	put(t, second, 2)
	if o := r.poll(); o == nil || o.ID != 2 {
		t.Fatalf("got %v, want what is behind", o)
	}
	put(t, open(t, track, SubgroupInfo{}), 1)
	if o := r.poll(); o == nil || string(o.Payload()) != "0/1" {
		t.Fatalf("got %v, want the rest", o)
	}
	if o := r.poll(); o != nil {
		t.Errorf("got %v again", o.Location())
	}
}

// TestForgetBehindTheEnd: what lies behind the end of a group that is kept does not
// exist, whoever was subscribed then.
func TestForgetBehindTheEnd(t *testing.T) {
	track := NewTrack(name, Options{RetainGroups: 10})
	w := open(t, track, SubgroupInfo{Group: 3, EndOfGroup: true})
	put(t, w, 0, 1)
	w.Close()
	put(t, open(t, track, SubgroupInfo{Group: 5}), 0)
	track.Forget(Range{at(3, 2), at(5, 0)})
	if got, want := track.Unknown(Range{at(0, 0), at(9, 0)}), []Range{{at(4, 0), at(5, 0)}}; !slices.Equal(got, want) {
		t.Errorf("unknown: %v, want %v", got, want)
	}
}
