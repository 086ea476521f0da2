package live

import (
	"sync/atomic"
	"testing"
)

// TestWholeObjectsAreNotPassedOver: whoever reads next to the writer never finds an object
// abandoned that the writer completes before it begins the next: it would go on behind it,
// and have the two the wrong way round (moqt-18 §2.2).
func TestWholeObjectsAreNotPassedOver(t *testing.T) {
	const last = 50_000
	track := NewTrack(name, Options{MaxBytes: 1 << 20})
	w := open(t, track, SubgroupInfo{FirstObject: true})
	var reading atomic.Pointer[Object] // what the writer is at
	passed := make(chan uint64)
	go func() { // ends when the writer is done
		count := uint64(0)
		for {
			o := reading.Load()
			switch {
			case o == nil:
				continue
			case o.ID == last:
				passed <- count
				return
			case w.subgroup.Abandoned(o):
				count++
			}
		}
	}()
	for id := range uint64(last + 1) {
		if err := w.Begin(ObjectHeader{ID: id, Size: 2}); err != nil {
			t.Fatal(err)
		}
		reading.Store(w.current)
		for range 2 {
			w.Buffer()
			w.Commit(1)
		}
	}
	if n := <-passed; n > 0 {
		t.Errorf("%d times a whole object was taken for one that nobody completes", n)
	}
}
