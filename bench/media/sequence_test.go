package media

import (
	"testing"
	"time"
)

func TestSequence(t *testing.T) {
	source, err := Profile("360p", Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]int, len(source.Tracks()))
	for i := range all {
		all[i] = i
	}
	q := NewSequence(source, all)
	next := make([]uint64, len(all))
	for last := time.Duration(0); last < 10*time.Second; {
		track, f, ok := q.Next()
		if !ok || f.Due < last || f.N != next[track] || len(f.Payload) != f.Size {
			t.Fatalf("after %s: frame %d of track %d, due %s", last, f.N, track, f.Due)
		}
		next[track]++
		last = f.Due
	}
	if next[0] < 299 || next[1] < 499 {
		t.Errorf("%d frames", next)
	}
	if _, _, ok := NewSequence(source, nil).Next(); ok {
		t.Error("a frame of no track")
	}
}
