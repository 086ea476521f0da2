package moq_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// ledger is a connection that knows which halves of its streams this side has
// not ended: written to their FIN or reset, read to their end or stopped. QUIC
// keeps the others for as long as the connection lasts.
type ledger struct {
	transport.Conn
	mu    sync.Mutex
	count int
	open  map[string]struct{}
}

func newLedger(c transport.Conn) *ledger { return &ledger{Conn: c, open: map[string]struct{}{}} }

func (l *ledger) begin(kind string) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	name := fmt.Sprintf("%s of stream %d", kind, l.count)
	l.open[name] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.open, name)
	}
}

func (l *ledger) left() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name := range l.open {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type sendLedger struct {
	transport.SendStream
	ended func()
}

func (s sendLedger) Close() error {
	s.ended()
	return s.SendStream.Close()
}

func (s sendLedger) Reset(code uint64) {
	s.ended()
	s.SendStream.Reset(code)
}

type receiveLedger struct {
	transport.ReceiveStream
	ended func()
}

// Read hands the end of a stream out by itself, as QUIC does when the FIN comes
// in a packet of its own.
func (s receiveLedger) Read(p []byte) (int, error) {
	n, err := s.ReceiveStream.Read(p)
	if n > 0 && err == io.EOF {
		return n, nil
	}
	if _, reset := err.(*transport.StreamError); reset || err == io.EOF {
		s.ended()
	}
	return n, err
}

func (s receiveLedger) Stop(code uint64) {
	s.ended()
	s.ReceiveStream.Stop(code)
}

type streamLedger struct {
	sendLedger
	receiveLedger
}

func (l *ledger) both(s transport.Stream, err error) (transport.Stream, error) {
	if err != nil {
		return nil, err
	}
	return streamLedger{sendLedger{s, l.begin("sending half")}, receiveLedger{s, l.begin("receiving half")}}, nil
}

func (l *ledger) OpenStream(ctx context.Context) (transport.Stream, error) {
	return l.both(l.Conn.OpenStream(ctx))
}

func (l *ledger) AcceptStream(ctx context.Context) (transport.Stream, error) {
	return l.both(l.Conn.AcceptStream(ctx))
}

func (l *ledger) sent(s transport.SendStream, err error) (transport.SendStream, error) {
	if err != nil {
		return nil, err
	}
	return sendLedger{s, l.begin("sending half")}, nil
}

func (l *ledger) OpenUniStream(ctx context.Context) (transport.SendStream, error) {
	return l.sent(l.Conn.OpenUniStream(ctx))
}

func (l *ledger) TryOpenUniStream() (transport.SendStream, error) {
	return l.sent(l.Conn.TryOpenUniStream())
}

func (l *ledger) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := l.Conn.AcceptUniStream(ctx)
	if err != nil {
		return nil, err
	}
	return receiveLedger{s, l.begin("receiving half")}, nil
}

