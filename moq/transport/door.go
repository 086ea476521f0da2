package transport

import (
	"context"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/quic-go/quic-go"
)

// Door decides on connections before they cost much: package relay/limit has one. Its
// methods are called by the goroutine that takes all new connections, and by those of
// requests; but for Turn they must not block.
type Door interface {
	// Validate is asked about a client that has shown nothing for the address that it
	// claims: true has it do so, by a Retry packet (RFC 9000 §8.1.2), which costs
	// no memory here.
	Validate(from net.Addr) bool
	// Admit is asked about a connection at its first packet, before there is anything of
	// it. An error refuses it with CONNECTION_REFUSED. settled is called once it
	// has a session, or is over, and may be called more than once.
	Admit(from net.Addr, validated bool) (settled func(), err error)
	// Turn is called before the keys of an admitted connection are computed, which is what
	// a handshake costs, and returns when that may be done, or with an error that ends the
	// connection: so handshakes that come all at once do not have all processors at once.
	// It may wait, as long as ctx; that connection alone waits with it.
	Turn(ctx context.Context) error
	// Session is asked before a WebTransport session is accepted; nil accepts it.
	Session(from net.Addr) *Refusal
}

// Refusal is what a client is told that asks for a WebTransport session.
type Refusal struct {
	// Status is that of HTTP: 429 when the client has too much, 503 when all have.
	Status int
	// RetryAfter is when to try again; it is told in whole seconds, rounded up.
	RetryAfter time.Duration
	// Reason is for people.
	Reason string
}

// Error says why.
func (r *Refusal) Error() string { return r.Reason }

// tell adds the header that says when to try again (RFC 9110 §10.2.3).
func (r *Refusal) tell(h http.Header) {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(r.RetryAfter.Seconds()))))
}

type settledKey struct{}

// enter asks the door about a connection. quic-go calls it at the first packet.
func (l *Listener) enter(ctx context.Context, client *quic.ClientInfo) (context.Context, error) {
	settled, err := l.config.Door.Admit(client.RemoteAddr, client.AddrVerified)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, settled)
	return context.WithValue(ctx, settledKey{}, settled), nil
}

// settle tells the door that a connection has a session.
func settle(qconn *quic.Conn) {
	if settled, ok := qconn.Context().Value(settledKey{}).(func()); ok {
		settled()
	}
}
