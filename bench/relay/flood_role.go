package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// kinds of floods.
const (
	floodHellos     = "hellos"     // nobody hears the answers: as with addresses of others
	floodHandshakes = "handshakes" // completed, and given up
	floodNamespaces = "namespaces" // of one session, as fast as it can
)

// floodRole floods a relay. It takes what time the others leave, as if it were on other
// machines.
type floodRole struct {
	ctx     context.Context
	cancel  context.CancelFunc
	sockets []*net.UDPConn
	hellos  [][][]byte // packets of each
}

// floodConfig says with what.
type floodConfig struct {
	Kind   string        `json:"kind"`
	Server place         `json:"server"`
	Rate   int           `json:"rate"`
	Many   int           `json:"many"`
	Span   time.Duration `json:"span"`
}

// floodResult is what became of it. Of hellos nobody knows.
type floodResult struct {
	Tried, Taken, Refused, Other int
	Took                         time.Duration
	Why                          string // one that was neither taken nor refused came to nothing
}

func (f *floodResult) add(d floodResult) {
	f.Tried, f.Taken, f.Refused, f.Other, f.Took = f.Tried+d.Tried, f.Taken+d.Taken, f.Refused+d.Refused, f.Other+d.Other, f.Took+d.Took
}

const (
	floodSockets = 250  // each with an address of its own
	floodHelloes = 4000 // different ones
	// floodWaiting is how many handshakes wait for an answer at most.
	floodWaiting = 256
)

func newFloodRole() (*floodRole, error) {
	r := &floodRole{}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, yield()
}

// Handle implements process.Role.
func (r *floodRole) Handle(command string, args json.RawMessage) (any, error) {
	var c floodConfig
	if err := json.Unmarshal(args, &c); err != nil {
		return nil, err
	}
	switch command {
	case commandConnect:
		return nil, r.prepare(c)
	case commandBegin:
		began := time.Now()
		result, err := r.flood(c)
		result.Took = time.Since(began)
		return result, err
	}
	return nil, fmt.Errorf("the flood can not do %q", command)
}

func (r *floodRole) flood(c floodConfig) (floodResult, error) {
	switch c.Kind {
	case floodHellos:
		return r.sendHellos(c)
	case floodHandshakes:
		return r.shakeHands(c)
	}
	return r.announce(c)
}

// prepare opens the sockets and makes the hellos.
func (r *floodRole) prepare(c floodConfig) error {
	if c.Kind == floodNamespaces {
		return nil
	}
	for i := range floodSockets {
		s, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i)+1)})
		if err != nil {
			return err
		}
		r.sockets = append(r.sockets, s)
	}
	if c.Kind != floodHellos {
		return nil
	}
	for range floodHelloes {
		hello, err := newHello(r.ctx)
		if err != nil {
			return err
		}
		r.hellos = append(r.hellos, hello)
	}
	return nil
}

// each calls f at a rate for a span, and returns how often.
func (r *floodRole) each(c floodConfig, f func(i int)) (n int) {
	began := time.Now()
	for time.Since(began) < c.Span && r.ctx.Err() == nil {
		for due := int(time.Since(began).Seconds() * float64(c.Rate)); n < due; n++ {
			f(n)
		}
		time.Sleep(time.Millisecond)
	}
	return n
}

func (r *floodRole) sendHellos(c floodConfig) (result floodResult, err error) {
	to, err := net.ResolveUDPAddr("udp4", c.Server.Addr)
	if err != nil {
		return result, err
	}
	result.Tried = r.each(c, func(i int) {
		for _, packet := range r.hellos[i%len(r.hellos)] {
			_, sent := r.sockets[i%len(r.sockets)].WriteTo(packet, to)
			err = errors.Join(err, sent)
		}
	})
	return result, err
}

// shakeHands makes connections that are closed as soon as they are there.
func (r *floodRole) shakeHands(c floodConfig) (result floodResult, err error) {
	transports := make([]*quic.Transport, len(r.sockets))
	for i, s := range r.sockets {
		transports[i] = &quic.Transport{Conn: s}
		defer transports[i].Close()
	}
	to, err := net.ResolveUDPAddr("udp4", c.Server.Addr)
	if err != nil {
		return result, err
	}
	room := make(chan struct{}, floodWaiting)
	var mu sync.Mutex
	var all sync.WaitGroup
	result.Tried = r.each(c, func(i int) {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			ctx, cancel := context.WithTimeout(r.ctx, 2*time.Second)
			defer cancel()
			conn, err := transports[i%len(transports)].Dial(ctx, to, helloTLS(), transport.QUICConfig())
			if err == nil {
				_ = conn.CloseWithError(0, "")
			}
			refused := &quic.TransportError{}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				result.Taken++
			case errors.As(err, &refused) && refused.ErrorCode == quic.ConnectionRefused:
				result.Refused++
			default:
				result.Other++
			}
		})
	})
	all.Wait()
	return result, nil
}

// announce has one session announce namespaces, all at once, and wait for the answers.
func (r *floodRole) announce(c floodConfig) (result floodResult, err error) {
	d, err := c.Server.dial()
	if err != nil {
		return result, err
	}
	conn, err := transport.Dial(r.ctx, c.Server.url(overQUIC), &d)
	if err != nil {
		return result, err
	}
	s, err := moq.NewSession(r.ctx, conn, moq.Config{Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), RequestTimeout: 20 * time.Second})
	if err != nil {
		return result, err
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range c.Many {
		all.Go(func() {
			_, err := s.PublishNamespace(r.ctx, wire.Namespace{"flood", strconv.Itoa(i)})
			refused := &moq.RequestError{Code: wire.RequestExcessiveLoad}
			mu.Lock()
			defer mu.Unlock()
			result.Tried++
			switch {
			case err == nil:
				result.Taken++
			case errors.Is(err, refused):
				result.Refused++
			default:
				result.Other++
				result.Why = err.Error()
			}
		})
	}
	all.Wait()
	s.Close(wire.SessionNoError, "")
	s.Wait()
	return result, nil
}

// Close implements process.Role.
func (r *floodRole) Close() error {
	r.cancel()
	for _, s := range r.sockets {
		s.Close()
	}
	return nil
}
