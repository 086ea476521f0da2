package moq

import (
	"context"
	"errors"
	"sync"

	"moqedge/moq/wire"
)

// updates are the REQUEST_UPDATEs that this side sent on one request stream
// and that the peer answers one after the other (moqt-18 §10.9).
type updates struct {
	mu      sync.Mutex
	pending []chan error // oldest first
	ended   bool
}

var errRequestOver = errors.New("moq: the request is over")

// send sends REQUEST_UPDATE and waits for its answer.
func (u *updates) send(ctx context.Context, s *Session, out *messageWriter, p wire.Parameters) error {
	answer := make(chan error, 1)
	u.mu.Lock()
	if u.ended {
		u.mu.Unlock()
		return errRequestOver
	}
	err := out.send(&wire.RequestUpdate{RequestID: s.requestID(), Params: p})
	if err == nil {
		u.pending = append(u.pending, answer)
	}
	u.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return s.cause()
	}
}

// answered hands the peer's answer to who waits for it.
func (u *updates) answered(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pending) > 0 {
		u.pending[0] <- err
		u.pending = u.pending[1:]
	}
}

// end says that no more answers come.
func (u *updates) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = true
	for _, p := range u.pending {
		p <- errRequestOver
	}
	u.pending = nil
}
