package whip

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"moqedge/bridge"
)

// fakeHub is a publisher that keeps what it gets.
type fakeHub struct {
	mu    sync.Mutex
	names map[string]*fakeBroadcast
	all   []*fakeBroadcast
	err   error  // what publish returns, if set
	mined string // the name that panics when media comes
}

func (h *fakeHub) publish(name string, from bridge.Ingest) (publication, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return nil, h.err
	}
	if _, ok := h.names[name]; ok {
		return nil, bridge.ErrNameInUse
	}
	if h.names == nil {
		h.names = map[string]*fakeBroadcast{}
	}
	b := &fakeBroadcast{hub: h, name: name, from: from, done: make(chan struct{})}
	h.names[name] = b
	h.all = append(h.all, b)
	return b, nil
}

// fakeBroadcast records one publication. Its fields are guarded by hub.mu.
type fakeBroadcast struct {
	hub      *fakeHub
	name     string
	from     bridge.Ingest
	done     chan struct{}
	ready    bool
	closed   bool
	reason   error
	videoAs  bridge.VideoConfig
	audioAs  bridge.AudioConfig
	video    []gotVideo
	audio    []gotAudio
	writeErr error
}

type gotVideo struct {
	bridge.VideoUnit
	at time.Time
}

type gotAudio struct {
	bridge.AudioUnit
	at time.Time
}

func (b *fakeBroadcast) addVideo(c bridge.VideoConfig) (videoTrack, error) {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	if b.name == b.hub.mined {
		panic("a bomb")
	}
	b.videoAs = c
	return fakeVideo{b}, nil
}

func (b *fakeBroadcast) addAudio(c bridge.AudioConfig) (audioTrack, error) {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	b.audioAs = c
	return fakeAudio{b}, nil
}

func (b *fakeBroadcast) Ready() {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	b.ready = true
}

func (b *fakeBroadcast) Close(reason error) {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	b.closed, b.reason = true, reason
	if b.hub.names[b.name] == b {
		delete(b.hub.names, b.name)
	}
}

func (b *fakeBroadcast) Done() <-chan struct{} { return b.done }

type fakeVideo struct{ b *fakeBroadcast }

func (v fakeVideo) Write(u bridge.VideoUnit) error {
	v.b.hub.mu.Lock()
	defer v.b.hub.mu.Unlock()
	kept := u
	kept.NALUs = nil
	for _, n := range u.NALUs {
		kept.NALUs = append(kept.NALUs, bytes.Clone(n))
	}
	kept.Frame = bytes.Clone(u.Frame)
	v.b.video = append(v.b.video, gotVideo{kept, time.Now()})
	return v.b.writeErr
}

type fakeAudio struct{ b *fakeBroadcast }

func (a fakeAudio) Write(u bridge.AudioUnit) error {
	a.b.hub.mu.Lock()
	defer a.b.hub.mu.Unlock()
	u.Frame = bytes.Clone(u.Frame)
	a.b.audio = append(a.b.audio, gotAudio{u, time.Now()})
	return a.b.writeErr
}

// look runs f with everything the broadcast recorded so far.
func (b *fakeBroadcast) look(f func(b *fakeBroadcast) bool) bool {
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	return f(b)
}

// only is the one broadcast the hub ever saw.
func (h *fakeHub) only(t *testing.T) *fakeBroadcast {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.all) != 1 {
		t.Fatalf("%d publications", len(h.all))
	}
	return h.all[0]
}

// eventually waits for a condition; the bound only ends a hopeless test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// serve starts a handler on loopback, closed with the test.
func serve(t *testing.T, c Config, hub publisher) (*Handler, string) {
	t.Helper()
	c.LoopbackOnly = true
	c.Logger = slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	h, err := newHandler(c, hub)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h, server.URL + "/whip/"
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimRight(b, "\n"))
	return len(b), nil
}
