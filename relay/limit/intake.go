package limit

import (
	"context"
	"sync/atomic"
	"time"
)

// intake is what a session may still take in before rates are asked: for each piece that
// comes there is one addition.
type intake struct {
	credit atomic.Int64
	turn   chan struct{} // holds one while a stream asks, also while it waits
}

// BeginStream implements moq.Intake.
func (s *Session) BeginStream() bool {
	s.mu.Lock() // Bind and Exempt move what is counted
	defer s.mu.Unlock()
	return s.exempt.Load() || s.limiter.take(s.accounts(), Streams) == nil
}

// EndStream implements moq.Intake.
func (s *Session) EndStream() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.exempt.Load() {
		all := s.accounts()
		all.add(Streams, -1)
	}
}

// Take implements moq.Intake: it blocks while the session is ahead of its rates, so
// that flow control holds the publisher up.
func (s *Session) Take(ctx context.Context, n int) (held bool) {
	if s.intake.credit.Add(-int64(n)) >= 0 || s.exempt.Load() {
		return false
	}
	began := time.Now()
	select {
	case s.intake.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-s.intake.turn }()
	for s.intake.credit.Load() < 0 && ctx.Err() == nil {
		now := time.Now()
		bytes := quantum(s.least(BytesIn))
		r := s.draw(BytesIn, bytes, now)
		if r.delay > 0 {
			s.limiter.refused[r.scope][BytesIn].Add(1)
			if !sleep(ctx, r.delay) {
				break
			}
		}
		s.intake.credit.Add(bytes)
	}
	return time.Since(began) >= noticeable
}

// noticeable is a wait that what has begun to arrive is not to be blamed for.
const noticeable = time.Millisecond

// TakeNow implements moq.Intake: it does not wait, nor is it of account that a stream is
// just asking: while one waits, the rates say no.
func (s *Session) TakeNow(n int) bool {
	if s.intake.credit.Add(-int64(n)) >= 0 || s.exempt.Load() {
		return true
	}
	for s.intake.credit.Load() < 0 {
		now := time.Now()
		bytes := quantum(s.least(BytesIn))
		r := s.draw(BytesIn, bytes, now)
		if r.delay > 0 {
			r.cancel(now)
			s.intake.credit.Add(int64(n))
			s.limiter.refused[r.scope][BytesIn].Add(1)
			return false
		}
		s.intake.credit.Add(bytes)
	}
	return true
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
