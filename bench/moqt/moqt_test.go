package moqt

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/tally"
	"moqedge/certs"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a relay and returns its address and how it is known.
func serve(t *testing.T) (addr string, dial transport.DialConfig) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	source, err := certs.Development("", nil, log)
	if err != nil {
		t.Fatal(err)
	}
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	r := relay.New(relay.Config{Logger: log})
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		r.Close()
		<-served
		source.Close()
	})
	return l.Addr().String(), transport.DialConfig{Fingerprints: [][32]byte{source.Fingerprint()}}
}

func source(t *testing.T, profile string, o media.Options) media.Source {
	t.Helper()
	s, err := media.Profile(profile, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestView sends what is made up through a relay and expects all of it at viewers
// that come while it is sent, over both transports, in old and new drafts, and over
// a line that loses packets.
func TestView(t *testing.T) {
	for _, c := range []struct {
		name, scheme, draft string
		profile             string
		options             media.Options
		line                string
	}{
		{"QUIC", "moqt://", "", "360p", media.Options{}, "clean"},
		{"WebTransport", "https://", "", "360p", media.Options{Datagrams: true}, "clean"},
		{"draft 16", "moqt://", "moqt-16", "360p", media.Options{}, "clean"},
		{"draft 22", "https://", "moqt-22", "360p", media.Options{}, "clean"},
		{"loss", "moqt://", "", "360p", media.Options{}, "20ms-2%"},
		{"meeting", "moqt://", "", "meeting", media.Options{Clients: 3}, "clean"},
		{"chat", "moqt://", "", "chat", media.Options{Clients: 10}, "clean"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, dial := serve(t)
			if c.draft != "" {
				dial.Versions = []string{c.draft}
			}
			s := Server{
				URL: c.scheme + addr + "/", Dial: dial, Namespace: wire.Namespace{"bench"},
				Source: source(t, c.profile, c.options), Start: time.Now().Add(300 * time.Millisecond), Log: slog.New(slog.DiscardHandler),
			}
			ctx, cancel := context.WithCancel(t.Context())
			p, err := Publish(ctx, s)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			line, err := link.Parse(c.line, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			board := tally.New(tally.Options{Source: s.Source, Start: s.Start})
			ended := make(chan error, 4)
			go func() { ended <- p.Run(ctx) }()
			eventually(t, "the publisher writes", func() bool { return p.Lateness().Count > 1 })
			numbers := NewNumbers(s.Source)
			const viewers = 3
			for k := range viewers {
				wanted := media.Wanted(s.Source.Tracks(), k, viewers)
				v := board.Viewer(wanted...)
				w := Watch{Tracks: wanted, Numbers: numbers, Link: line.Emulate(uint64(k), s.Start)}
				go func() { ended <- View(ctx, s, w, v) }()
			}
			eventually(t, "all have joined", func() bool {
				m := board.Window(s.Start, time.Now())
				return m.Viewers == viewers && m.Absent == 0 && m.Startup.Count == viewers
			})
			from := time.Now()
			var m tally.Metrics
			eventually(t, "all frames of a second are there", func() bool {
				m = board.Window(from, from.Add(time.Second))
				late := time.Since(from) > 6*time.Second // the relay gave up what the viewers had no time for
				if late {
					from = time.Now()
				}
				return !late && time.Since(from) > time.Second && m.Complete == m.Frames
			})
			cancel()
			for range viewers + 1 {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
			if m.Frames < viewers || m.Broken != 0 || m.Strays != 0 || m.Gone != 0 {
				t.Errorf("%d frames, %d broken, %d strays, %d viewers gone", m.Frames, m.Broken, m.Strays, m.Gone)
			}
		})
	}
}

// eventually waits for a condition, longer than a busy machine needs.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// A publisher that is gone ends its viewers with an error that says so.
func TestPublisherGone(t *testing.T) {
	addr, dial := serve(t)
	s := Server{URL: "moqt://" + addr, Dial: dial, Namespace: wire.Namespace{"bench"}, Source: source(t, "audio", media.Options{}), Start: time.Now(), Log: slog.New(slog.DiscardHandler)}
	p, err := Publish(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	v := tally.New(tally.Options{Source: s.Source, Start: s.Start}).Viewer()
	ended := make(chan error, 1)
	go func() { ended <- View(t.Context(), s, Watch{Tracks: []int{0}, Numbers: NewNumbers(s.Source)}, v) }()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if err := <-ended; err == nil {
		t.Error("the viewer ended without an error")
	}
}

func TestNumbers(t *testing.T) {
	s := source(t, "360p", media.Options{})
	x := NewNumbers(s)
	for _, group := range []uint64{3, 0, 7} {
		n, ok := x.Frame(0, group, 2)
		if f := s.Slot(0, n); !ok || f.Group != group || f.Key || s.Slot(0, n-2).Group != group || !s.Slot(0, n-2).Key {
			t.Errorf("object 2 of group %d is frame %d, of group %d", group, n, f.Group)
		}
	}
	if _, ok := x.Frame(0, 1<<40, 0); ok {
		t.Error("a group that is far away has a number")
	}
	if _, ok := x.Frame(99, 0, 0); ok {
		t.Error("a track that is not there has frames")
	}
}
