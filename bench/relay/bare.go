package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"moqedge/certs"
	"moqedge/moq/transport"
)

// bareRole is what a relay is compared with: it writes the bytes that a relay
// would write to as many connections, each object to all of them at once by a
// goroutine for each connection, and nothing else. The connections have the
// settings of package transport.
type bareRole struct {
	source    *certs.Source
	socket    *net.UDPConn
	transport *quic.Transport
	listener  *quic.EarlyListener
	wt        *webtransport.Server
	tasks     sync.WaitGroup // ends with the listener and the connections

	config  bareConfig
	profile profile

	mu      sync.Mutex
	peers   []*barePeer
	stop    chan struct{} // nil while nothing is sent
	groups  []uint64      // by track: which comes next; each is its sender's
	senders sync.WaitGroup
	written atomic.Uint64 // objects, by all tracks
}

// bareConfig says what to send.
type bareConfig struct {
	Transport string `json:"transport"`
	Profile   string `json:"profile"`
	Tracks    int    `json:"tracks"` // connections are dealt out to them
	// Hold keeps connections and does nothing with them.
	Hold bool `json:"hold,omitempty"`
}

// barePeer is a connection; one goroutine writes to it.
type barePeer struct {
	open     func() (io.WriteCloser, error)
	datagram func([]byte) error
	work     chan piece
}

// piece is the bytes of an object with what goes before it.
type piece struct {
	bytes       []byte // shared by all connections; none at the end of what was stopped
	first, last bool   // of its stream
}

// queued is how many objects may wait for a connection before the loop waits for it.
const queued = 64

// Handle implements process.Role.
func (b *bareRole) Handle(command string, args json.RawMessage) (any, error) {
	switch {
	case command == commandListen && b.listener == nil:
		if err := json.Unmarshal(args, &b.config); err != nil {
			return nil, err
		}
		return b.listen()
	case command == commandBegin && b.listener != nil:
		b.begin()
		return nil, nil
	case command == commandPause && b.listener != nil:
		b.pause()
		return nil, nil
	case command == commandSample:
		return sample{Published: b.written.Load()}, nil
	}
	return nil, fmt.Errorf("the bare loop can not do %q", command)
}

func (b *bareRole) listen() (place, error) {
	var err error
	if b.profile, err = findProfile(b.config.Profile); err != nil {
		return place{}, err
	}
	log := slog.New(slog.DiscardHandler)
	if b.source, err = certs.Development("", nil, log); err != nil {
		return place{}, err
	}
	if b.socket, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return place{}, err
	}
	b.transport = &quic.Transport{Conn: b.socket}
	config := &tls.Config{
		GetCertificate: b.source.GetCertificate, MinVersion: tls.VersionTLS13,
		NextProtos: []string{version.String(), http3.NextProtoH3},
	}
	if b.listener, err = b.transport.ListenEarly(config, transport.QUICConfig()); err != nil {
		return place{}, err
	}
	b.wt = &webtransport.Server{
		H3:                   &http3.Server{Handler: http.HandlerFunc(b.upgrade), Logger: log},
		ApplicationProtocols: []string{version.String()},
		CheckOrigin:          func(*http.Request) bool { return true },
	}
	b.tasks.Go(b.accept)
	return placeOf(b.socket.LocalAddr().String(), b.source), nil
}

func (b *bareRole) accept() {
	for {
		conn, err := b.listener.Accept(context.Background())
		if err != nil {
			return
		}
		if b.config.Transport == overWebTransport {
			b.tasks.Go(func() { _ = b.wt.ServeQUICConn(conn) })
			continue
		}
		b.add(conn.Context(), &barePeer{
			open:     func() (io.WriteCloser, error) { return conn.OpenUniStream() },
			datagram: conn.SendDatagram,
		})
	}
}

// upgrade adds a WebTransport session.
func (b *bareRole) upgrade(w http.ResponseWriter, r *http.Request) {
	s, err := b.wt.Upgrade(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.add(s.Context(), &barePeer{
		open:     func() (io.WriteCloser, error) { return s.OpenUniStream() },
		datagram: s.SendDatagram,
	})
}

func (b *bareRole) add(ctx context.Context, p *barePeer) {
	if b.config.Hold {
		return
	}
	p.work = make(chan piece, queued)
	b.mu.Lock()
	b.peers = append(b.peers, p)
	b.mu.Unlock()
	b.tasks.Go(func() { p.run(ctx) })
}

// run writes what it is given until the connection ends.
func (p *barePeer) run(ctx context.Context) {
	var stream io.WriteCloser
	for {
		var work piece
		select {
		case work = <-p.work:
		case <-ctx.Done():
			return
		}
		if p.send(&stream, work) != nil {
			break
		}
	}
	for { // the others go on
		select {
		case <-p.work:
		case <-ctx.Done():
			return
		}
	}
}

func (p *barePeer) send(stream *io.WriteCloser, work piece) error {
	if work.first {
		s, err := p.open()
		if err != nil {
			return err
		}
		*stream = s
	}
	s := *stream
	switch {
	case len(work.bytes) == 0:
	case s == nil:
		if err := p.datagram(work.bytes); err != nil {
			return err
		}
	default:
		if _, err := s.Write(work.bytes); err != nil {
			return err
		}
	}
	if work.last && s != nil {
		*stream = nil
		return s.Close()
	}
	return nil
}

func (b *bareRole) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop != nil {
		return
	}
	stop := make(chan struct{})
	b.stop = stop
	n := b.config.Tracks
	if b.groups == nil {
		b.groups = make([]uint64, n)
	}
	for k := range n {
		var mine []*barePeer
		for i := k; i < len(b.peers); i += n {
			mine = append(mine, b.peers[i])
		}
		b.senders.Go(func() { b.send(k, mine, stop) })
	}
}

func (b *bareRole) pause() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop != nil {
		close(b.stop)
		b.stop = nil
		b.senders.Wait()
	}
}

// send writes a track to its connections.
func (b *bareRole) send(k int, peers []*barePeer, stop <-chan struct{}) {
	e := newEncoder(b.profile)
	give := func(w piece) {
		for _, p := range peers {
			p.work <- w
		}
	}
	b.groups[k] = b.profile.each(k, b.config.Tracks, b.groups[k], stop, func(group, id uint64) {
		give(e.piece(group, id))
		b.written.Add(1)
	})
	give(piece{last: true})
}

// Close implements process.Role.
func (b *bareRole) Close() error {
	b.pause()
	if b.listener == nil {
		return nil
	}
	err := errors.Join(b.listener.Close(), b.wt.Close(), b.transport.Close(), b.socket.Close(), b.source.Close())
	b.tasks.Wait()
	return err
}
