package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/moqt"
	"moqedge/bench/rtc"
	"moqedge/bench/tally"
	"moqedge/moq/wire"
)

// loadConfig says what load a system gets.
type loadConfig struct {
	System System        `json:"system"`
	First  Place         `json:"first"` // where the publisher is, the viewers are at Last
	Last   Place         `json:"last"`
	Plan   Plan          `json:"plan"`
	Warm   time.Duration `json:"warm_ns"`
	// Namespace of the tracks over MOQT.
	Namespace string `json:"namespace"`
}

// Commands of the load.
const (
	commandBegin = "begin" // takes a loadConfig; publishing begins, and viewers come; is answered with the start of the schedule
	commandLook  = "look"  // is answered with a loadState
	commandMark  = "mark"  // the window begins
	commandEnd   = "end"   // it ends; what was sent in it is still on its way
	commandCount = "count" // the window ended some time ago; is answered with a counted
)

// loadState is how far the load is.
type loadState struct {
	Started int           `json:"started"` // viewers that have their first key frame
	Left    time.Duration `json:"left_ns"` // until the window begins
}

// counted is what the load found.
type counted struct {
	Metrics tally.Metrics `json:"metrics"`
	Load    Saturation    `json:"load"`
	Wire    link.Counters `json:"wire"`
	Draft   string        `json:"draft,omitempty"`
	Failed  []string      `json:"failed,omitempty"`
}

// publisher is what sends the frames.
type publisher interface {
	Run(ctx context.Context) error
	Lateness() tally.Quantiles
}

// watcher is a viewer.
type watcher struct {
	number int
	line   *link.Emulator
	tracks []int
	to     *tally.Viewer
}

// loadRole is the publisher and the viewers.
type loadRole struct {
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	config loadConfig
	source media.Source
	start  time.Time // of the schedule
	board  *tally.Board
	sender publisher
	draft  string
	close  func()
	lines  []*link.Emulator
	view   func(ctx context.Context, w watcher) error
	await  func(ctx context.Context) error // until the server has what is published; nil: it has by now

	mu     sync.Mutex
	failed []string

	// What was when the window began.
	ticker  *ticker
	machine machineTime
	usage   time.Duration
	drops   uint64
	wire    link.Counters
	ended   link.Counters // when it ended
}

func newLoadRole() *loadRole {
	ctx, cancel := context.WithCancel(context.Background())
	return &loadRole{
		log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		ctx: ctx, cancel: cancel, close: func() {},
	}
}

// Handle implements process.Role.
func (l *loadRole) Handle(command string, args json.RawMessage) (any, error) {
	switch {
	case command == commandBegin && l.board == nil:
		if err := json.Unmarshal(args, &l.config); err != nil {
			return nil, err
		}
		if err := l.begin(); err != nil {
			return nil, err
		}
		return l.start, nil
	case command == commandLook && l.board != nil:
		started, _ := l.board.Started()
		return loadState{Started: started, Left: time.Until(l.from())}, nil
	case command == commandMark && l.board != nil && l.ticker == nil:
		return nil, l.mark()
	case command == commandEnd && l.ticker != nil:
		l.ended = l.passed()
		return nil, nil
	case command == commandCount && l.ticker != nil:
		return l.count()
	}
	return nil, fmt.Errorf("the load can not do %q", command)
}

// from is when the window begins.
func (l *loadRole) from() time.Time { return l.start.Add(l.config.Warm) }

// settling is how long a server that is not ours may take until it has a stream: some
// look at the first frames before they say so.
const settling = 3 * time.Second

// lead is how long before its schedule begins a publisher is told of it.
const lead = 300 * time.Millisecond

