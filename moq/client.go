package moq

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Client keeps a session to one server: when it ends, another one is made. Its
// fields must not change while it is used.
type Client struct {
	// URL of the server: moqt:// or https://.
	URL string
	// Dial configures the connection. Its KeepAlive is 1 s when 0: a client that is
	// silent, as publishers may be, notices by it that its server was killed.
	Dial transport.DialConfig
	// Config of the sessions.
	Config Config
	// MinBackoff and MaxBackoff bound the pause before a new attempt, of which up
	// to a half is left out at random; 0 means 100 ms and 10 s. It doubles with each
	// attempt and is halved for each 2 s that a session lasted; it is the least again
	// after one that lasted longer than that and than the pause was.
	MinBackoff, MaxBackoff time.Duration
	// Refresh, when set, may change the copy of Dial used for an attempt, for
	// pins that are renewed.
	Refresh func(ctx context.Context, d *transport.DialConfig) error
	// Connected is called with each session and returns when it no longer
	// needs it: the session is then closed. Its context is done when the
	// session or Run is over.
	Connected func(ctx context.Context, s *Session)
	// Failed is told of attempts that failed and of sessions that ended; nil logs them.
	Failed func(err error)
}

// Connect makes one session; the caller closes it. ctx bounds the attempt. The error
// is a *transport.DialError, that of Refresh, or that of NewSession.
func (c *Client) Connect(ctx context.Context) (*Session, error) {
	dial := c.Dial // a connection keeps its own
	if c.Refresh != nil {
		if err := c.Refresh(ctx, &dial); err != nil {
			return nil, err
		}
	}
	if dial.KeepAlive == 0 && (dial.QUIC == nil || dial.QUIC.KeepAlivePeriod == 0) {
		dial.KeepAlive = clientKeepAlive
	}
	conn, err := transport.Dial(ctx, c.URL, &dial)
	if err != nil {
		return nil, err
	}
	return NewSession(ctx, conn, c.Config)
}

// Run keeps a session until ctx is done. It returns when the last one has ended.
func (c *Client) Run(ctx context.Context) {
	b := newBackoff(c.MinBackoff, c.MaxBackoff)
	for ctx.Err() == nil {
		s, err := c.Connect(ctx)
		if err == nil {
			began := time.Now()
			err = c.hold(ctx, s)
			b.lasted(time.Since(began))
		}
		if ctx.Err() != nil {
			return
		}
		c.failed(err)
		select {
		case <-time.After(b.next()):
		case <-ctx.Done():
		}
	}
}

// backoff is the pause before the next attempt. A server that is gone, or sends
// everybody away, is asked ever more seldom; one that comes and goes but serves
// meanwhile is found soon each time, and none is by all clients at once.
type backoff struct{ pause, lowest, highest time.Duration }

func newBackoff(lowest, highest time.Duration) *backoff {
	b := &backoff{lowest: cmp.Or(lowest, 100*time.Millisecond), highest: cmp.Or(highest, 10*time.Second)}
	b.pause = b.lowest
	return b
}

// next returns how long to wait now.
func (b *backoff) next() time.Duration {
	p := b.pause
	b.pause = min(2*p, b.highest)
	return p/2 + rand.N(p/2+1)
}

// lasted takes in that there was a session.
func (b *backoff) lasted(d time.Duration) {
	switch {
	case d > max(b.pause, lastingSession):
		b.pause = b.lowest
	default:
		b.pause = max(b.lowest, b.pause>>(d/lastingSession))
	}
}

// clientKeepAlive is after how long without a packet the server is pinged: one
// that is gone is noticed by what its host, or the server in its place, answers.
const clientKeepAlive = time.Second

// lastingSession is how long a session lasts that its server meant to have: one
// that sends everybody away does so within a few round trips. It is short, for an
// upstream that was restarted twice within seconds shall be found as soon as it is
// back both times.
const lastingSession = 2 * time.Second

// hold uses a session until it is over, and says why it ended.
func (c *Client) hold(ctx context.Context, s *Session) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.Context(), cancel)()
	c.Connected(inner, s)
	err := errors.New("session given up")
	if s.Context().Err() != nil {
		err = context.Cause(s.Context())
	}
	s.Close(wire.SessionNoError, "")
	s.Wait()
	return err
}

func (c *Client) failed(err error) {
	if c.Failed != nil {
		c.Failed(err)
		return
	}
	logger := c.Config.Logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.Warn("no session", "server", c.URL, "error", err)
}
