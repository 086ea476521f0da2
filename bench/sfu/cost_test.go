package sfu_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"moqedge/bench/media"
	"moqedge/bench/process"
	"moqedge/bench/rtc"
	"moqedge/bench/sfu"
	"moqedge/bench/tally"
)

// server is a unit in a process of its own.
type server struct {
	name  string
	child *process.Child
	url   string
	costs []float64 // CPU seconds for each gigabyte delivered, by round
}

func startServer(t *testing.T, name, role string, c sfu.Config) *server {
	t.Helper()
	child, err := process.Start(role)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := child.Stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	var started sfu.Started
	if err := child.Call(t.Context(), sfu.CommandStart, c, &started); err != nil {
		t.Fatal(err)
	}
	return &server{name: name, child: child, url: started.URL}
}

// round has a publisher send to viewers and adds what the server used to its costs. It
// reports false if they did not get it all: then the machine is too busy for so many,
// and what it cost says nothing.
func (s *server) round(t *testing.T, viewers int, window time.Duration) bool {
	t.Helper()
	source, err := media.Profile("3mbps", media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	board := tally.New(tally.Options{Source: source, Start: start})
	p, err := rtc.Publish(t.Context(), rtc.Options{URL: s.url + "/whip/live", Source: source, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("%s: publisher: %v", s.name, err)
		}
	})
	for range viewers {
		v := board.Viewer()
		running.Go(func() {
			if err := rtc.View(ctx, rtc.Options{URL: s.url + "/whep/live", Source: source, Start: start}, v); err != nil {
				t.Errorf("%s: viewer: %v", s.name, err)
			}
		})
	}
	began := false
	for deadline := time.Now().Add(10 * time.Second); !began && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		started, _ := board.Started()
		began = started == viewers
	}
	before, err := s.child.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now()
	time.Sleep(window)
	to := time.Now()
	after, err := s.child.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := board.Window(from, to)
	for ; m.Complete < m.Frames && time.Since(to) < time.Second; time.Sleep(10 * time.Millisecond) { // the last frames are on their way
		m = board.Window(from, to)
	}
	cancel()
	running.Wait()
	if !began || m.Complete*100 < m.Frames*99 {
		t.Logf("%-10s only %d of %d frames", s.name, m.Complete, m.Frames)
		return false
	}
	s.costs = append(s.costs, (after.CPU()-before.CPU()).Seconds()/(float64(m.Bytes)/1e9))
	t.Logf("%-10s %.2f CPU s/GB, p99 %v, resident %d MB, %d goroutines", s.name, s.costs[len(s.costs)-1],
		m.Latency["video"].P99, after.Resident>>20, after.Goroutines)
	return true
}

func (s *server) median() float64 {
	sorted := slices.Sorted(slices.Values(s.costs))
	return sorted[len(sorted)/2]
}

// The unit that is compared with MOQT, which hands packets to the kernel one by one,
// costs no more than the program in pion's documentation, in the same run, by turns,
// though it sends transport-wide numbers to viewers and gets their feedback, which the
// example does not. What the parts make is told beside it. A busy machine gets fewer
// viewers and more rounds.
func TestAsCheapAsExample(t *testing.T) {
	unit := startServer(t, "unit", "sfu", sfu.Config{Batch: sfu.BatchNone})
	example := startServer(t, "example", "example", sfu.Config{})
	noTWCC := startServer(t, "no TWCC", "sfu", sfu.Config{Batch: sfu.BatchNone, NoTWCC: true})
	segments := startServer(t, "segments", "sfu", sfu.Config{Batch: sfu.BatchSegments})
	all := []*server{unit, example, noTWCC, segments}
	viewers := 20
	for attempt := 1; !inTurn(t, all, viewers, 3); attempt++ {
		if attempt == 10 {
			t.Fatal("the machine is too busy to say anything")
		}
		viewers = max(viewers/2, 5)
		for _, s := range all {
			s.costs = nil
		}
	}
	t.Logf("of the CPU of the example the unit takes %.2f, without TWCC %.2f, with segmentation %.2f",
		unit.median()/example.median(), noTWCC.median()/example.median(), segments.median()/example.median())
	for more := 0; unit.median() > example.median(); more++ {
		if more == 4 {
			t.Fatalf("the unit takes %.2f CPU s/GB, pion's example %.2f", unit.median(), example.median())
		}
		inTurn(t, all[:2], viewers, 1)
	}
}

// inTurn gives each server some rounds, until one of them fails.
func inTurn(t *testing.T, all []*server, viewers, rounds int) bool {
	t.Helper()
	for range rounds {
		for _, s := range all {
			if !s.round(t, viewers, time.Second) {
				return false
			}
		}
	}
	return true
}