func (l *loadRole) begin() error {
	r, err := l.config.Plan.ready()
	if err != nil {
		return err
	}
	l.source = r.source
	l.start = time.Now().Add(lead)
	switch {
	case l.config.System.Bare():
		err = l.overBare()
	case l.config.System.unit():
		err = l.overWebRTC()
	default:
		err = l.overMOQT()
	}
	if err != nil {
		return err
	}
	l.board = tally.New(tally.Options{Source: l.source, Start: l.start})
	l.tasks.Go(func() {
		if err := l.sender.Run(l.ctx); err != nil {
			l.fail("the publisher", err)
		}
	})
	there := make(chan struct{}) // closed when viewers can come
	opens := l.start             // when that is, once there is closed
	l.tasks.Go(func() {
		if l.await != nil {
			within, cancel := context.WithTimeout(l.ctx, time.Until(l.start.Add(settling)))
			defer cancel()
			if err := l.await(within); err != nil && l.ctx.Err() == nil {
				l.fail("what is published does not come", err)
				return
			}
		}
		if now := time.Now(); now.After(opens) {
			opens = now
		}
		close(there)
	})
	n := r.Viewers
	for k := range n {
		tracks := media.Wanted(l.source.Tracks(), k, n)
		v := l.board.Viewer(tracks...)
		line := r.line.Emulate(r.Seed+uint64(k), l.from())
		l.lines = append(l.lines, line)
		l.tasks.Go(func() {
			select {
			case <-there:
			case <-l.ctx.Done():
				return
			}
			if pause(l.ctx, time.Until(opens.Add(time.Duration(k)*arrival))) != nil {
				return
			}
			if err := l.view(l.ctx, watcher{number: k, line: line, tracks: tracks, to: v}); err != nil {
				l.fail(fmt.Sprintf("viewer %d", k), err)
			}
		})
	}
	return nil
}

func (l *loadRole) fail(who string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, fmt.Sprintf("%s: %s", who, err))
}

func (l *loadRole) overMOQT() error {
	c := l.config
	server := func(p Place) (moqt.Server, error) {
		dial, err := p.dial(c.Plan.Draft)
		return moqt.Server{URL: p.URL, Dial: dial, Namespace: wire.Namespace{c.Namespace}, Source: l.source, Start: l.start, Tokens: p.tokens(), Log: l.log}, err
	}
	first, err := server(c.First)
	if err != nil {
		return err
	}
	last, err := server(c.Last)
	if err != nil {
		return err
	}
	p, err := moqt.Publish(l.ctx, first)
	if err != nil {
		return err
	}
	l.sender, l.close, l.draft = p, p.Close, p.Draft().String()
	numbers := moqt.NewNumbers(l.source)
	l.view = func(ctx context.Context, w watcher) error {
		return moqt.View(ctx, last, moqt.Watch{Tracks: w.tracks, Numbers: numbers, Link: w.line, Timeout: max(c.Plan.Timeout, 0)}, w.to)
	}
	return nil
}

func (l *loadRole) overWebRTC() error {
	o := rtc.Options{URL: l.config.First.URL, Token: l.config.First.Token, Source: l.source, Start: l.start, Log: l.log}
	p, err := rtc.Publish(l.ctx, o)
	if err != nil {
		return err
	}
	l.sender, l.close = p, func() {
		if err := p.Close(); err != nil {
			l.log.Warn("the publisher's end", "err", err)
		}
	}
	if l.config.Plan.Target != nil {
		l.await = func(ctx context.Context) error {
			return rtc.Await(ctx, rtc.Options{URL: l.config.Last.URL, Token: l.config.Last.Token})
		}
	}
	l.view = func(ctx context.Context, w watcher) error {
		o := o
		o.URL, o.Token, o.Tracks, o.Link = l.config.Last.URL, l.config.Last.Token, w.tracks, w.line
		return rtc.View(ctx, o, w.to)
	}
	return nil
}

// Close implements process.Role.
func (l *loadRole) Close() error {
	l.cancel()
	l.tasks.Wait()
	l.close()
	if l.ticker != nil {
		l.ticker.end()
	}
	return nil
}
