package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// loadRole is a publisher, unless the server under test is one itself, and any
// number of subscribers.
type loadRole struct {
	log      *slog.Logger
	ctx      context.Context
	cancel   context.CancelFunc
	config   loadConfig
	profile  profile
	received received

	conns  []transport.Conn
	tracks []*live.Track
	groups []uint64 // by track: which comes next; each is its publisher's

	stop       chan struct{} // nil while nothing is published
	publishers sync.WaitGroup
	readers    sync.WaitGroup // of connections without a session
	published  atomic.Uint64
	lost       atomic.Int64 // connections that ended before they should
}

// loadConfig says what to connect to what.
type loadConfig struct {
	Server      place  `json:"server"` // that subscribers connect to
	Transport   string `json:"transport"`
	Profile     string `json:"profile"`
	Subscribers int    `json:"subscribers"`
	Tracks      int    `json:"tracks"` // subscribers are dealt out to them
	// Joins says that Server is a relay whose tracks another load publishes.
	Joins bool `json:"joins,omitempty"`
	// Idle sessions with a relay do not subscribe; connections to a bare loop open a
	// stream when Stream is set.
	Idle   bool `json:"idle,omitempty"`
	Stream bool `json:"stream,omitempty"`
	// Publish is the relay that the tracks are published to, by raw QUIC; nil: Server
	// is a bare loop, to which connecting is enough.
	Publish *place `json:"publish,omitempty"`
}

const (
	commandConnect = "connect" // is answered when all is connected and subscribed to
	commandBegin   = "begin"   // objects are sent from now on
	commandPause   = "pause"   // and no more
	commandSample  = "sample"
)

// sample is what was sent and received so far; Latency is of what was received
// since the last one.
type sample struct {
	Published uint64 // objects, by all tracks
	Objects   uint64 // received whole, by all subscribers
	Bytes     uint64 // of their payloads
	Broken    uint64
	Lost      int64
	Latency   latency
}

// dialing is how many connections are made at a time.
const dialing = 8

func newLoadRole() *loadRole {
	l := &loadRole{log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Handle implements process.Role.
func (l *loadRole) Handle(command string, args json.RawMessage) (any, error) {
	switch {
	case command == commandConnect && l.conns == nil:
		if err := json.Unmarshal(args, &l.config); err != nil {
			return nil, err
		}
		return nil, l.connect()
	case command == commandBegin && l.conns != nil:
		l.begin()
		return nil, nil
	case command == commandPause && l.conns != nil:
		l.pause()
		return nil, nil
	case command == commandSample:
		r := &l.received
		return sample{
			Published: l.published.Load(), Objects: r.objects.Load(), Bytes: r.bytes.Load(),
			Broken: r.broken.Load(), Lost: l.lost.Load(), Latency: r.late.take(),
		}, nil
	}
	return nil, fmt.Errorf("the load can not do %q", command)
}

func trackName(k int) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{"bench"}, Name: "track-" + strconv.Itoa(k)}
}

