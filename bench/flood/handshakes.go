package flood

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

const (
	// waiting is how many handshakes wait for an answer at most, and patience how long.
	waiting  = 256
	patience = 2 * time.Second
)

// clientTLS trusts everybody: who floods does not care.
func clientTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{wire.Draft18.String()}, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13}
}

// shakeHands makes connections that are closed as soon as they are there.
func shakeHands(ctx context.Context, sockets []*net.UDPConn, to *net.UDPAddr, t Task) (result Result) {
	transports := make([]*quic.Transport, len(sockets))
	for i, s := range sockets {
		transports[i] = &quic.Transport{Conn: s}
		defer transports[i].Close()
	}
	room := make(chan struct{}, waiting)
	var mu sync.Mutex // guards result
	var all sync.WaitGroup
	tried := each(ctx, t, func(i int) {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			err := shakeHand(ctx, transports[i%len(transports)], to)
			mu.Lock()
			defer mu.Unlock()
			result.count(err, isRefusal(err))
		})
	})
	all.Wait()
	result.Tried = tried
	return result
}

func shakeHand(ctx context.Context, t *quic.Transport, to net.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := t.Dial(ctx, to, clientTLS(), transport.QUICConfig())
	if err != nil {
		return err
	}
	return conn.CloseWithError(0, "")
}

func isRefusal(err error) bool {
	var e *quic.TransportError
	return errors.As(err, &e) && e.ErrorCode == quic.ConnectionRefused
}

// count counts an answer. The caller holds what guards r.
func (r *Result) count(err error, refused bool) {
	switch {
	case err == nil:
		r.Taken++
	case refused:
		r.Refused++
	default:
		r.Other++
		r.Why = err.Error()
	}
}
