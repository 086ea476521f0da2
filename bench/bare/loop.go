package bare

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"moqedge/moq/transport"
)

// Config of a Loop.
type Config struct {
	// GetCertificate is that of a tls.Config.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// WebTransport sends over sessions of it, else over raw QUIC.
	WebTransport bool
	// Tracks returns what a client wants; nil: track 0. Any goroutine may call it.
	Tracks func(client uint64) []int
	// Numbered clients say their number, as Watch does; others are counted, from 0,
	// as they come.
	Numbered bool
	// Hold keeps connections and does nothing with them.
	Hold bool
}

// Loop writes what it is given to all connections that want it.
type Loop struct {
	config    Config
	socket    *net.UDPConn
	transport *quic.Transport
	listener  *quic.EarlyListener
	wt        *webtransport.Server
	ctx       context.Context
	cancel    context.CancelFunc
	tasks     sync.WaitGroup // ends with the listener and the connections
	clients   clients[*peer]
	came      atomic.Uint64 // connections, by which they are counted
}

// peer is a connection; one goroutine writes to it.
type peer struct {
	ctx      context.Context // ends with the connection, and when nothing can be written to it
	end      context.CancelFunc
	open     func() (io.WriteCloser, error)
	datagram func([]byte) error
	work     chan Piece
}

// queued is how many pieces may wait for a connection before the loop waits for it.
const queued = 64

// Listen begins to accept connections on a port of 127.0.0.1.
func Listen(c Config) (*Loop, error) {
	if c.GetCertificate == nil {
		return nil, errors.New("bare: a loop needs a certificate")
	}
	if c.Tracks == nil {
		c.Tracks = func(uint64) []int { return []int{0} }
	}
	l := &Loop{config: c}
	var err error
	if l.socket, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, err
	}
	l.transport = &quic.Transport{Conn: l.socket}
	config := &tls.Config{
		GetCertificate: c.GetCertificate, MinVersion: tls.VersionTLS13,
		NextProtos: []string{Version.String(), http3.NextProtoH3},
	}
	if l.listener, err = l.transport.ListenEarly(config, transport.QUICConfig()); err != nil {
		return nil, errors.Join(err, l.transport.Close(), l.socket.Close())
	}
	l.wt = &webtransport.Server{
		H3:                   &http3.Server{Handler: http.HandlerFunc(l.upgrade), Logger: slog.New(slog.DiscardHandler)},
		ApplicationProtocols: []string{Version.String()},
		CheckOrigin:          func(*http.Request) bool { return true },
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.tasks.Go(l.accept)
	return l, nil
}

// Addr is where it listens.
func (l *Loop) Addr() net.Addr { return l.socket.LocalAddr() }

func (l *Loop) accept() {
	for {
		conn, err := l.listener.Accept(l.ctx)
		if err != nil {
			return
		}
		if l.config.WebTransport {
			l.tasks.Go(func() { _ = l.wt.ServeQUICConn(conn) })
			continue
		}
		l.add(&peer{
			ctx:      conn.Context(),
			open:     func() (io.WriteCloser, error) { return conn.OpenUniStream() },
			datagram: conn.SendDatagram,
		}, func() (io.Reader, error) { return conn.AcceptUniStream(conn.Context()) })
	}
}

// upgrade adds a WebTransport session.
func (l *Loop) upgrade(w http.ResponseWriter, r *http.Request) {
	s, err := l.wt.Upgrade(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.add(&peer{
		ctx:      s.Context(),
		open:     func() (io.WriteCloser, error) { return s.OpenUniStream() },
		datagram: s.SendDatagram,
	}, func() (io.Reader, error) { return s.AcceptUniStream(s.Context()) })
}

// add has a connection served, once its number is known.
func (l *Loop) add(p *peer, accept func() (io.Reader, error)) {
	if l.config.Hold {
		return
	}
	p.work = make(chan Piece, queued)
	p.ctx, p.end = context.WithCancel(p.ctx)
	if !l.config.Numbered {
		tracks := l.config.Tracks(l.came.Add(1) - 1)
		l.clients.join(p, tracks)
		l.tasks.Go(func() { l.serve(p, tracks) })
		return
	}
	l.tasks.Go(func() {
		number, err := readNumber(accept)
		if err != nil {
			p.end()
			return // it ended before it said anything
		}
		tracks := l.config.Tracks(number)
		l.clients.join(p, tracks)
		l.serve(p, tracks)
	})
}

// readNumber reads what a client begins with.
func readNumber(accept func() (io.Reader, error)) (uint64, error) {
	s, err := accept()
	if err != nil {
		return 0, err
	}
	var b [8]byte
	if _, err := io.ReadFull(s, b[:]); err != nil {
		return 0, fmt.Errorf("a client's number: %w", err)
	}
	return binary.BigEndian.Uint64(b[:]), nil
}

// serve writes what a connection is given until it ends.
func (l *Loop) serve(p *peer, tracks []int) {
	defer l.clients.leave(p, tracks)
	defer p.end()
	streams := make(map[int]io.WriteCloser, len(tracks))
	for {
		select {
		case piece := <-p.work:
			if p.send(streams, piece) != nil {
				return
			}
		case <-p.ctx.Done():
			return
		}
	}
}

// send writes a piece. Those of a group that had begun before the client came are
// left out.
func (p *peer) send(streams map[int]io.WriteCloser, piece Piece) error {
	if piece.Datagram {
		return p.datagram(piece.Bytes)
	}
	s := streams[piece.Track]
	if piece.First {
		var err error
		if s, err = p.open(); err != nil {
			return err
		}
		streams[piece.Track] = s
	}
	if s == nil {
		return nil
	}
	if len(piece.Bytes) > 0 {
		if _, err := s.Write(piece.Bytes); err != nil {
			return err
		}
	}
	if piece.Last {
		delete(streams, piece.Track)
		return s.Close()
	}
	return nil
}

// Give has a piece written to all connections that want its track. It waits for
// one that is behind by many pieces. Pieces of a track are given by one goroutine;
// a Piece without Bytes that is the Last ends the group that is open.
func (l *Loop) Give(piece Piece) {
	for _, p := range l.clients.of(piece.Track) {
		select {
		case p.work <- piece:
		default:
			select {
			case p.work <- piece:
			case <-p.ctx.Done():
			}
		}
	}
}

// Close ends the connections and waits for everything. Nobody may be in Give.
func (l *Loop) Close() error {
	l.cancel()
	err := errors.Join(l.listener.Close(), l.wt.Close(), l.transport.Close(), l.socket.Close())
	l.tasks.Wait()
	return err
}

// clients are those who want a track, by tracks. The lists are replaced, not
// changed, so that who has one can go through it without the lock.
type clients[T comparable] struct {
	mu      sync.Mutex // held while lists are replaced
	byTrack sync.Map   // int: []T
}

func (c *clients[T]) of(track int) []T {
	list, _ := c.byTrack.Load(track)
	all, _ := list.([]T)
	return all
}

func (c *clients[T]) join(client T, tracks []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range tracks {
		c.byTrack.Store(t, append(slices.Clone(c.of(t)), client))
	}
}

func (c *clients[T]) leave(client T, tracks []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range tracks {
		c.byTrack.Store(t, slices.DeleteFunc(slices.Clone(c.of(t)), func(x T) bool { return x == client }))
	}
}
