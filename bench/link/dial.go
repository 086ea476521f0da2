package link

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// Dial connects a stream (network "tcp", "tcp4" or "tcp6") over the link, for
// signalling: it fits http.Transport.DialContext. The handshake costs one round
// trip, and one second more, then two, and so on (RFC 6298 §2.1) when it is lost; what
// is written and read has the link's delay and rate, and comes two round trips later
// when it is lost. The queue drops nothing of it and slow start is not emulated, so
// it suits exchanges of some kilobytes, not a download. A clean link adds nothing.
func (e *Emulator) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, fmt.Errorf("a link carries streams over tcp, not %q; see Emulator.Packets", network)
	}
	var dialer net.Dialer
	if e.link.Clean() {
		return dialer.DialContext(ctx, network, addr)
	}
	if err := e.handshake(ctx); err != nil {
		return nil, fmt.Errorf("connect over the link: %w", err)
	}
	c, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return e.stream(c), nil
}

// handshake takes as long as one does on the link.
func (e *Emulator) handshake(ctx context.Context) error {
	for timeout := int64(time.Second); ; timeout *= 2 {
		begin := e.now()
		if there, ok := e.up.knock(begin); ok {
			if err := e.sleep(ctx, there); err != nil {
				return err
			}
			if back, ok := e.down.knock(there); ok {
				return e.sleep(ctx, back)
			}
		}
		if err := e.sleep(ctx, begin+timeout); err != nil {
			return err
		}
	}
}

// sleep waits until the emulator's clock shows a time.
func (e *Emulator) sleep(ctx context.Context, until int64) error {
	timer := time.NewTimer(time.Duration(until - e.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
