package signalling

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"sync"
)

// ErrClosed is why sessions end, and why none begins, once the table is closed.
var ErrClosed = errors.New("the server is shutting down")

// Session is what an offer has made. Its methods are safe for concurrent use.
type Session interface {
	// Ufrag is the client's ICE user fragment: another one is a restart.
	Ufrag() string
	// AddCandidate takes a trickled candidate, the value of a=candidate. Those of names
	// that cannot be resolved and of transports that are not used are left out silently
	// (RFC 9725 §4.3.2).
	AddCandidate(candidate string)
	// End asks the session to end; nil is an orderly end. It does not wait.
	End(reason error)
	// Done is closed when everything has ended, after Sessions.Release.
	Done() <-chan struct{}
}

// Sessions is a table of sessions by their ids. Safe for concurrent use.
type Sessions struct {
	most int

	mu     sync.Mutex
	all    map[string]*place // guarded by mu
	closed bool              // guarded by mu
}

// place is what the table has of a session.
type place struct {
	name    string
	session Session // guarded by Sessions.mu; nil while negotiating
}

// NewSessions makes a table of so many sessions at the most.
func NewSessions(most int) *Sessions { return &Sessions{most: most, all: make(map[string]*place)} }

// Len is how many sessions are up or being set up.
func (s *Sessions) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// Close ends all sessions and waits for them, or for ctx, whose error it then
// returns. No session begins any more.
func (s *Sessions) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	var all []Session
	for _, p := range s.all {
		if p.session != nil {
			all = append(all, p.session)
		}
	}
	s.mu.Unlock()
	for _, one := range all {
		one.End(ErrClosed)
	}
	for _, one := range all {
		select {
		case <-one.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Release gives the place of a session back. Each session calls it once, when it has
// ended and before its Done is closed.
func (s *Sessions) Release(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

// reserve takes a place under a new unguessable id.
func (s *Sessions) reserve(name string) (string, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	id := hex.EncodeToString(random[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return "", Busy("%s", ErrClosed)
	case len(s.all) >= s.most:
		return "", Busy("all %d sessions are taken: try again later", s.most)
	}
	s.all[id] = &place{name: name}
	return id, nil
}

// admit gives a session its place, unless it has ended already. It fails if the table
// was closed meanwhile, when the session has ended.
func (s *Sessions) admit(id string, one Session) error {
	s.mu.Lock()
	closed := s.closed
	if p := s.all[id]; p != nil {
		p.session = one
	}
	s.mu.Unlock()
	if closed {
		one.End(ErrClosed)
		<-one.Done()
		return Busy("%s", ErrClosed)
	}
	return nil
}

// find returns a session of a name.
func (s *Sessions) find(name, id string) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[id]
	if p == nil || p.session == nil || subtle.ConstantTimeCompare([]byte(p.name), []byte(name)) == 0 {
		return nil, Refuse(http.StatusNotFound, "no such session: it has ended, or never was")
	}
	return p.session, nil
}
