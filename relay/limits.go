package relay

import (
	"math/rand/v2"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// peer counts what one session has asked for. It is guarded by the relay's mu.
type peer struct{ requests, namespaces int }

// admit counts a request of a session while it is served; false means that the
// session has as many as it may (moqt-18 §13.1, §13.7.1). A relay
// that is trusted, which asks for all of its own subscribers, is not counted.
func (r *Relay) admit(req moq.Request) (release func(), ok bool) {
	s := req.Session()
	if isTrusted(s) {
		return func() {}, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[s]
	if p == nil {
		p = &peer{}
		r.peers[s] = p
	}
	count, limit := &p.requests, r.config.MaxRequests
	if _, announces := req.(*moq.PublishNamespaceRequest); announces {
		count, limit = &p.namespaces, r.config.MaxNamespaces
	}
	if *count >= limit {
		return nil, false
	}
	*count++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if *count--; *p == (peer{}) {
			delete(r.peers, s)
		}
	}, true
}

// tooMany refuses a request of a session that has too many. When to ask again is
// spread, so that those refused do not come back all at once (moqt-18 §10.6.2).
func tooMany(req moq.Request) {
	req.Reject(wire.RequestExcessiveLoad, "the session has too many requests", wire.Some(time.Second+rand.N(time.Second)))
}

// tooLarge reports whether a prefix stands for more namespaces, or for more
// tracks, than the relay is willing to tell of (moqt-18 §13.7.2).
func (r *Relay) tooLarge(prefix wire.Namespace, tracks bool) bool {
	if len(prefix) >= r.config.LongPrefix {
		return false
	}
	if !tracks {
		return r.routes.Count(prefix) > r.config.MaxMatches
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for e := range r.offered {
		if e.name.Namespace.HasPrefix(prefix) {
			n++
		}
	}
	return n+r.countElsewhere(prefix, r.config.MaxMatches+1) > r.config.MaxMatches
}
