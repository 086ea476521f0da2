package trace

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// faulty is an exporter that fails, or hangs until it may not any more.
type faulty struct {
	err    error
	hangs  bool
	deaf   chan struct{} // with hangs: not even its context ends it, but this
	called atomic.Int64
}

func (f *faulty) ExportSpans(ctx context.Context, _ []sdk.ReadOnlySpan) error {
	f.called.Add(1)
	switch {
	case f.hangs && f.deaf != nil:
		<-f.deaf
	case f.hangs:
		<-ctx.Done()
		return ctx.Err()
	}
	return f.err
}

func (*faulty) Shutdown(context.Context) error { return nil }

func (t *Tracer) make(n int) {
	for range n {
		t.begin(context.Background(), wire.MsgSubscribe, camera, nil).End(nil)
	}
}

func faultyTracer(t *testing.T, f *faulty, log *slog.Logger) *Tracer {
	t.Helper()
	tracer, err := New(Config{Exporter: f, Sample: 1, Queue: 10, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return tracer
}

// Whoever ends a span does not wait for an exporter that hangs: what is too much is
// dropped and counted, and the end of the tracer does not wait longer than it may.
func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracer := faultyTracer(t, &faulty{hangs: true}, slog.New(slog.DiscardHandler))
		began := time.Now()
		tracer.make(1)
		time.Sleep(batchTime + time.Millisecond) // it hangs now
		began = began.Add(batchTime + time.Millisecond)
		tracer.make(50)
		if took := time.Since(began); took != 0 {
			t.Errorf("spans took %v", took)
		}
		if sent, overflown, failed := tracer.Counts(); sent != 0 || overflown != 40 || failed != 0 {
			t.Errorf("sent %d, overflown %d, failed %d", sent, overflown, failed)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := tracer.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ends with %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it ended after %v", took)
		}
		tracer.make(1)
		if _, overflown, failed := tracer.Counts(); overflown != 40 || failed != 11 {
			t.Errorf("after the end: overflown %d, failed %d", overflown, failed)
		}
	})
}

// An exporter that hears nothing is left behind.
func TestDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{hangs: true, deaf: make(chan struct{})}
		tracer := faultyTracer(t, f, slog.New(slog.DiscardHandler))
		tracer.make(1)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_ = tracer.Shutdown(ctx)
		if took := time.Since(began); took != 3*time.Second+stopTimeout {
			t.Errorf("it ended after %v", took)
		}
		close(f.deaf)
	})
}

// An exporter that fails is told of once a minute, with how many spans that cost.
func TestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := &faulty{err: errors.New("nobody there")}
		tracer := faultyTracer(t, f, slog.New(slog.NewTextHandler(&log, nil)))
		for range 13 {
			tracer.make(5)
			time.Sleep(10 * time.Second)
		}
		if err := tracer.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if n := f.called.Load(); n != 13 {
			t.Errorf("it was asked %d times", n)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], "dropped=5 ") || !strings.Contains(lines[1], "dropped=30 ") || !strings.Contains(lines[1], "nobody there") {
			t.Errorf("told:\n%s", log.String())
		}
		if _, overflown, failed := tracer.Counts(); overflown != 0 || failed != 65 {
			t.Errorf("overflown %d, failed %d", overflown, failed)
		}
	})
}

// What waits is exported when a tracer ends, in batches.
func TestShutdown(t *testing.T) {
	f := &faulty{}
	tracer, err := New(Config{Exporter: f, Sample: 1})
	if err != nil {
		t.Fatal(err)
	}
	tracer.make(2*batchSpans + 1)
	if err := tracer.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sent, _, _ := tracer.Counts(); sent != 2*batchSpans+1 || f.called.Load() != 3 {
		t.Errorf("%d spans in %d batches", sent, f.called.Load())
	}
}

// Nothing is kept of what is not sampled, but its context says so.
func TestSample(t *testing.T) {
	tracer, e := newTracer(t, func(c *Config) { c.Sample = 0 })
	s := tracer.begin(context.Background(), wire.MsgSubscribe, camera, nil)
	if s.Sampled() || s.Context().Flags&1 != 0 || s.Context().TraceID == [16]byte{} {
		t.Errorf("%+v", s.Context())
	}
	s.Accepted(true)
	s.Began()
	s.End(nil)
	tracer.make(100)
	tracer.Set(0.5, TrustVouched)
	tracer.make(1000)
	if err := tracer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(e.GetSpans()); n < 300 || n > 700 {
		t.Errorf("half of 1000 spans are %d", n)
	}
}

