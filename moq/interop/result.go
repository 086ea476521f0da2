package interop

import (
	"context"
	"errors"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Outcome says how a case ended.
type Outcome string

// Outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // not a case of this package
)

// Result of a case. Strings may hold words of the relay: reports quote them.
type Result struct {
	Name        string
	Outcome     Outcome
	Duration    time.Duration
	Connections []Connection
	// Draft and Transport are those of the first connection, "" without one.
	Draft, Transport string
	// Message, Expected and Received explain a failure.
	Message, Expected, Received string
	// Differences are what did not come out as it went in, one line each.
	Differences []string
	// Fatal says that further cases make no sense: there is no connection.
	Fatal bool
}

// Connection is one QUIC connection of a case.
type Connection struct {
	// Role as the case names it: publisher, subscriber; "" when it is the only one.
	Role string
	// ID is the destination connection ID of the client's first packet in hex,
	// by which traces of servers are named.
	ID string
}

// failure is an error that says what was expected.
type failure struct {
	expected, received, message string
	differences                 []string
}

func (f *failure) Error() string {
	if f.message != "" {
		return f.message
	}
	return "expected " + f.expected + ", received " + f.received
}

var (
	errTimeout     = errors.New("no answer in time")
	errInterrupted = errors.New("interrupted")
)

// explain fills in why a case failed; expected is what it was waiting for.
func (r *Result) explain(err error, expected string) {
	r.Outcome, r.Message, r.Expected = Failed, err.Error(), expected
	var refused *moq.RequestError
	var closed *transport.CloseError
	var dial *transport.DialError
	var fault *wire.Error
	var f *failure
	switch {
	case errors.As(err, &f):
		r.Expected, r.Received, r.Differences = f.expected, f.received, f.differences
	case errors.As(err, &dial):
		r.Received, r.Fatal = "no connection", true
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		r.Received = "timeout"
	case errors.Is(err, errInterrupted):
		r.Received = "interrupt"
	case errors.As(err, &refused):
		r.Received = "REQUEST_ERROR " + refused.Code.String()
	case errors.As(err, &closed):
		r.Received = "session closed with " + wire.SessionError(closed.Code).String()
	case errors.As(err, &fault):
		r.Received = "what violates the protocol: " + fault.Code.String()
	default:
		r.Received = "an error"
	}
}
