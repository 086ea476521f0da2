package whip

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

// step is one push at a time, and what pops until nothing is ready.
type step struct {
	at   int // milliseconds
	push []uint16
	want []uint16
	lost int // total over the pops of this step
}

func TestReorder(t *testing.T) {
	for name, steps := range map[string][]step{
		"in order": {
			{at: 0, push: []uint16{1, 2, 3}, want: []uint16{1, 2, 3}},
		},
		"swapped": {
			{at: 0, push: []uint16{1, 3}, want: []uint16{1}},
			{at: 5, push: []uint16{2}, want: []uint16{2, 3}},
		},
		"wraps": {
			{at: 0, push: []uint16{65534, 65535, 1}, want: []uint16{65534, 65535}},
			{at: 1, push: []uint16{0, 2}, want: []uint16{0, 1, 2}},
		},
		"lost after the wait, not before": {
			{at: 0, push: []uint16{10}, want: []uint16{10}},
			{at: 10, push: []uint16{12}},
			{at: 109},
			{at: 110, want: []uint16{12}, lost: 1},
		},
		"repaired in time": {
			{at: 0, push: []uint16{10, 12, 13}, want: []uint16{10}},
			{at: 99, push: []uint16{11}, want: []uint16{11, 12, 13}},
		},
		"two holes do not add their waits up": {
			{at: 0, push: []uint16{1, 3, 5}, want: []uint16{1}},
			{at: 100, want: []uint16{3, 5}, lost: 2},
		},
		"a later hole waits from its own packets": {
			{at: 0, push: []uint16{1, 3}, want: []uint16{1}},
			{at: 50, push: []uint16{5}},
			{at: 100, want: []uint16{3}, lost: 1},
			{at: 149},
			{at: 150, want: []uint16{5}, lost: 1},
		},
		"duplicates and late packets": {
			{at: 0, push: []uint16{1, 1, 2}, want: []uint16{1, 2}},
			{at: 1, push: []uint16{1, 2, 3, 3}, want: []uint16{3}},
		},
		"duplicate while held": {
			{at: 0, push: []uint16{1, 3, 3}, want: []uint16{1}},
			{at: 1, push: []uint16{2}, want: []uint16{2, 3}},
		},
		"jump ahead of what can be held": {
			{at: 0, push: []uint16{1, 3}, want: []uint16{1}},
			{at: 1, push: []uint16{9000}, want: []uint16{9000}, lost: 2},
		},
		"sender starts over": {
			{at: 0, push: []uint16{20000}, want: []uint16{20000}},
			{at: 1, push: []uint16{7}},
			{at: 2, push: []uint16{8}},
			{at: 3, push: []uint16{9}, want: []uint16{9}, lost: 1},
			{at: 4, push: []uint16{10}, want: []uint16{10}},
		},
		"old packets are not a restart": {
			{at: 0, push: []uint16{3000}, want: []uint16{3000}},
			{at: 1, push: []uint16{2900, 2901, 2902, 2903}},
			{at: 2, push: []uint16{3001}, want: []uint16{3001}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReorder(100 * time.Millisecond)
			for i, s := range steps {
				at := time.UnixMilli(int64(s.at))
				lost := 0
				var got []uint16
				drain := func() {
					for {
						p, n, ok := r.pop(at)
						if !ok {
							return
						}
						lost += n
						got = append(got, p.SequenceNumber)
					}
				}
				for _, seq := range s.push {
					r.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: seq}}, at)
				}
				drain()
				if !equal(got, s.want) || lost != s.lost {
					t.Fatalf("step %d: got %v lost %d, want %v lost %d", i, got, lost, s.want, s.lost)
				}
			}
		})
	}
}

func TestReorderDeadline(t *testing.T) {
	r := newReorder(100 * time.Millisecond)
	at := time.UnixMilli(1000)
	push := func(seq uint16, ms int) {
		r.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: seq}}, at.Add(time.Duration(ms)*time.Millisecond))
	}
	if _, ok := r.deadline(); ok {
		t.Fatal("an empty buffer has a deadline")
	}
	push(1, 0)
	r.pop(at)
	push(3, 10)
	push(4, 20)
	if d, ok := r.deadline(); !ok || !d.Equal(at.Add(110*time.Millisecond)) {
		t.Fatalf("deadline %v %v", d, ok)
	}
	push(2, 30)
	for range 3 {
		r.pop(at)
	}
	if _, ok := r.deadline(); ok {
		t.Fatal("a deadline although nothing is held")
	}
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// FuzzReorder checks that packets come out at most once, in order, and that the
// buffer always empties after the wait.
func FuzzReorder(f *testing.F) {
	f.Add([]byte{0, 1, 0, 3, 0, 2})
	f.Add([]byte{255, 255, 0, 0, 128, 0, 128, 1, 128, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newReorder(50 * time.Millisecond)
		now := time.UnixMilli(0)
		seen := map[*rtp.Packet]bool{}
		pop := func() {
			for {
				p, lost, ok := r.pop(now)
				if !ok {
					return
				}
				if lost < 0 || p == nil || seen[p] {
					t.Fatalf("lost %d, packet %v, seen %v", lost, p, seen[p])
				}
				seen[p] = true
			}
		}
		for ; len(b) >= 2; b = b[2:] {
			r.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(b[0])<<8 | uint16(b[1])}}, now)
			now = now.Add(time.Duration(b[1]%8) * time.Millisecond)
			pop()
		}
		now = now.Add(50 * time.Millisecond)
		pop()
		if _, ok := r.deadline(); ok || r.held != 0 {
			t.Fatalf("%d packets are held for ever", r.held)
		}
	})
}
