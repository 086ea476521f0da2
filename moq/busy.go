package moq

// Busy reports whether the session is of use to somebody: tracks are subscribed
// to or fetched on it, in either direction.
func (s *Session) Busy() bool {
	l := s.Load()
	return l.Subscribed+l.Fetching+l.Serving > 0
}

// Load is what a session is used for at a moment.
type Load struct {
	Subscribed int // tracks that this side is subscribed to
	Fetching   int // fetches of this side
	Serving    int // subscriptions of the peer that are served
}

// Load counts what the session is used for.
func (s *Session) Load() Load {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Load{len(s.received), len(s.fetches), len(s.served)}
}