// TestStreamsEnd: whatever becomes of a request, both sides end both halves of
// all its streams.
func TestStreamsEnd(t *testing.T) {
	other := wire.FullTrackName{Namespace: clock.Namespace, Name: "other"}
	missing := wire.FullTrackName{Namespace: clock.Namespace, Name: "missing"}
	type scene struct {
		client, server *moq.Session
		track          *live.Track
		origin         *moq.Origin
		h              *takesAll
	}
	for _, x := range []struct {
		name string
		do   func(t *testing.T, s scene)
	}{
		{"subscription closed by the subscriber", func(t *testing.T, s scene) {
			sub := must(s.client.Subscribe(t.Context(), clock, moq.SubscribeOptions{}))
			group(t, s.track, 1, 1)
			synctest.Wait()
			sub.Close()
		}},
		{"subscription whose track ends", func(t *testing.T, s scene) {
			sub := must(s.client.Subscribe(t.Context(), clock, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(1))}))
			group(t, s.track, 1, 1)
			s.track.Close(wire.DoneTrackEnded, "")
			<-sub.Done()
		}},
		{"subscription refused", func(t *testing.T, s scene) {
			if _, err := s.client.Subscribe(t.Context(), missing, moq.SubscribeOptions{}); !refused(err, wire.RequestDoesNotExist) {
				t.Error(err)
			}
		}},
		{"subscription that is not awaited", func(t *testing.T, s scene) {
			s.h.slow = true
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := s.client.Subscribe(ctx, clock, moq.SubscribeOptions{}); err == nil {
				t.Error("answered")
			}
		}},
		{"fetch", func(t *testing.T, s scene) {
			group(t, s.track, 1, 2)
			into := live.NewTrack(clock, live.Options{})
			if err := s.client.Fetch(moq.FetchOptions{Into: into, Last: wire.Location{Group: 1}}).Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}},
		{"fetch of nothing", func(t *testing.T, s scene) {
			into := live.NewTrack(clock, live.Options{})
			if err := s.client.Fetch(moq.FetchOptions{Into: into}).Wait(t.Context()); !refused(err, wire.RequestInvalidRange) {
				t.Error(err)
			}
		}},
		{"fetch given up", func(t *testing.T, s scene) {
			w, err := s.track.OpenSubgroup(live.SubgroupInfo{Group: 1, Priority: 128, FirstObject: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Begin(live.ObjectHeader{Size: 10}); err != nil {
				t.Fatal(err)
			}
			f := s.client.Fetch(moq.FetchOptions{Into: live.NewTrack(clock, live.Options{}), Last: wire.Location{Group: 1}})
			time.Sleep(time.Second)
			f.Close()
			time.Sleep(time.Second)
			w.Abort(wire.ResetCancelled)
		}},
		{"track status", func(t *testing.T, s scene) { must(s.client.TrackStatus(t.Context(), clock)) }},
		{"track status of nothing", func(t *testing.T, s scene) {
			if _, err := s.client.TrackStatus(t.Context(), missing); !refused(err, wire.RequestDoesNotExist) {
				t.Error(err)
			}
		}},
		{"publication closed by the publisher", func(t *testing.T, s scene) {
			p := must(s.client.Publish(t.Context(), live.NewTrack(other, live.Options{}), moq.PublishOptions{}))
			p.Close(wire.DoneTrackEnded, "")
			<-p.Done()
		}},
		{"publication closed by the subscriber", func(t *testing.T, s scene) {
			track := live.NewTrack(other, live.Options{})
			p := must(s.client.Publish(t.Context(), track, moq.PublishOptions{}))
			group(t, track, 1, 1)
			synctest.Wait()
			(<-s.h.taken).Close()
			<-p.Done()
		}},
		{"publication refused", func(t *testing.T, s scene) {
			if _, err := s.client.Publish(t.Context(), live.NewTrack(missing, live.Options{}), moq.PublishOptions{}); !refused(err, wire.RequestUninterested) {
				t.Error(err)
			}
		}},
		{"namespace withdrawn", func(t *testing.T, s scene) {
			p := must(s.client.PublishNamespace(t.Context(), wire.Namespace{"a"}))
			p.Close()
			<-p.Done()
		}},
		{"namespace revoked", func(t *testing.T, s scene) {
			p := must(s.client.PublishNamespace(t.Context(), wire.Namespace{"revoked"}))
			<-p.Done()
		}},
		{"namespaces subscribed to", func(t *testing.T, s scene) {
			s.origin.AddNamespace(wire.Namespace{"a", "b"})
			n := must(s.client.SubscribeNamespace(t.Context(), wire.Namespace{"a"}, moq.NewNamespaceQueue(nil)))
			synctest.Wait()
			n.Close()
			<-n.Done()
		}},
		{"overlapping namespaces", func(t *testing.T, s scene) {
			n := must(s.client.SubscribeNamespace(t.Context(), wire.Namespace{"a"}, moq.NewNamespaceQueue(nil)))
			if _, err := s.client.SubscribeNamespace(t.Context(), wire.Namespace{"a", "b"}, moq.NewNamespaceQueue(nil)); !refused(err, wire.RequestPrefixOverlap) {
				t.Error(err)
			}
			n.Close()
			<-n.Done()
		}},
		{"tracks subscribed to", func(t *testing.T, s scene) {
			n := must(s.client.SubscribeTracks(t.Context(), wire.Namespace{"a"}, wire.Parameters{}, nil))
			n.Close()
			<-n.Done()
		}},
		{"request after GOAWAY", func(t *testing.T, s scene) {
			if err := s.client.Goaway("", 0); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			_, err := s.client.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
			if err != nil {
				t.Error(err)
			}
			if err := s.server.Goaway("", 0); err != nil {
				t.Error(err)
			}
			s.track.Close(wire.DoneTrackEnded, "")
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			eachDraft(t, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a, b := transport.MemoryPair(draftOf(t).String())
					client, server := newLedger(a), newLedger(b)
					origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
					origin.AddTrack(track)
					h := &takesAll{Origin: origin, taken: make(chan *moq.Subscription, 1)}
					s := scene{track: track, origin: origin, h: h}
					s.client, s.server = pairOver(t, client, server, moq.Config{}, moq.Config{Handler: h})
					synctest.Wait()
					control := [][]string{client.left(), server.left()}
					x.do(t, s)
					time.Sleep(time.Minute)
					for i, side := range []*ledger{client, server} {
						for _, name := range side.left() {
							if !slices.Contains(control[i], name) {
								t.Errorf("the %s does not end the %s", []string{"client", "server"}[i], name)
							}
						}
					}
				})
			})
		})
	}
}

// takesAll is an origin that takes what is published to it as well.
type takesAll struct {
	*moq.Origin
	slow  bool
	taken chan *moq.Subscription
}

func (h *takesAll) Serve(ctx context.Context, r moq.Request) {
	if h.slow {
		<-ctx.Done()
		return
	}
	switch r := r.(type) {
	case *moq.PublishRequest:
		if r.Track.Name == "missing" {
			r.Reject(wire.RequestUninterested, "", moq.NoRetry())
			return
		}
		if sub, err := r.Accept(nil, wire.Parameters{}, nil); err == nil {
			h.taken <- sub
		}
	case *moq.PublishNamespaceRequest:
		r.Accept()
		if r.Namespace[0] == "revoked" {
			time.AfterFunc(time.Second, func() { r.Revoke(wire.ResetCancelled) })
		}
	case *moq.SubscribeTracksRequest:
		r.Accept()
	default:
		h.Origin.Serve(ctx, r)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
