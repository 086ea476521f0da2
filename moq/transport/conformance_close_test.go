package transport

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// The cases of the conformance table about how waits and connections end.

func testContexts(t *testing.T, a, _ Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 3)
	go func() { _, err := a.AcceptStream(ctx); done <- err }()
	go func() { _, err := a.AcceptUniStream(ctx); done <- err }()
	go func() { _, err := a.ReceiveDatagram(ctx); done <- err }()
	cancel()
	for range 3 {
		wantError(t, <-done, context.Canceled)
	}
	if a.Context().Err() != nil {
		t.Error("the connection ended, too")
	}
}

func testClose(t *testing.T, a, b Conn) {
	ctx := patient(t)
	sa := must(a.OpenStream(ctx))(t)
	write(t, sa, "x")
	sb := must(b.AcceptStream(ctx))(t)
	in := must(openedUni(t, b, a))(t)

	ours, theirs := &CloseError{Code: 0x11, Reason: "enough, thanks"}, &CloseError{Code: 0x11, Reason: "enough, thanks", Remote: true}
	type result struct {
		what string
		err  error
		want *CloseError
	}
	results := make(chan result)
	calls := 0
	call := func(what string, want *CloseError, f func() error) {
		calls++
		go func() { results <- result{what, f(), want} }()
	}
	for c, want := range map[Conn]*CloseError{a: ours, b: theirs} {
		call("AcceptStream", want, func() error { _, err := c.AcceptStream(ctx); return err })
		call("AcceptUniStream", want, func() error { _, err := c.AcceptUniStream(ctx); return err })
		call("ReceiveDatagram", want, func() error { _, err := c.ReceiveDatagram(ctx); return err })
		call("Context", want, func() error { <-c.Context().Done(); return context.Cause(c.Context()) })
	}
	call("Read", ours, func() error { return readError(sa) })
	call("Read", theirs, func() error { return readError(sb) })
	call("Write", theirs, func() error { return writeForever(sb) })
	call("Read uni", ours, func() error { return readError(in) })

	if err := a.CloseWithError(0x11, "enough, thanks"); err != nil {
		t.Error(err)
	}
	if err := a.CloseWithError(0x12, "second"); err != nil {
		t.Error(err)
	}
	wantError(t, context.Cause(a.Context()), ours)
	for range calls {
		r := <-results
		if got, ok := r.err.(*CloseError); !ok || *got != *r.want {
			t.Errorf("%s: %v (%T), want %v", r.what, r.err, r.err, r.want)
		}
	}
	b.CloseWithError(0x13, "third")
	for c, want := range map[Conn]*CloseError{a: ours, b: theirs} {
		_, err := c.OpenStream(ctx)
		wantError(t, err, want)
		_, err = c.OpenUniStream(ctx)
		wantError(t, err, want)
		_, err = c.TryOpenUniStream()
		wantError(t, err, want)
		wantError(t, c.SendDatagram([]byte("x")), want)
		wantError(t, context.Cause(c.Context()), want)
	}
	<-sa.Context().Done()
	<-sb.Context().Done()
	sa.Reset(1)
	sa.Stop(1)
	sa.Close()
}

func testLongReason(t *testing.T, a, b Conn) {
	a.CloseWithError(1<<40, strings.Repeat("é", 600))
	<-b.Context().Done()
	e, ok := errors.AsType[*CloseError](context.Cause(b.Context()))
	if !ok || !e.Remote || e.Reason != strings.Repeat("é", 512) {
		t.Fatalf("cause %v", context.Cause(b.Context()))
	}
	// WebTransport has 32 bits for it.
	if want := uint64(1 << 40); e.Code != want && (b.Info().Kind != KindWebTransport || e.Code != 1<<32-1) {
		t.Errorf("code %#x", e.Code)
	}
}
