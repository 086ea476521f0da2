package deliver

import (
	"errors"
	"os"
	"time"
)

const (
	// scratchSize is the largest write that is made by copying its parts together.
	scratchSize = 2 << 10
	// firstPiece is the most bytes of the first write; then it goes by how long
	// the link takes for one.
	firstPiece = 16 << 10
	// leastPiece is the most bytes of a write on the slowest link.
	leastPiece = 2 << 10
	// probe is how much is tried on a stream that took nothing.
	probe = 1 << 10
)

// A write should not take longer than slow: others of the same urgency wait
// for it. One that took less than quick may be larger.
const (
	slow  = 10 * time.Millisecond
	quick = 3 * time.Millisecond
)

// most is how many bytes may be written before the next choice: with nobody to
// choose, a write may be as long as it takes, as it can be interrupted.
func (s *Scheduler) most() int {
	if s.contested() {
		return min(s.piece, s.allowance)
	}
	return min(s.config.Piece, s.allowance)
}

// write sends b on a flow's stream until it is interrupted. It returns how much
// was sent; err is fatal for the stream.
func (s *Scheduler) write(f *flow, b []byte, now time.Time) (int, error) {
	watch, contested := patient, s.contested()
	if contested {
		watch = briefly
		if f.suspect {
			if n, done, err := s.probe(f, b, now); done {
				return n, err
			}
		}
	}
	state, ok := s.gate.enter(f.stream, s.serving.class.rank, f.suspect, watch)
	if !ok {
		return 0, nil
	}
	s.waited = true
	n, err := f.stream.Write(b)
	late := s.gate.leave(state)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	s.progress(f, n)
	if contested {
		s.fit(len(b), n, now)
	}
	if n > 0 || err != nil || !(late || f.suspect) {
		return n, err
	}
	f.suspect = true
	if !contested { // nobody waits for it to be left alone
		if f.since.IsZero() {
			f.since = s.config.Now()
		}
		return 0, nil
	}
	n, done, err := s.probe(f, b, now)
	if !done {
		f.park(now, 50*time.Millisecond, time.Second)
	}
	return n, err
}

// progress notes that n bytes of a flow were sent.
func (s *Scheduler) progress(f *flow, n int) {
	if n == 0 {
		return
	}
	s.sent += n
	s.config.Counters.Bytes.Add(uint64(n))
	f.suspect, f.stalls, f.since = false, 0, time.Time{}
	if src, ok := f.source.(*subgroupSource); ok {
		src.subscription.stall = stall{}
		src.subscription.tally.bytes.Add(uint64(n))
	}
}

// probe tries whether the peer's flow control lets a stream go on that took
// nothing for long: if so it was the network that did not. Where the transport
// cannot tell, done is false.
func (s *Scheduler) probe(f *flow, b []byte, now time.Time) (n int, done bool, err error) {
	b = b[:min(len(b), probe)]
	ok, err := f.stream.TryWrite(b)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return 0, false, nil
	case err != nil:
		return 0, true, err
	case !ok:
		f.park(now, 10*time.Millisecond, 200*time.Millisecond)
		return 0, true, nil
	}
	s.progress(f, len(b))
	return len(b), true, nil
}

// fit chooses the size of the next writes by how long one took.
func (s *Scheduler) fit(asked, sent int, began time.Time) {
	if asked < leastPiece {
		return
	}
	switch took := s.config.Now().Sub(began); {
	case took > slow:
		s.piece = max(s.piece/2, leastPiece)
	case took < quick && sent == asked && asked >= s.piece/2:
		s.piece = min(2*s.piece, s.config.Piece)
	}
}
