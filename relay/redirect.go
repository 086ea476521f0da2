package relay

import (
	"errors"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// maxRedirects bounds how many redirects are remembered.
const maxRedirects = 4096

// redirects remembers where publishers sent requests for tracks, as long as
// they allow (moqt-18 §10.6.2). The zero value is not usable.
type redirects struct {
	mu    sync.Mutex
	known map[string]redirect // by track
}

type redirect struct {
	track wire.FullTrackName
	err   *moq.RequestError
	until time.Time
}

// find returns the redirect of a track, nil when none is known.
func (r *redirects) find(name wire.FullTrackName) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	x, ok := r.known[name.Key()]
	left := time.Until(x.until)
	if !ok || left <= 0 {
		return nil
	}
	err := *x.err
	err.Retry = wire.Some(left)
	return &err
}

// note remembers err when it is a redirect that may be.
func (r *redirects) note(name wire.FullTrackName, err error) {
	var refused *moq.RequestError
	if !errors.As(err, &refused) || refused.Code != wire.RequestRedirect || refused.Redirect == nil || refused.Retry.Value <= 0 {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxRedirects {
		for key, x := range r.known {
			if !now.Before(x.until) {
				delete(r.known, key)
			}
		}
	}
	if len(r.known) < maxRedirects {
		r.known[name.Key()] = redirect{name, refused, now.Add(refused.Retry.Value)}
	}
}

// forget drops the redirects of tracks below a namespace, which has a publisher now.
func (r *redirects) forget(ns wire.Namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, x := range r.known {
		if x.track.Namespace.HasPrefix(ns) {
			delete(r.known, key)
		}
	}
}

// refusalFor is what a session is told of err: a server is not sent to another
// one (moqt-18 §10.6.1).
func refusalFor(s *moq.Session, err error) error {
	var refused *moq.RequestError
	if isDialed(s) && errors.As(err, &refused) && refused.Redirect != nil && refused.Redirect.URI != "" {
		return doesNotExist()
	}
	return err
}
