package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// closedDoor is one that has no room for sessions.
type closedDoor struct {
	retry bool
	turn  func(context.Context) error // nil: it is everybody's
}

func (d closedDoor) Validate(net.Addr) bool { return d.retry }

func (d closedDoor) Admit(_ net.Addr, validated bool) (func(), error) {
	if validated != d.retry {
		return nil, errors.New("not as it was asked for")
	}
	return func() {}, nil
}

func (d closedDoor) Turn(ctx context.Context) error {
	if d.turn == nil {
		return nil
	}
	return d.turn(ctx)
}

func (d closedDoor) Session(net.Addr) *Refusal {
	return &Refusal{Status: http.StatusTooManyRequests, RetryAfter: 1500 * time.Millisecond, Reason: "too many"}
}

// A WebTransport session for which there is no room is refused by HTTP, with when to try
// again; raw QUIC is refused before. Who has to shows that it is at its address.
func TestDoor(t *testing.T) {
	source := certificate(t)
	for _, retry := range []bool{false, true} {
		l := listen(t, source, ListenConfig{Door: closedDoor{retry: retry}})
		if _, err := Dial(patient(t), urlOf(KindWebTransport, l.Addr(), "/"), pinning(source)); err == nil || !strings.Contains(err.Error(), "429") {
			t.Errorf("answered %v, want 429", err)
		}
		conn, err := Dial(context.Background(), urlOf(KindQUIC, l.Addr(), "/"), pinning(source))
		if err != nil {
			t.Fatal(err)
		}
		conn.CloseWithError(0, "")
	}
	h := http.Header{}
	closedDoor{}.Session(nil).tell(h)
	if got := h.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q for 1.5 s", got)
	}
}

// A handshake waits for its turn, alone: others go on, and one whose turn does not come
// ends. Closing the listener waits for none.
func TestTurn(t *testing.T) {
	source := certificate(t)
	asked, turns := make(chan struct{}, 2), make(chan error)
	l := listen(t, source, ListenConfig{Door: closedDoor{turn: func(ctx context.Context) error {
		asked <- struct{}{}
		select {
		case err := <-turns:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}})
	dialed := make(chan error, 2)
	dial := func() {
		conn, err := Dial(patient(t), urlOf(KindQUIC, l.Addr(), "/"), pinning(source))
		if err == nil {
			conn.CloseWithError(0, "")
		}
		dialed <- err
	}
	for range 2 {
		go dial()
		<-asked
	}
	turns <- nil
	if err := <-dialed; err != nil {
		t.Errorf("one whose turn has come, while another waits: %v", err)
	}
	turns <- errors.New("never")
	if err := <-dialed; err == nil {
		t.Error("one that was to end has a connection")
	}
	go dial()
	<-asked
	l.Close() // returns
	if err := <-dialed; err == nil {
		t.Error("there is a connection with a listener that is closed")
	}
}
