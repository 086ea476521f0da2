package limit

import "time"

// pace is what a session may still send before rates are asked. It belongs to who sends.
type pace struct {
	credit int64
	coming int64     // what is added to it
	at     time.Time // then
}

// Allow implements deliver.Pacer.
func (s *Session) Allow(now time.Time) (n int, again time.Time) {
	p := &s.pace
	for p.credit <= 0 {
		if p.coming == 0 {
			if s.exempt.Load() {
				return 1 << 20, again
			}
			p.coming = quantum(s.least(BitrateOut))
			r := s.draw(BitrateOut, p.coming, now)
			p.at = now.Add(r.delay)
			if r.delay > 0 {
				s.limiter.refused[r.scope][BitrateOut].Add(1)
			}
		}
		if now.Before(p.at) {
			return 0, p.at
		}
		p.credit, p.coming = p.credit+p.coming, 0
	}
	return int(min(p.credit, 1<<20)), again
}

// Spent implements deliver.Pacer.
func (s *Session) Spent(n int) { s.pace.credit -= int64(n) }
