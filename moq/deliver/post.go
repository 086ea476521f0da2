package deliver

import (
	"errors"

	"moqedge/moq/transport"
)

// quic-go keeps 32 datagrams for a network that takes none, and has who brings
// another wait until one has left: no call of it says how many there are, and
// nothing ends the wait. Streams are not to wait along (moqt-18 §7.2), so when
// something comes up meanwhile another goroutine, the deputy, goes on with the
// scheduler's work, datagrams apart, until the first one is back.

// post hands a datagram to the connection, and reports whether that took it. The
// error ends the session.
func (s *Scheduler) post(b []byte) (sent bool, err error) {
	watch := patient
	if s.contested() {
		watch = briefly
	}
	s.posting, s.waited = true, true
	s.changed(s.serving) // what the deputy finds has one datagram less
	state := s.gate.hand(watch)
	err = s.conn.SendDatagram(b)
	if !s.gate.handed(state) {
		s.do(func() { s.recalled = true })
		if err := <-s.relieved; err != nil {
			return false, err
		}
	}
	s.posting = false
	s.feed()
	switch {
	case errors.Is(err, transport.ErrDatagramTooLarge):
		s.config.Counters.DatagramsDropped.Add(1)
	case err == nil:
		s.sent = len(b)
		s.config.Counters.Datagrams.Add(1)
		s.config.Counters.Bytes.Add(uint64(len(b)))
	}
	return err == nil, nil
}

// standIn is the deputy.
func (s *Scheduler) standIn() {
	s.scratch = nil // the other one may still be read
	// Of those that were ready before, some are to send datagrams, which two cannot do.
	for _, t := range s.ready {
		s.changed(t)
	}
	err := errPanicked
	defer func() { s.relieved <- err }()
	err = s.work()
}

// errPanicked is what the work of a deputy ended with that did not return.
var errPanicked = errors.New("a panic in the scheduler")
