package deliver_test

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// slowConn is a connection whose network takes what is written to its streams at
// a rate, one write after the other, and counts it by the alias or request of the
// stream. Datagrams wait while stuck is open.
type slowConn struct {
	transport.Conn
	rate  int // bytes per second
	stuck chan struct{}
	mu    sync.Mutex
	free  time.Time
	bytes map[uint64]int
	order []uint64 // of the writes
}

type slowStream struct {
	transport.SendStream
	conn     *slowConn
	alias    uint64
	begun    bool
	deadline atomic.Pointer[time.Time]
}

func (c *slowConn) TryOpenUniStream() (transport.SendStream, error) {
	st, err := c.Conn.TryOpenUniStream()
	return &slowStream{SendStream: st, conn: c}, err
}

func (c *slowConn) SendDatagram(b []byte) error {
	if c.stuck != nil {
		select {
		case <-c.stuck:
		case <-c.Context().Done():
		}
	}
	return c.Conn.SendDatagram(b)
}

func (s *slowStream) SetWriteDeadline(t time.Time) error {
	s.deadline.Store(&t)
	return s.SendStream.SetWriteDeadline(t)
}

// begin notes what the stream is of.
func (s *slowStream) begin(b []byte) {
	if !s.begun {
		s.begun = true
		h, _, _ := wire.ParseSubgroupHeader(wire.Draft18, b)
		s.alias = h.TrackAlias
	}
}

func (s *slowStream) WriteReliable(b []byte) (bool, error) {
	s.begin(b)
	return s.SendStream.WriteReliable(b)
}

// Write takes what fits until it is interrupted, as quic-go does.
func (s *slowStream) Write(b []byte) (int, error) {
	s.begin(b)
	written := 0
	for written < len(b) {
		n := min(len(b)-written, 1200)
		s.conn.mu.Lock()
		now := time.Now()
		if s.conn.free.Before(now) {
			s.conn.free = now
		}
		s.conn.free = s.conn.free.Add(time.Duration(n) * time.Second / time.Duration(s.conn.rate))
		wait := s.conn.free.Sub(now)
		s.conn.bytes[s.alias] += n
		s.conn.order = append(s.conn.order, s.alias)
		s.conn.mu.Unlock()
		k, err := s.SendStream.Write(b[written : written+n])
		written += k
		if err != nil {
			return written, err
		}
		time.Sleep(wait)
		if d := s.deadline.Load(); d != nil && !d.IsZero() && written < len(b) {
			return written, os.ErrDeadlineExceeded
		}
	}
	return written, nil
}

// slow makes a rig over a connection of a rate.
func slow(t *testing.T, rate int, c deliver.Config) (*rig, *slowConn) {
	a, b := transport.MemoryConfig{Protocol: wire.Draft18.String(), StreamBuffer: 1 << 26}.Pair()
	r := &rig{t: t, version: wire.Draft18, peer: b, conn: a}
	conn := &slowConn{Conn: a, rate: rate, bytes: map[uint64]int{}}
	c.Counters = &r.counters
	r.Scheduler = deliver.New(conn, wire.Draft18, c)
	return r, conn
}
