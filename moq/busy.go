package moq

// Busy reports whether the session is of use to somebody: tracks are subscribed
// to or fetched on it, in either direction.
func (s *Session) Busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.received)+len(s.fetches)+len(s.served) > 0
}