func (l *loadRole) connect() error {
	var err error
	if l.profile, err = findProfile(l.config.Profile); err != nil {
		return err
	}
	if l.config.Publish != nil {
		if err := l.offer(); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	errs := make(chan error, l.config.Subscribers)
	slots := make(chan struct{}, dialing)
	var mu sync.Mutex // guards conns
	for i := range l.config.Subscribers {
		slots <- struct{}{}
		go func() {
			conn, err := l.subscribe(i % l.config.Tracks)
			if err == nil {
				mu.Lock()
				l.conns = append(l.conns, conn)
				mu.Unlock()
			}
			errs <- err
			<-slots
		}()
	}
	for range l.config.Subscribers {
		err = errors.Join(err, <-errs)
	}
	return err
}

// offer connects the publisher.
func (l *loadRole) offer() error {
	conn, err := l.dial(*l.config.Publish, overQUIC)
	if err != nil {
		return err
	}
	origin := moq.NewOrigin()
	for k := range l.config.Tracks {
		t := live.NewTrack(trackName(k), live.Options{})
		l.tracks = append(l.tracks, t)
		origin.AddTrack(t)
	}
	l.groups = make([]uint64, len(l.tracks))
	s, err := moq.NewSession(l.ctx, conn, moq.Config{Handler: origin, Logger: l.log})
	if err != nil {
		return err
	}
	l.conns = append(l.conns, conn)
	_, err = s.PublishNamespace(l.ctx, trackName(0).Namespace)
	return err
}

func (l *loadRole) dial(p place, over string) (transport.Conn, error) {
	d, err := p.dial()
	if err != nil {
		return nil, err
	}
	conn, err := transport.Dial(l.ctx, p.url(over), &d)
	if err == nil {
		context.AfterFunc(conn.Context(), func() { l.lost.Add(1) })
	}
	return conn, err
}

// subscribe connects one subscriber of a track.
func (l *loadRole) subscribe(track int) (transport.Conn, error) {
	conn, err := l.dial(l.config.Server, l.config.Transport)
	if err != nil {
		return nil, err
	}
	if l.config.Publish == nil && !l.config.Joins {
		if l.config.Stream {
			if err := openStream(l.ctx, conn); err != nil {
				return conn, err
			}
		}
		if l.profile.Datagram {
			l.readers.Go(func() { _ = l.received.datagrams(l.ctx, conn) })
		} else {
			l.readers.Go(func() { _ = l.received.streams(l.ctx, conn) })
		}
		return conn, nil
	}
	s, err := moq.NewSession(l.ctx, &tap{Conn: conn, to: &l.received}, moq.Config{Logger: l.log})
	if err != nil || l.config.Idle {
		return conn, err
	}
	_, err = s.Subscribe(l.ctx, trackName(track), moq.SubscribeOptions{})
	return conn, err
}

func openStream(ctx context.Context, conn transport.Conn) error {
	s, err := conn.OpenStream(ctx)
	if err != nil {
		return err
	}
	_, err = s.Write([]byte{0})
	return err
}

// begin publishes, unless the server does.
func (l *loadRole) begin() {
	if l.stop != nil {
		return
	}
	stop := make(chan struct{})
	l.stop = stop
	for k, t := range l.tracks {
		l.publishers.Go(func() { l.publish(k, t, stop) })
	}
}

func (l *loadRole) pause() {
	if l.stop != nil {
		close(l.stop)
		l.stop = nil
		l.publishers.Wait()
	}
}

func (l *loadRole) publish(k int, t *live.Track, stop <-chan struct{}) {
	var w *live.SubgroupWriter
	l.groups[k] = l.profile.each(k, len(l.tracks), l.groups[k], stop, func(group, id uint64) {
		if err := l.write(t, &w, group, id); err != nil {
			l.log.Error("publish", "track", t.Name().String(), "err", err)
		}
		l.published.Add(1)
	})
	if w != nil {
		_ = w.Close()
	}
}

func (l *loadRole) write(t *live.Track, w **live.SubgroupWriter, group, id uint64) error {
	payload := newPayload(l.profile.Size)
	if l.profile.Datagram {
		return t.AppendDatagram(wire.Datagram{Group: group, ID: id, Payload: payload})
	}
	if id == 0 {
		var err error
		if *w, err = t.OpenSubgroup(live.SubgroupInfo{Group: group, Priority: wire.DefaultPriority, EndOfGroup: true, FirstObject: true}); err != nil {
			return err
		}
	}
	err := (*w).Append(live.WholeObject{ID: id, Payload: payload})
	if err == nil && id == uint64(l.profile.Group)-1 {
		err = (*w).Close()
		*w = nil
	}
	return err
}

// Close implements process.Role.
func (l *loadRole) Close() error {
	l.pause()
	l.cancel()
	var closing sync.WaitGroup
	for _, c := range l.conns {
		closing.Go(func() { c.CloseWithError(uint64(wire.SessionNoError), "") })
	}
	closing.Wait()
	l.readers.Wait()
	return nil
}
