package moq

import (
	"sync"

	"moqedge/moq/wire"
)

// early holds datagrams that came before the message that explains their alias
// was read: SUBSCRIBE_OK or PUBLISH travel on another stream, which is read by
// another goroutine. They may be dropped or kept (moqt-18 §11.3); nobody sends
// them again, so they are kept while such a message may be on its way.
type early struct {
	// mu is held while a datagram is assigned, so that those of an alias stay in
	// order. It is taken before the mu of the session and of a track.
	mu     sync.Mutex
	asking int // SUBSCRIBEs that are not answered
	held   []arrival
	bytes  int
}

// arrival is a datagram as it came.
type arrival struct {
	wire.Datagram
	size    int  // in bytes, header included
	offered bool // its alias was that of a PUBLISH which is not answered
}

// What is held at most; a publisher that names its alias later than that loses the rest.
const (
	maxEarly      = 256
	maxEarlyBytes = 256 << 10
)

// hold keeps a datagram; false means that there is no room, or no reason. The
// caller holds mu.
func (e *early) hold(a arrival) bool {
	if e.asking == 0 && !a.offered || len(e.held) == maxEarly || e.bytes+a.size > maxEarlyBytes {
		return false
	}
	e.held, e.bytes = append(e.held, a), e.bytes+a.size
	return true
}

// take returns those of what is held that are wanted, in the order in which they
// came. The caller holds mu.
func (e *early) take(wanted func(*arrival) bool) (out []arrival) {
	rest := e.held[:0]
	for _, a := range e.held {
		if wanted(&a) {
			out, e.bytes = append(out, a), e.bytes-a.size
		} else {
			rest = append(rest, a)
		}
	}
	clear(e.held[len(rest):])
	e.held = rest
	return out
}

func (e *early) takeOf(alias uint64) []arrival {
	return e.take(func(a *arrival) bool { return a.TrackAlias == alias })
}

// asks notes a SUBSCRIBE until answered is called. What the last one leaves is of
// no use.
func (s *Session) asks() (answered func()) {
	e := &s.early
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asking++
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.asking--; e.asking == 0 {
			left := e.take(func(a *arrival) bool { return !a.offered })
			s.config.Counters.Unwanted.Add(uint64(len(left)))
		}
	}
}

// dropEarly drops what is held of the alias of a PUBLISH that was refused.
func (s *Session) dropEarly(alias uint64) {
	s.early.mu.Lock()
	defer s.early.mu.Unlock()
	s.config.Counters.Unwanted.Add(uint64(len(s.early.takeOf(alias))))
}

// datagram appends a datagram to the tracks that its alias stands for, or holds it.
func (s *Session) datagram(d wire.Datagram, size int) {
	a := arrival{Datagram: d, size: size}
	s.early.mu.Lock()
	s.mu.Lock()
	list := s.aliases.live[d.TrackAlias]
	_, explained := s.aliases.gone[d.TrackAlias]
	a.offered = s.aliases.offered[d.TrackAlias] > 0
	s.mu.Unlock()
	held := len(list) == 0 && s.early.hold(a)
	faults := s.deliver(list, &a)
	s.early.mu.Unlock()
	if len(list) == 0 && !held {
		s.config.Counters.Unwanted.Add(1)
		if !explained && !a.offered {
			s.bear("datagrams of tracks that nobody asked for")
		}
	}
	s.malformedIn(faults)
}

// deliver appends a datagram to tracks and returns what it proves malformed. The
// caller holds early's mu.
func (s *Session) deliver(list []*Subscription, a *arrival) (faults []fault) {
	if len(list) == 0 {
		return nil
	}
	s.config.Counters.Datagrams.Add(1)
	s.config.Counters.Bytes.Add(uint64(a.size))
	if i := s.config.Intake; i != nil && !i.TakeNow(a.size) || !s.config.Room() {
		return nil
	}
	for _, x := range list {
		x.received.add(uint64(a.size))
		if err := x.track.AppendDatagram(a.Datagram); isMalformed(err) {
			faults = append(faults, fault{x, err})
		}
	}
	return faults
}

// fault is what proves the track of a subscription malformed.
type fault struct {
	of  *Subscription
	err error
}

func (s *Session) malformedIn(faults []fault) {
	for _, f := range faults {
		s.malformed(f.of.track.Name(), f.err.Error())
	}
}
