package tally

import (
	"testing"
	"time"

	"moqedge/bench/media"
)

// BenchmarkComplete is what a frame of 12,500 bytes costs a viewer: of one alone,
// whose frame nobody had before, of 100, and of 1000.
func BenchmarkComplete(b *testing.B) {
	for _, c := range []struct {
		name    string
		viewers int
	}{{"viewers=1", 1}, {"viewers=100", 100}, {"viewers=1000", 1000}} {
		b.Run(c.name, func(b *testing.B) {
			board := New(Options{Source: profile(b, "3mbps"), Start: time.Now()})
			viewers := make([]*Viewer, c.viewers)
			for i := range viewers {
				viewers[i] = board.Viewer()
				viewers[i].Connecting(board.start)
				viewers[i].Joined(0, 0)
			}
			later := board.start.Add(1000 * time.Hour)
			var f media.Frame
			b.SetBytes(12_500)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%c.viewers == 0 {
					b.StopTimer()
					f = board.source.Frame(0, uint64(i/c.viewers))
					b.StartTimer()
				}
				viewers[i%c.viewers].Complete(0, f, later)
			}
		})
	}
}

// BenchmarkCompleteParallel is the same with all processors, each with a viewer of
// its own and the same frames.
func BenchmarkCompleteParallel(b *testing.B) {
	board := New(Options{Source: profile(b, "3mbps"), Start: time.Now()})
	frames := make([]media.Frame, 256)
	for n := range frames {
		frames[n] = board.source.Frame(0, uint64(n))
	}
	later := board.start.Add(time.Hour)
	b.SetBytes(12_500)
	b.RunParallel(func(p *testing.PB) {
		v := board.Viewer()
		for i := 0; p.Next(); i++ {
			v.Complete(0, frames[i%len(frames)], later)
		}
	})
}

// BenchmarkWindow is a look at 10 s of 1000 viewers with pictures and sound.
func BenchmarkWindow(b *testing.B) {
	board := New(Options{Source: profile(b, "360p"), Start: time.Now()})
	for range 1000 {
		v := board.Viewer()
		v.Connecting(board.start)
		for track := range 2 {
			v.Joined(track, 0)
			n := v.notes[track]
			for i := range uint64(600) {
				*n.place(i) = board.source.Slot(track, i).Due + time.Duration(i%100)*ms
			}
		}
	}
	for b.Loop() {
		board.Window(board.start, board.start.Add(10*time.Second))
	}
}
