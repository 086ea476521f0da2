package media

import (
	"sync"
	"sync/atomic"
	"testing"
)

// counting counts how often a frame is made.
type counting struct {
	Source
	made atomic.Int64
}

func (c *counting) Frame(track int, n uint64) Frame {
	c.made.Add(1)
	return c.Source.Frame(track, n)
}

// TestChecker: what was sent is right for any number of viewers at once, anything
// else is not, and each frame is made once.
func TestChecker(t *testing.T) {
	source := &counting{Source: mustProfile(t, "360p", Options{Seed: 4})}
	c := NewChecker(source)
	const frames, viewers = 600, 8
	c.Check(0, frames, nil) // the last comes first
	var all sync.WaitGroup
	for v := range viewers {
		all.Go(func() {
			for i := range uint64(frames) {
				n := (i*7 + uint64(v)*91) % frames
				for track := range 2 {
					payload := source.Source.Frame(track, n).Payload
					if !c.Check(track, n, payload) {
						t.Errorf("track %d frame %d is not what was sent", track, n)
					}
					payload[int(i)%len(payload)] ^= 1
					if c.Check(track, n, payload) || c.Check(track, n, payload[1:]) || c.Check(track, n+1, payload) || c.Check(1-track, n, payload) {
						t.Errorf("something else passes for frame %d of track %d", n, track)
					}
				}
			}
		})
	}
	all.Wait()
	if made := source.made.Load(); made != 2*(frames+1) { // with the one after the last
		t.Errorf("%d frames were made", made)
	}
	if c.Check(0, 5, nil) {
		t.Error("nothing passes for frame 5")
	}
}

// BenchmarkFrame is what making a frame costs.
func BenchmarkFrame(b *testing.B) {
	for _, name := range []string{"audio", "3mbps", "1080p"} {
		b.Run(name, func(b *testing.B) {
			s := mustProfile(b, name, Options{})
			b.ReportAllocs()
			for n := uint64(0); b.Loop(); n++ {
				b.SetBytes(int64(s.Frame(0, n).Size))
			}
		})
	}
}

// BenchmarkCheck is what comparing a frame of 12,500 bytes costs, once it is known.
func BenchmarkCheck(b *testing.B) {
	s := mustProfile(b, "3mbps", Options{})
	c := NewChecker(s)
	payload := s.Frame(0, 1).Payload
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if !c.Check(0, 1, payload) {
			b.Fatal("not what was sent")
		}
	}
}

// BenchmarkSlot is what a place in the schedule costs.
func BenchmarkSlot(b *testing.B) {
	s := mustProfile(b, "chat", Options{})
	for n := uint64(0); b.Loop(); n++ {
		s.Slot(7, n)
	}
}
