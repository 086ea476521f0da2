package live

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"moqedge/moq/wire"
)

var name = wire.FullTrackName{Namespace: wire.Namespace{"n"}, Name: "t"}

func at(g, o uint64) wire.Location { return wire.Location{Group: g, Object: o} }

func open(t *testing.T, track *Track, i SubgroupInfo) *SubgroupWriter {
	t.Helper()
	w, err := track.OpenSubgroup(i)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func put(t *testing.T, w *SubgroupWriter, ids ...uint64) {
	t.Helper()
	for _, id := range ids {
		if err := w.Append(WholeObject{ID: id, Payload: fmt.Appendf(nil, "%d/%d", w.subgroup.Group, id)}); err != nil {
			t.Fatal(err)
		}
	}
}

// walked is what a walk over [first, last] says now, in short form.
func walked(track *Track, first, last wire.Location, down bool) []string {
	w := track.NewWalk(first, last, down)
	var out []string
	for range 100 {
		switch step, o, until := w.Next(); step {
		case StepObject:
			out = append(out, o.Location().String())
		case StepUnknown:
			out = append(out, "?"+until.String())
		case StepWait:
			return append(out, "wait")
		case StepEnd:
			return out
		}
	}
	return append(out, "endless")
}

func TestWalk(t *testing.T) {
	track := NewTrack(name, Options{RetainGroups: 10})
	for _, g := range []uint64{5, 7} {
		even := open(t, track, SubgroupInfo{Group: g, ID: 0, EndOfGroup: true})
		odd := open(t, track, SubgroupInfo{Group: g, ID: 1})
		put(t, even, 0, 2, 4)
		put(t, odd, 1, 3)
		even.Close()
		odd.Close()
	}
	live := open(t, track, SubgroupInfo{Group: 8})
	put(t, live, 0, 1)
	five := []string{"5/0", "5/1", "5/2", "5/3", "5/4"}
	seven := []string{"7/0", "7/1", "7/2", "7/3", "7/4"}
	tests := []struct {
		name        string
		first, last wire.Location
		down        bool
		want        []string
	}{
		{"all", at(0, 0), at(8, 1), false, slices.Concat(five, seven, []string{"8/0", "8/1"})},
		{"descending", at(5, 0), at(8, 1), true, slices.Concat([]string{"8/0", "8/1"}, seven, five)},
		{"from the middle", at(5, 3), at(7, 0), false, []string{"5/3", "5/4", "7/0"}},
		{"descending from the middle", at(5, 3), at(7, 0), true, []string{"7/0", "5/3", "5/4"}},
		{"a missing group", at(6, 0), at(6, math.MaxUint64), false, nil},
		{"beyond what an open subgroup has", at(8, 0), at(8, 2), false, []string{"8/0", "8/1", "wait"}},
		{"empty", at(7, 1), at(7, 0), false, nil},
	}
	for _, x := range tests {
		if got := walked(track, x.first, x.last, x.down); !slices.Equal(got, x.want) {
			t.Errorf("%s: got %v, want %v", x.name, got, x.want)
		}
	}
	track.Forget(Range{at(0, 0), at(7, 0)})
	track.Forget(Range{at(7, 2), at(7, 3)})
	if got, want := walked(track, at(5, 4), at(8, 0), false), []string{"5/4", "?6/18446744073709551615", "7/0", "7/1", "7/2"}; slices.Equal(got, want) {
		t.Errorf("an object that is there is told as unknown: %v", got)
	}
	for _, down := range []bool{false, true} {
		if far := walked(track, at(0, 0), at(7, 0), down); len(far) > 12 {
			t.Errorf("%d steps over an unknown range, descending %v: %v", len(far), down, far)
		}
	}
	empty := NewTrack(name, Options{})
	put(t, open(t, empty, SubgroupInfo{Group: 1 << 40}), 0)
	empty.Forget(Range{at(0, 0), at(1<<40, 0)})
	if got, want := walked(empty, at(3, 5), at(1<<40, 0), true), []string{"1099511627776/0", "?3/18446744073709551615"}; !slices.Equal(got, want) {
		t.Errorf("descending over a wide unknown range: %v, want %v", got, want)
	}
	if got, want := walked(empty, at(3, 5), at(1<<40, 0), false), []string{"?1099511627775/18446744073709551615", "1099511627776/0"}; !slices.Equal(got, want) {
		t.Errorf("ascending over a wide unknown range: %v, want %v", got, want)
	}
}

func TestWalkWaitsForFill(t *testing.T) {
	track := NewTrack(name, Options{RetainGroups: 10})
	w := open(t, track, SubgroupInfo{Group: 3, Priority: 128})
	put(t, w, 5)
	r := Range{at(3, 0), at(3, 5)}
	track.ExpectFill(r)
	if got := walked(track, at(3, 0), at(3, 5), false); !slices.Equal(got, []string{"wait"}) {
		t.Fatalf("before the fill: %v", got)
	}
	f := track.NewFiller()
	for id := range uint64(3) {
		if err := f.Begin(3, 0, 128, ObjectHeader{ID: id, Size: 1}); err != nil {
			t.Fatal(err)
		}
		f.Commit(copy(f.Buffer(), "x"))
	}
	f.End()
	track.EndFill(r, true)
	if got, want := walked(track, at(3, 0), at(3, 5), false), []string{"3/0", "3/1", "3/2", "3/5"}; !slices.Equal(got, want) {
		t.Errorf("after the fill: %v, want %v", got, want)
	}
	if u := track.Unknown(Range{at(0, 0), at(4, 0)}); len(u) != 0 {
		t.Errorf("still unknown: %v", u)
	}
}

// TestFillWithUnknown: what the publisher cannot speak for stays unknown within
// the range fetched, and nothing outside becomes so.
func TestFillWithUnknown(t *testing.T) {
	track := NewTrack(name, Options{Recover: true, RetainGroups: 10})
	for _, g := range []uint64{1, 5} {
		w := open(t, track, SubgroupInfo{Group: g, FirstObject: true})
		put(t, w, 0, 1)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r := Range{at(2, 0), at(5, 0)}
	track.ExpectFill(r)
	f := track.NewFiller()
	for _, l := range []wire.Location{at(3, 0), at(4, 0)} {
		if err := f.Begin(l.Group, 0, 128, ObjectHeader{ID: l.Object, Size: 1}); err != nil {
			t.Fatal(err)
		}
		f.Commit(copy(f.Buffer(), "x"))
	}
	f.End()
	track.EndFill(r, true, Range{at(0, 0), at(3, 0)}, Range{at(3, 1), at(4, 0)})
	want := []string{"1/0", "1/1", fmt.Sprintf("?2/%d", uint64(math.MaxUint64)), "3/0", fmt.Sprintf("?3/%d", uint64(math.MaxUint64)), "4/0", "5/0", "5/1"}
	if got := walked(track, at(1, 0), at(5, 1), false); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestTakeover: a second writer finishes what the first left, and copies of
// what is there are dropped.
func TestTakeover(t *testing.T) {
	track := NewTrack(name, Options{Recover: true})
	payload := make([]byte, 3*segmentSize+17)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	w := open(t, track, SubgroupInfo{Group: 1, FirstObject: true})
	put(t, w, 0)
	if err := w.Begin(ObjectHeader{ID: 1, Size: uint64(len(payload))}); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < segmentSize+100; {
		k := copy(w.Buffer(), payload[n:segmentSize+100])
		w.Commit(k)
		n += k
	}
	w.Interrupt()
	feed := track.NewFeed(at(0, 0))
	s, _ := feed.Subgroup()
	o, state, _ := s.Next(1)
	if state != Waiting || o.Complete() || o.Available() != segmentSize+100 {
		t.Fatalf("after the interruption: state %v, %d bytes", state, o.Available())
	}
	second := open(t, track, SubgroupInfo{Group: 1, FirstObject: true})
	put(t, second, 0)
	if err := second.Append(WholeObject{ID: 1, Payload: payload}); err != nil {
		t.Fatal(err)
	}
	put(t, second, 2)
	second.Close()
	if !slices.Equal(o.Payload(), payload) {
		t.Error("the payload is not what was sent")
	}
	if _, state, _ := s.Next(3); state != Finished {
		t.Errorf("state %v, want Finished", state)
	}
	if got, want := walked(track, at(1, 0), at(1, 9), false), []string{"1/0", "1/1", "1/2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRetention(t *testing.T) {
	now := time.Unix(1000, 0)
	const one = groupCost + subgroupCost + objectCost + 16 // a group with an object of 10 bytes, which takes 16
	track := NewTrack(name, Options{RetainGroups: 2, RetainFor: 10 * time.Second, MaxBytes: 5 * one, Now: func() time.Time { return now }})
	for g := range uint64(6) {
		w := open(t, track, SubgroupInfo{Group: g})
		if err := w.Append(WholeObject{Payload: make([]byte, 10)}); err != nil {
			t.Fatal(err)
		}
		w.Close()
		now = now.Add(3 * time.Second)
	}
	if bytes, groups := track.Size(); groups != 4 || bytes != 4*one { // 2, 3, 4 and 5 are younger than 10 s at the last append
		t.Errorf("%d groups and %d bytes kept, want 4 and 4 objects of 10 bytes", groups, bytes)
	}
	if got, want := walked(track, at(0, 0), at(5, 0), false), []string{"?1/18446744073709551615", "2/0", "3/0", "4/0", "5/0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	w := open(t, track, SubgroupInfo{Group: 6})
	if err := w.Append(WholeObject{Payload: make([]byte, 4*one)}); err != nil {
		t.Fatal(err)
	}
	if bytes, groups := track.Size(); groups != 1 || bytes != uint64(one-16+allocated(4*one)) {
		t.Errorf("%d groups and %d bytes kept beyond the budget, want the newest group alone", groups, bytes)
	}
}

func TestReader(t *testing.T) {
	track := NewTrack(name, Options{})
	w := open(t, track, SubgroupInfo{Group: 1})
	put(t, w, 0, 1, 2)
	r := track.NewReader(at(1, 1))
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() {
		put(t, w, 3)
		w.Close()
		track.AppendDatagram(wire.Datagram{Group: 2, ID: 0, Payload: []byte("2/0")})
		track.Close(wire.DoneTrackEnded, "")
	}()
	var got []string
	for range 4 {
		o, err := r.Next(ctx)
		if err != nil || o.Location().String() != string(o.Payload()) {
			t.Fatalf("got %v %v", o, err)
		}
		got = append(got, o.Location().String())
	}
	got = slices.DeleteFunc(got, func(s string) bool { return s == "2/0" }) // a datagram comes when it comes
	if want := []string{"1/1", "1/2", "1/3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v and the datagram", got, want)
	}
	if _, err := r.Next(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestRanges compares the set with a plain bitmap.
func TestRanges(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var s ranges
		var bits [64]bool
		for range 20 {
			from := random.Uint64N(63)
			r := Range{at(0, from), at(0, from+random.Uint64N(64-from))}
			add := random.IntN(2) == 0
			if add {
				s = s.add(r)
			} else {
				s = s.remove(r)
			}
			for i := r.From.Object; i < r.To.Object; i++ {
				bits[i] = add
			}
			for i := range s {
				if s[i].Empty() || (i > 0 && !s[i-1].To.Less(s[i].From)) {
					t.Fatalf("not sorted and disjoint: %v", s)
				}
			}
			for i := range uint64(64) {
				if got := len(s.within(Range{at(0, i), at(0, i+1)})) > 0; got != bits[i] {
					t.Fatalf("location %d: %v in %v", i, got, s)
				}
			}
		}
	}
}
