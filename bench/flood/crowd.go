package flood

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go/quicvarint"
)

// crowd are clients without connections behind them: they begin a handshake and, if they
// are to, answer a Retry.
type crowd struct {
	sockets []*net.UDPConn
	to      *net.UDPAddr
	hello   []byte // what TLS says first
	id      int    // where the client's connection ID is in it
	asked   atomic.Int64
}

// idSize is that of connection IDs. One of a client begins with the number of its try.
const idSize = 8

// lateAnswers is how long clients listen after the last of them came.
const lateAnswers = 100 * time.Millisecond

func newCrowd(ctx context.Context, sockets []*net.UDPConn, to *net.UDPAddr) (*crowd, error) {
	mark := make([]byte, idSize)
	_, _ = rand.Read(mark)
	hello, err := clientHello(ctx, mark)
	if err != nil {
		return nil, err
	}
	c := &crowd{sockets: sockets, to: to, hello: hello, id: bytes.Index(hello, mark)}
	if c.id < 0 {
		return nil, errors.New("the transport parameters are not in the hello")
	}
	return c, nil
}

// clientHello is the first message of a handshake, of a client with a connection ID.
func clientHello(ctx context.Context, id []byte) (hello []byte, err error) {
	const initialSource = 0x0f // initial_source_connection_id (RFC 9000 §18.2)
	parameters := quicvarint.Append([]byte{initialSource}, uint64(len(id)))
	q := tls.QUICClient(&tls.QUICConfig{TLSConfig: clientTLS()})
	defer q.Close()
	q.SetTransportParameters(append(parameters, id...))
	if err := q.Start(ctx); err != nil {
		return nil, err
	}
	for {
		switch e := q.NextEvent(); e.Kind {
		case tls.QUICWriteData:
			hello = append(hello, e.Data...)
		case tls.QUICNoEvent:
			return hello, nil
		}
	}
}

// flood has clients come.
func (c *crowd) flood(ctx context.Context, t Task) (Result, error) {
	var listening sync.WaitGroup
	if t.Kind == Retries {
		for _, s := range c.sockets {
			if err := s.SetReadDeadline(time.Time{}); err != nil {
				return Result{}, err
			}
			listening.Go(func() { c.answer(s) })
		}
	}
	var failed error
	tried := each(ctx, t, func(i int) {
		var id [idSize]byte
		binary.BigEndian.PutUint32(id[:], uint32(i))
		var server [idSize]byte
		_, _ = rand.Read(server[:])
		if err := c.send(c.sockets[i%len(c.sockets)], server[:], id[:], nil); err != nil {
			failed = err
		}
	})
	if t.Kind == Retries {
		end := time.Now().Add(lateAnswers)
		for _, s := range c.sockets {
			failed = errors.Join(failed, s.SetReadDeadline(end))
		}
		listening.Wait()
	}
	return Result{Tried: tried, Asked: int(c.asked.Load())}, failed
}

// send sends what a client says first.
func (c *crowd) send(s *net.UDPConn, server, id, token []byte) error {
	hello := bytes.Clone(c.hello)
	copy(hello[c.id:], id)
	packets, err := initials(nil, server, id, token, hello)
	for _, p := range packets {
		_, sent := s.WriteToUDP(p, c.to)
		err = errors.Join(err, sent)
	}
	return err
}

// answer answers what clients of a socket are told, until its deadline. A hello takes two
// packets today, each of which may be answered with a Retry: a client hears the first
// (RFC 9000 §17.2.5.2).
func (c *crowd) answer(s *net.UDPConn) {
	var heard [1024]uint32 // tries that were, plus one, as many as may be on their way
	buffer := make([]byte, 2*packetSize)
	for {
		n, _, err := s.ReadFromUDP(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // of one packet that went astray
			continue
		}
		r, ok := parseRetry(buffer[:n])
		if !ok || len(r.client) != idSize {
			continue
		}
		try := binary.BigEndian.Uint32(r.client)
		place := &heard[try/uint32(len(c.sockets))%uint32(len(heard))]
		if *place == try+1 {
			continue
		}
		*place = try + 1
		if c.send(s, r.server, r.client, r.token) == nil {
			c.asked.Add(1)
		}
	}
}
