package moq

import (
	"context"
	"time"
)

// Intake says how much data a session takes in. It is safe for concurrent use.
type Intake interface {
	// BeginStream is asked when a data stream has said what it is; false refuses it
	// with EXCESSIVE_LOAD. EndStream is called when one that was not refused is over.
	BeginStream() bool
	EndStream()
	// Take is told of n bytes that came on a data stream. It may block, for as long as
	// ctx, which is that of the session: then the peer is held up by flow control.
	Take(ctx context.Context, n int) (held bool)
	// TakeNow is told of n bytes of a datagram, which false drops.
	TakeNow(n int) bool
}

// beginStream asks whether a data stream is taken in; then endStream is called at its end.
func (s *Session) beginStream() bool {
	return s.config.Intake == nil || s.config.Intake.BeginStream()
}

func (s *Session) endStream() {
	if s.config.Intake != nil {
		s.config.Intake.EndStream()
	}
}

// took tells of n bytes that were read. For how long that was held up does not count
// for what has begun to arrive.
func (in *inbound) took(n int) {
	if in.session == nil || n == 0 {
		return
	}
	if i := in.session.config.Intake; i != nil && i.Take(in.session.ctx, n) && in.armed {
		_ = in.stream.SetReadDeadline(time.Now().Add(in.timeout))
	}
}
