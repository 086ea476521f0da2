package trace

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	batchSpans    = 512
	batchTime     = 2 * time.Second  // how long a span waits for others
	exportTimeout = 10 * time.Second // of a batch
	complainEvery = time.Minute
	stopTimeout   = time.Second // of an exporter that was told to stop
)

// queue brings spans to an exporter (sdk.SpanProcessor) by a goroutine of its own, which
// ends with Shutdown. Whoever ends a span never waits: what does not fit is dropped.
type queue struct {
	exporter sdk.SpanExporter
	log      *slog.Logger
	spans    chan sdk.ReadOnlySpan
	flush    chan chan struct{}
	closed   atomic.Bool
	stop     chan struct{}
	once     sync.Once
	done     chan struct{}
	ctx      context.Context // of exports
	cancel   context.CancelFunc

	exported, overflown, failed atomic.Uint64

	// Of the goroutine:
	batch      []sdk.ReadOnlySpan
	complained time.Time
	lost       uint64 // when it complained last
}

func newQueue(e sdk.SpanExporter, size int, log *slog.Logger) *queue {
	q := &queue{
		exporter: e, log: log, spans: make(chan sdk.ReadOnlySpan, size), flush: make(chan chan struct{}),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	go q.run()
	return q
}

// OnStart implements sdk.SpanProcessor.
func (*queue) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd implements sdk.SpanProcessor.
func (q *queue) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if !q.closed.Load() {
		select {
		case q.spans <- s:
			return
		default:
		}
	}
	q.overflown.Add(1)
}

// ForceFlush implements sdk.SpanProcessor.
func (q *queue) ForceFlush(ctx context.Context) error {
	flushed := make(chan struct{})
	select {
	case q.flush <- flushed:
	case <-q.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-flushed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Shutdown implements sdk.SpanProcessor. An exporter that does not stop when it is told
// to is left behind a second later.
func (q *queue) Shutdown(ctx context.Context) error {
	q.once.Do(func() {
		q.closed.Store(true)
		close(q.stop)
	})
	defer q.cancel()
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
	}
	q.cancel()
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-q.done:
	case <-late.C:
	}
	return context.Cause(ctx)
}

func (q *queue) run() {
	defer close(q.done)
	due := time.NewTimer(time.Hour)
	due.Stop()
	for {
		select {
		case s := <-q.spans:
			if q.batch = append(q.batch, s); len(q.batch) == 1 {
				due.Reset(batchTime)
			}
			if len(q.batch) == batchSpans {
				q.export()
			}
		case <-due.C:
			q.export()
		case flushed := <-q.flush:
			q.drain()
			close(flushed)
		case <-q.stop:
			q.drain()
			ctx, cancel := context.WithTimeout(q.ctx, exportTimeout)
			if err := q.exporter.Shutdown(ctx); err != nil {
				q.log.Warn("the exporter of traces does not end in order", "error", err)
			}
			cancel()
			return
		}
	}
}

// drain exports all that waits.
func (q *queue) drain() {
	for n := len(q.spans); n > 0; n-- {
		if q.batch = append(q.batch, <-q.spans); len(q.batch) == batchSpans {
			q.export()
		}
	}
	q.export()
}

// export sends the batch. One that fails is not sent again: the exporter has tried.
func (q *queue) export() {
	n := uint64(len(q.batch))
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(q.ctx, exportTimeout)
	err := q.exporter.ExportSpans(ctx, q.batch)
	cancel()
	clear(q.batch)
	q.batch = q.batch[:0]
	if err == nil {
		q.exported.Add(n)
		return
	}
	q.failed.Add(n)
	if lost := q.failed.Load() + q.overflown.Load(); time.Since(q.complained) >= complainEvery && !errors.Is(q.ctx.Err(), context.Canceled) {
		q.log.Warn("traces can not be exported, spans are dropped", "dropped", lost-q.lost, "error", err)
		q.complained, q.lost = time.Now(), lost
	}
}
