package rtc

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/sfu"
	"moqedge/bench/tally"
)

// rig is a forwarding unit with a publisher and viewers on loopback sockets.
type rig struct {
	t      *testing.T
	unit   *sfu.Server
	url    string
	source media.Source
	start  time.Time
	board  *tally.Board
}

func newRig(t *testing.T, c sfu.Config, source media.Source) *rig {
	t.Helper()
	unit, err := sfu.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(unit)
	t.Cleanup(func() {
		server.Close()
		if err := unit.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	r := &rig{t: t, unit: unit, url: server.URL, source: source, start: time.Now()}
	r.board = tally.New(tally.Options{Source: source, Start: r.start})
	return r
}

func profileOf(t *testing.T, name string, o media.Options) media.Source {
	t.Helper()
	s, err := media.Profile(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// publish starts a publisher; stop ends it, and reports what it failed of.
func (r *rig) publish() (p *Publisher, stop func()) {
	r.t.Helper()
	p, cancel, done := r.run()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("publisher: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return p, stop
}

// run starts a publisher; done has its end.
func (r *rig) run() (p *Publisher, cancel func(), done <-chan error) {
	r.t.Helper()
	p, err := Publish(r.t.Context(), Options{URL: r.url + "/whip/live", Source: r.source, Start: r.start})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return p, cancel, ended
}

// view starts a viewer; stop ends it. A nil link is none.
func (r *rig) view(o Options, l *link.Link) (stop func()) {
	r.t.Helper()
	o.URL, o.Source, o.Start = r.url+"/whep/live", r.source, r.start
	if l != nil {
		o.Link = l.Emulate(1, r.start)
	}
	v := r.board.Viewer(o.Tracks...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- View(ctx, o, v) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("viewer: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// eventually waits for a condition; the bound only ends a hopeless test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// began waits until all viewers have their first key frame.
func (r *rig) began(viewers int) {
	r.t.Helper()
	eventually(r.t, "first key frames", func() bool {
		started, _ := r.board.Started()
		return started == viewers
	})
}

// had counts the frames of a kind that were complete from a time on.
func (r *rig) had(from time.Time, kind string) uint64 {
	now := time.Now()
	if !now.After(from) {
		return 0
	}
	return r.board.Window(from, now).Kinds[kind].Complete
}
