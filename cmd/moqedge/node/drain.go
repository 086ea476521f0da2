package node

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// drainGrace is how long sessions that were told to leave, and did not in time,
// may take to be closed.
const drainGrace = 500 * time.Millisecond

// Drain readies the node for its end. It is not ready any more, takes no new
// sessions and publications, and asks those who are connected to go, to the
// relay at uri when it is not empty (moqt-18 §9.4.1). What they have goes on
// meanwhile, ingests and the upstream included: Close ends those. It returns
// when all have left, at the latest when sessions that are still here after the
// limit have been closed; an error says that there were such. It is called once.
func (n *Node) Drain(uri string, limit time.Duration) error {
	n.draining.Store(true)
	n.listener.Refuse()
	if n.hub != nil {
		n.hub.Refuse()
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit+drainGrace, errLimit)
	defer cancel()
	began := time.Now()
	if err := n.relay.Drain(ctx, uri, limit); err != nil {
		return err
	}
	if time.Since(began) >= limit {
		return errLimit
	}
	n.log.Info("drained", "after", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// errLimit says that not everybody left by themselves.
var errLimit = errors.New("some sessions did not leave in time and are closed")

// serveReady tells load balancers whether to send somebody here.
func (n *Node) serveReady(w http.ResponseWriter, _ *http.Request) {
	if n.draining.Load() {
		answer(w, http.StatusServiceUnavailable, "draining\n")
		return
	}
	answer(w, http.StatusOK, "ready\n")
}

// answer writes a text.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // who asked is gone otherwise
}
