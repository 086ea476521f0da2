package moq

import (
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
	// attempt, and is the least again after a session that lasted longer than 2 s
	// and than the pause was.
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
	lowest, highest := c.MinBackoff, c.MaxBackoff
	if lowest == 0 {
		lowest = 100 * time.Millisecond
	}
	if highest == 0 {
		highest = 10 * time.Second
	}
	pause := lowest
	for ctx.Err() == nil {
		s, err := c.Connect(ctx)
		if err == nil {
			began := time.Now()
			err = c.hold(ctx, s)
			if time.Since(began) > max(pause, lastingSession) {
				pause = lowest
			}
		}
		if ctx.Err() != nil {
			return
		}
		c.failed(err)
		select {
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		case <-ctx.Done():
		}
		pause = min(2*pause, highest)
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
