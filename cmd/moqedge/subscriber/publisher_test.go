package subscriber

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/msf"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// publisher offers tracks in memory.
type publisher struct {
	t      *testing.T
	origin *moq.Origin
	log    lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newPublisher(t *testing.T) *publisher { return &publisher{t: t, origin: moq.NewOrigin()} }

// session returns a subscriber's session with the publisher.
func (p *publisher) session() (client, server *moq.Session) {
	p.t.Helper()
	a, b := transport.MemoryPair("moqt-18")
	accepted := make(chan *moq.Session, 1)
	go func() {
		s, err := moq.NewSession(context.Background(), b, moq.Config{Handler: p.origin})
		if err != nil {
			p.t.Error(err)
		}
		accepted <- s
	}()
	client, err := moq.NewSession(p.t.Context(), a, moq.Config{})
	if err != nil {
		p.t.Fatal(err)
	}
	server = <-accepted
	p.t.Cleanup(func() {
		client.Close(wire.SessionNoError, "")
		client.Wait()
		server.Wait()
	})
	return client, server
}

func (p *publisher) options() Options {
	return Options{Retry: time.Millisecond, Logger: slog.New(slog.NewTextHandler(&p.log, nil))}
}

func fullName(namespace, track string) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{namespace}, Name: track}
}

// track offers a track with one group of the given payloads.
func (p *publisher) track(namespace, name string, payloads ...string) *live.Track {
	p.t.Helper()
	t := live.NewTrack(fullName(namespace, name), live.Options{})
	p.group(t, 0, payloads...)
	p.origin.AddTrack(t)
	return t
}

func (p *publisher) group(t *live.Track, group uint64, payloads ...string) {
	p.t.Helper()
	w, err := t.OpenSubgroup(live.SubgroupInfo{Group: group, FirstObject: true, HasProperties: true})
	if err != nil {
		p.t.Fatal(err)
	}
	for i, payload := range payloads {
		if err := w.Append(live.WholeObject{ID: uint64(i), Payload: []byte(payload)}); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		p.t.Fatal(err)
	}
}

func catalog(t *testing.T, tracks ...string) string {
	t.Helper()
	var c msf.Catalog
	for _, name := range tracks {
		c.Tracks = append(c.Tracks, msf.Track{Name: name, Packaging: msf.PackagingLOC, IsLive: true})
	}
	b, err := msf.Append(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var errStop = errors.New("stop")

// gather returns a sink that ends after the wanted objects, and what it got.
func gather(count int) (Sink, *[]string) {
	var got []string
	return func(track wire.FullTrackName, o *live.Object) error {
		got = append(got, fmt.Sprintf("%s/%d/%d=%s", track.Name, o.Group, o.ID, o.Payload()))
		if len(got) == count {
			return errStop
		}
		return nil
	}, &got
}

// follow uses one session.
func follow(ctx context.Context, s *moq.Session, t Target, o Options, sink Sink) error {
	f := NewFollower(t, o, sink)
	defer f.Close()
	return f.Use(ctx, s, nil)
}
