package interop

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/conformance/interop/pattern"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for.
const patience = 20 * time.Second

// node is our relay on a port of loopback.
type node struct {
	addr        string
	fingerprint [32]byte
}

func startRelay(t *testing.T) *node {
	t.Helper()
	certificate, err := certs.Development("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: certificate.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	r := relay.New(relay.Config{Logger: slog.New(slog.DiscardHandler)})
	var serving sync.WaitGroup
	serving.Go(func() { _ = r.Serve(listener) })
	t.Cleanup(func() {
		r.Close()
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
		if err := certificate.Close(); err != nil {
			t.Error(err)
		}
	})
	return &node{listener.Addr().String(), certificate.Fingerprint()}
}

// connect makes a session of ours with the relay.
func (n *node) connect(t *testing.T, draft wire.Version, h moq.Handler) *moq.Session {
	t.Helper()
	c := moq.Client{
		URL:    "moqt://" + n.addr + "/interop",
		Dial:   transport.DialConfig{Fingerprints: [][32]byte{n.fingerprint}, Versions: []string{draft.String()}},
		Config: moq.Config{Handler: h, Logger: slog.New(slog.DiscardHandler)},
	}
	s, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close(wire.SessionNoError, "")
		s.Wait()
	})
	return s
}

func name(namespace string, t pattern.Track) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{"interop", namespace}, Name: string(t)}
}

// publish serves all tracks of the pattern until the test ends.
func (n *node) publish(t *testing.T, draft wire.Version, namespace string) {
	t.Helper()
	n.offer(t, draft, namespace)()
}

// offer is publish with tracks in which nothing is until begin is called.
func (n *node) offer(t *testing.T, draft wire.Version, namespace string) (begin func()) {
	t.Helper()
	origin := moq.NewOrigin()
	tracks := make(map[pattern.Track]*live.Track)
	for _, p := range pattern.Tracks() {
		tracks[p] = live.NewTrack(name(namespace, p), live.Options{RetainGroups: 100})
		origin.AddTrack(tracks[p])
	}
	s := n.connect(t, draft, origin)
	if _, err := s.PublishNamespace(t.Context(), name(namespace, pattern.Plain).Namespace); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var writing sync.WaitGroup
	t.Cleanup(func() {
		stop()
		writing.Wait()
	})
	return func() {
		for p, track := range tracks {
			writing.Go(func() {
				if err := p.Publish(ctx, track, 100*time.Millisecond); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// receive subscribes and checks whole groups.
func (n *node) receive(t *testing.T, draft wire.Version, namespace string, p pattern.Track, a pattern.Allow) {
	t.Helper()
	s := n.connect(t, draft, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sub, err := s.Subscribe(ctx, name(namespace, p), moq.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	if _, err := p.Receive(ctx, r, 3, a); err != nil {
		t.Error(err)
	}
}
