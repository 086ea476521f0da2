package hook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
)

// Config says whom to ask. Zero values mean what is said at each field.
type Config struct {
	// URL that questions are posted to. Required.
	URL string
	// Timeout of a question, with the time until its turn comes; 0 means 2 s.
	Timeout time.Duration
	// Cache is how long an answer is good that does not say so itself; 0 means 10 s.
	Cache time.Duration
	// MaxEntries bounds the answers that are kept; 0 means 10,000.
	MaxEntries int
	// MaxConcurrent bounds the questions that the server is asked at a time; 0 means 64.
	// As many as 16 times that wait for their turn, more are refused.
	MaxConcurrent int
	// Logger; nil means slog.Default.
	Logger *slog.Logger
}

// Stats count questions since New.
type Stats struct {
	// Cached were answered from what was kept, Shared by the answer to an equal question
	// that was under way.
	Cached, Shared uint64
	// Allowed, Refused and Failed are how those ended that the server was asked.
	Allowed, Refused, Failed uint64
	// Busy found too many others waiting.
	Busy uint64
}

// Hook implements auth.Judge. A question has a goroutine, which ends with it: within
// Config.Timeout, or with Close.
type Hook struct {
	config Config
	client *http.Client
	turns  chan struct{} // has an element for each question that the server is asked

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	cached, shared, allowed, refused, failed, busy atomic.Uint64

	mu      sync.Mutex // guards what follows
	closed  bool
	asking  map[key]*question
	answers auth.Recent[key, answer]
	failing bool // since the last question
}

// key is what tells questions apart.
type key [sha256.Size]byte

// question is one under way.
type question struct {
	done   chan struct{} // closed when what follows is set
	answer answer
	err    error
}

// New returns a hook, which the caller closes.
func New(c Config) (*Hook, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no http(s) URL", c.URL)
	}
	c.Timeout, c.Cache = cmp.Or(c.Timeout, 2*time.Second), cmp.Or(c.Cache, 10*time.Second)
	c.MaxEntries, c.MaxConcurrent = cmp.Or(c.MaxEntries, 10_000), cmp.Or(c.MaxConcurrent, 64)
	if c.Timeout < 0 || c.Cache < 0 || c.MaxEntries < 0 || c.MaxConcurrent < 0 {
		return nil, errors.New("times and bounds must not be negative")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	ways := http.DefaultTransport.(*http.Transport).Clone()
	ways.MaxConnsPerHost, ways.MaxIdleConnsPerHost = c.MaxConcurrent, c.MaxConcurrent
	h := &Hook{
		config: c, turns: make(chan struct{}, c.MaxConcurrent), asking: map[key]*question{}, answers: auth.Recent[key, answer]{Most: c.MaxEntries},
		client: &http.Client{Transport: ways, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h, nil
}

// Close ends what is under way, unanswered, and waits for it. Nothing is done without a
// hook.
func (h *Hook) Close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.running.Wait()
	h.client.CloseIdleConnections()
}

// Stats returns the counters.
func (h *Hook) Stats() Stats {
	return Stats{
		Cached: h.cached.Load(), Shared: h.shared.Load(), Allowed: h.allowed.Load(), Refused: h.refused.Load(),
		Failed: h.failed.Load(), Busy: h.busy.Load(),
	}
}

var (
	errClosed = errors.New("the hook is closed")
	errBusy   = errors.New("too many questions wait for an answer")
)

// waiting is how many questions there may be for one that the server is asked.
const waiting = 16

// Judge implements auth.Judge.
func (h *Hook) Judge(ctx context.Context, a auth.Ask, tokens []wire.Token) (relay.Verdict, error) {
	body, id, err := write(a, tokens)
	if err != nil {
		return relay.Verdict{}, err
	}
	h.mu.Lock()
	if known, ok := h.answers.Get(id, time.Now()); ok {
		h.mu.Unlock()
		h.cached.Add(1)
		return known.verdict()
	}
	q := h.asking[id]
	switch {
	case q != nil:
		h.shared.Add(1)
	case h.closed:
		h.mu.Unlock()
		return relay.Verdict{}, errClosed
	case len(h.asking) >= waiting*h.config.MaxConcurrent:
		h.mu.Unlock()
		h.busy.Add(1)
		return relay.Verdict{}, errBusy
	default:
		q = &question{done: make(chan struct{})}
		h.asking[id] = q
		h.running.Go(func() { h.settle(id, q, body) })
	}
	h.mu.Unlock()
	select {
	case <-q.done:
	case <-ctx.Done():
		return relay.Verdict{}, context.Cause(ctx)
	}
	if q.err != nil {
		return relay.Verdict{}, q.err
	}
	return q.answer.verdict()
}

// settle has a question answered, for all who wait for that.
func (h *Hook) settle(id key, q *question, body []byte) {
	defer close(q.done)
	q.answer, q.err = h.ask(body)
	switch {
	case q.err != nil:
		h.failed.Add(1)
	case q.answer.allow:
		h.allowed.Add(1)
	default:
		h.refused.Add(1)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.asking, id)
	if q.err == nil {
		h.answers.Put(id, q.answer, q.answer.good, time.Now())
	}
	if failing := q.err != nil; failing != h.failing && !h.closed {
		h.failing = failing
		if failing {
			h.config.Logger.Error("the hook does not say who may do what: nothing is permitted by it", "error", q.err)
		} else {
			h.config.Logger.Info("the hook answers again")
		}
	}
}

// ask waits for its turn and posts a question.
func (h *Hook) ask(body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(h.ctx, h.config.Timeout)
	defer cancel()
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	case <-ctx.Done():
		return answer{}, fmt.Errorf("its turn did not come: %w", ctx.Err())
	}
	return post(ctx, h.client, h.config.URL, body, h.config.Cache)
}
