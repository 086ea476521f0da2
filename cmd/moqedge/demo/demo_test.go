package demo

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/relay/admin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const anyPort = "127.0.0.1:0"

func free() Config {
	return Config{HTTP: anyPort, Edge: anyPort, Origin: anyPort, SRT: anyPort, Name: "demo"}
}

// The clip is taken by the bridge, announced at the origin and known at the edge.
func TestStart(t *testing.T) {
	var log bytes.Buffer
	d, err := Start(free(), slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	m := d.Meter()
	var s Status
	for deadline := time.Now().Add(20 * time.Second); s.Edge.Namespaces < 2 || len(s.Live) == 0; time.Sleep(time.Millisecond) {
		if s = m.Read(time.Now()); time.Now().After(deadline) {
			t.Fatalf("it does not come up: %+v", s)
		}
	}
	if s.Live[0] != "demo" || s.Sessions < 2 || !s.Edge.Connected {
		t.Errorf("%+v", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Wait(ctx); err != nil {
		t.Error(err)
	}
	d.Close()
	if log.Len() > 0 {
		t.Errorf("warnings: %s", log.String())
	}
}

func TestBadClipName(t *testing.T) {
	c := free()
	c.Name = "a b"
	d, err := Start(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "the test clip can not be played") {
		t.Error(err)
	}
}

func TestAddresses(t *testing.T) {
	c := free()
	c.Name = ""
	d, err := Start(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	a := d.Addresses()
	for text, start := range map[string]string{
		a.Player: "http://localhost:", a.SRT: "srt://127.0.0.1:", a.WHIP: "http://localhost:", a.Edge: "https://127.0.0.1:", a.EdgeQUIC: "moqt://127.0.0.1:",
		a.FFmpeg: "ffmpeg -re ",
	} {
		if !strings.HasPrefix(text, start) {
			t.Errorf("%q, want %s...", text, start)
		}
	}
	if !strings.HasSuffix(a.Player, "/watch/cam1") { // there is no clip to watch
		t.Error(a.Player)
	}
	if page("[::1]:80") != "[::1]:80" || page("0.0.0.0:80") != "localhost:80" {
		t.Error("pages on other addresses")
	}
}

func TestStatusLine(t *testing.T) {
	s := Status{UptimeSeconds: 65, Sessions: 3, Tracks: 5, MbpsIn: 1.234, MbpsOut: 2, Live: []string{"demo", "cam1"}}
	if got, want := s.String(), "up 1:05 | sessions 3 | tracks 5 | in 1.23 Mbps | out 2.00 Mbps | live: demo, cam1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := (Status{Origin: admin.Stats{}}).String(); !strings.HasSuffix(got, "live: nothing") {
		t.Error(got)
	}
}