// The span of a subscription without objects ends after a while, and by nothing twice.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracer, e := newTracer(t, nil)
		began := time.Now()
		idle := tracer.begin(context.Background(), wire.MsgSubscribe, camera, nil)
		idle.Accepted(true)
		paused := tracer.begin(context.Background(), wire.MsgSubscribe, camera, nil)
		paused.Accepted(false)
		early := tracer.begin(context.Background(), wire.MsgSubscribe, camera, nil)
		early.Began()
		early.Accepted(true)
		time.Sleep(time.Minute)
		for _, s := range []*span{idle, paused, early} {
			s.Began()
			s.Accepted(true)
			s.End(errors.New("late"))
		}
		if err := tracer.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := e.GetSpans()
		if len(all) != 3 {
			t.Fatalf("%d spans", len(all))
		}
		for i, want := range []struct {
			after  time.Duration
			events string
		}{{0, "SUBSCRIBE_OK"}, {0, "first object SUBSCRIBE_OK"}, {10 * time.Second, "SUBSCRIBE_OK no object yet"}} {
			s := all[i]
			if got := strings.Join(eventsOf(s), " "); got != want.events || s.EndTime.Sub(began) != want.after || valueOf(s, attrResult) != "OK" {
				t.Errorf("span %d: %q after %v, %s", i, got, s.EndTime.Sub(began), valueOf(s, attrResult))
			}
		}
		if err := tracer.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What peers say is short, and harmless where it is shown.
func TestHostile(t *testing.T) {
	tracer, e := newTracer(t, nil)
	for _, err := range []error{
		&moq.RequestError{Code: 0xABCDEF, Reason: strings.Repeat("\xff\n", 10000)}, &moq.RequestError{Code: wire.RequestUnauthorized, Reason: "no"},
		context.Canceled, context.DeadlineExceeded, errors.New("x"),
	} {
		tracer.begin(context.Background(), wire.MsgFetch, camera, nil).End(err)
	}
	if err := tracer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"_OTHER", "UNAUTHORIZED", "CANCELLED", "TIMEOUT", "_OTHER"} {
		s := e.GetSpans()[i]
		if got := valueOf(s, attrErrorType); got != want || valueOf(s, attrResult) != want {
			t.Errorf("error %d is %q", i, got)
		}
		if words := s.Status.Description; len(words) > maxText+2 || strings.ContainsAny(words, "\n\xff") || words == "" {
			t.Errorf("words %d: %q", i, words)
		}
	}
	for text, want := range map[string]string{"": "", "a b": "a b", "a\x00": `"a\x00"`, "ä": `"\u00e4"`, strings.Repeat("x", 300): strings.Repeat("x", maxText-3) + "..."} {
		if got := quoted(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestCollector(t *testing.T) {
	for _, c := range []struct {
		collector Collector
		host      string // "": refused
	}{
		{Collector{Endpoint: "http://c"}, "c:4317"},
		{Collector{Endpoint: "https://[::1]", Protocol: HTTP}, "[::1]:4318"},
		{Collector{Endpoint: "https://c:1/v1/x", Protocol: HTTP}, "c:1"},
		{Collector{Endpoint: "https://c:1/v1/x"}, ""},
		{Collector{Endpoint: "c:4317"}, ""},
		{Collector{Endpoint: "grpc://c:4317"}, ""},
		{Collector{Endpoint: "http://"}, ""},
		{Collector{Endpoint: "http://user:secret@c"}, ""},
		{Collector{Endpoint: "http://c?x=secret", Protocol: HTTP}, ""},
		{Collector{Endpoint: "http://secret\x00"}, ""},
	} {
		u, err := c.collector.url()
		switch {
		case c.host == "" && err == nil:
			t.Errorf("%s is taken", c.collector.Endpoint)
		case err != nil && (c.host != "" || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: %v", c.collector.Endpoint, err)
		case err == nil && u.Host != c.host:
			t.Errorf("%s is at %s", c.collector.Endpoint, u.Host)
		}
	}
	for _, trust := range []Trust{TrustVouched, TrustRelays, TrustAll, TrustNone} {
		if got, err := ParseTrust(trust.String()); got != trust || err != nil {
			t.Errorf("%v: %v, %v", trust, got, err)
		}
	}
	if _, err := ParseTrust("nobody"); err == nil {
		t.Error("nobody is a word")
	}
}
