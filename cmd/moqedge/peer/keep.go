package peer

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Options of Keep.
type Options struct {
	// Session configures the sessions; its OnGoaway is Keep's.
	Session moq.Config
	// Once gives up when the first session ends, and does not follow its GOAWAY.
	Once bool
	// Patient says that the first attempt to connect may fail, and that tokens may be
	// refused: they are shown again.
	Patient bool
	// Logger is told of lost sessions and of moves. Required.
	Logger *slog.Logger
}

// Use works with a session until ctx is done, which it is when the session
// ends. leave is closed once another session takes the place of this one, which
// the server wanted (moqt-18 §9.4.1): Use then hands over to the call with that
// session, which has begun, and returns nil when it needs this one no more.
type Use func(ctx context.Context, s *moq.Session, leave <-chan struct{}) error

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 2 * time.Second
	// A server that vanished is noticed while what it sent can still be fetched
	// from the one that takes its place.
	idleTimeout = 4 * time.Second
	keepAlive   = time.Second
	// maxAway is how often a server that a GOAWAY named is tried in vain
	// before the configured one is again.
	maxAway = 3
)

// Keep connects and calls use with the session, and again with a new one
// whenever it is lost or the server sends the client elsewhere; the first
// attempt must succeed, and no session be closed because of its tokens, unless Options
// say otherwise. After a GOAWAY use is
// called with the new session while the call before it hands over. Keep ends
// when ctx does (then it returns nil), when use returns an error (then it
// returns that) or when use returns nil although the session lives and was not
// to be left (then it returns nil). No call of use is left when it returns.
func Keep(ctx context.Context, c Config, o Options, use Use) error {
	client, err := c.Client(o.Session)
	if err != nil {
		return err
	}
	client.Dial.IdleTimeout, client.Dial.KeepAlive = idleTimeout, keepAlive
	inner, stop := context.WithCancelCause(ctx)
	k := &keeper{config: c, options: o, client: client, use: use, ctx: inner, stop: stop, url: c.URL}
	k.run()
	stop(nil)
	k.visits.Wait()
	switch err := context.Cause(inner); {
	case ctx.Err() != nil, errors.Is(err, errFinished):
		return nil
	default:
		return err
	}
}

// errFinished says that the use of a session came to its end.
var errFinished = errors.New("finished")

// keeper is one Keep. Its fields belong to the goroutine of run.
type keeper struct {
	config  Config
	options Options
	client  *moq.Client
	use     Use
	ctx     context.Context // done, with a cause, when Keep is to end
	stop    context.CancelCauseFunc
	visits  sync.WaitGroup // calls of use

	url    string // where to connect next
	failed int    // attempts in a row there
	newest *visit // nil before the first session
}

// visit is a session and its use.
type visit struct {
	session *moq.Session
	goaway  chan moq.Goaway // gets the server's; holds one
	leave   chan struct{}   // closed when another visit takes the place of this one
}

// run makes sessions until ctx is done.
func (k *keeper) run() {
	pause := minBackoff
	for k.ctx.Err() == nil {
		started := time.Now()
		v, err := k.connect()
		moving := false
		if err == nil {
			moving, err = k.await(v)
		}
		if k.ctx.Err() != nil {
			return
		}
		if !moving {
			k.lost(err)
		}
		if time.Since(started) > maxBackoff {
			pause = minBackoff
			if moving {
				continue // it stayed long enough: no hurry is to be feared
			}
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-k.ctx.Done():
		}
		pause = min(2*pause, maxBackoff)
	}
}

// connect makes a session and begins its use.
func (k *keeper) connect() (*visit, error) {
	v := &visit{goaway: make(chan moq.Goaway, 1), leave: make(chan struct{})}
	client := *k.client
	client.URL = k.url
	client.Config.OnGoaway = func(g moq.Goaway) { v.goaway <- g } // a second one is an error of the session
	s, err := client.Connect(k.ctx)
	if err != nil {
		k.failed++
		return nil, err
	}
	v.session = s
	if old := k.newest; old != nil {
		k.options.Logger.Warn("connected again", "server", transport.ShownURL(k.url))
		defer close(old.leave)
	}
	k.newest, k.failed = v, 0
	begun := make(chan struct{})
	k.visits.Go(func() {
		ctx, cancel := context.WithCancel(k.ctx)
		defer cancel()
		defer context.AfterFunc(s.Context(), cancel)()
		close(begun)
		err := k.use(ctx, s, v.leave)
		k.used(v, err)
		s.Close(wire.SessionNoError, "")
		s.Wait()
	})
	<-begun
	return v, nil
}

// used takes in how the use of a session ended.
func (k *keeper) used(v *visit, err error) {
	if v.session.Context().Err() != nil {
		return // whatever use says about it follows from that
	}
	if err != nil {
		k.stop(err)
		return
	}
	select {
	case <-v.leave:
	default:
		k.stop(errFinished)
	}
}

// await waits until a session is lost, which is the error, or the server wants
// it to be left, which is moving.
func (k *keeper) await(v *visit) (moving bool, err error) {
	goaway := v.goaway
	if k.options.Once {
		goaway = nil
	}
	select {
	case g := <-goaway:
		k.options.Logger.Warn("the server asks to go elsewhere", "server", transport.ShownURL(k.url), "uri", transport.ShownURL(g.URI))
		if g.URI != "" {
			k.url = g.URI
		}
		return true, nil
	case <-v.session.Context().Done():
		return false, context.Cause(v.session.Context())
	case <-k.ctx.Done():
		return false, nil
	}
}

// isRefusal reports whether the server closed a session because of its tokens: the next
// one would have the same.
func isRefusal(err error) bool {
	closed, ok := errors.AsType[*transport.CloseError](err)
	if !ok || !closed.Remote {
		return false
	}
	switch wire.SessionError(closed.Code) {
	case wire.SessionUnauthorized, wire.SessionMalformedAuthToken, wire.SessionExpiredAuthToken:
		return true
	}
	return false
}

// lost decides whether there is another attempt after a failure.
func (k *keeper) lost(err error) {
	if k.options.Once || !k.options.Patient && (k.newest == nil || isRefusal(err)) {
		k.stop(err)
		return
	}
	k.options.Logger.Warn("no session, trying again", "server", transport.ShownURL(k.url), "reason", err)
	if k.failed >= maxAway {
		k.url, k.failed = k.config.URL, 0
	}
}
