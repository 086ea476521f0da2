package transport

import (
	"errors"
	"net"

	"github.com/quic-go/quic-go"

	"moqedge/moq/wire"
)

// errRefusing makes QUIC answer with CONNECTION_REFUSED.
var errRefusing = errors.New("transport: no new connections are taken")

// admit decides on a connection at its first packet.
func (l *Listener) admit(*quic.ClientInfo) (*quic.Config, error) {
	if l.refusing.Load() {
		return nil, errRefusing
	}
	return l.settings, nil
}

// Expel closes the connections from addresses that are not to be kept, with UNAUTHORIZED
// and a reason, also those that have begun and were not accepted yet. It does not wait
// for them.
func (l *Listener) Expel(keep func(net.Addr) bool, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep, l.expelled = keep, reason
	for qconn, c := range l.conns {
		switch {
		case keep(qconn.RemoteAddr()):
		case c == nil:
			qconn.CloseWithError(quic.ApplicationErrorCode(wire.SessionUnauthorized), reason)
		default:
			l.wg.Go(func() { c.CloseWithError(uint64(wire.SessionUnauthorized), reason) })
		}
	}
}

// Refuse has new connections refused from now on, QUIC ones with
// CONNECTION_REFUSED and WebTransport sessions on connections that are there
// with status 503, so that who asks tries elsewhere at once. Sessions that
// exist go on.
func (l *Listener) Refuse() { l.refusing.Store(true) }
