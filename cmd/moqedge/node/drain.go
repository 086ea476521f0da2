package node

import (
	"context"
	"errors"
	"sync"
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
// limit have been closed; an error says that there were such. Another call while the node drains changes
// nothing of that and waits for it, up to a limit of its own.
func (n *Node) Drain(uri string, limit time.Duration) error {
	first := false
	n.drain.once.Do(func() { first, n.drain.done = true, make(chan struct{}) })
	if !first {
		select {
		case <-n.drain.done:
			return n.drain.err
		case <-time.After(limit):
			return errLimit
		}
	}
	n.drain.err = n.leave(uri, limit)
	close(n.drain.done)
	return n.drain.err
}

// drain is the one drain of a node.
type drain struct {
	once sync.Once
	done chan struct{} // made by once
	err  error         // valid when done is closed
}

// leave drains.
func (n *Node) leave(uri string, limit time.Duration) error {
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
