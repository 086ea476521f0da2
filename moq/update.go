package moq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"moqedge/moq/wire"
)

// updates are the REQUEST_UPDATEs that this side sent on one request and that
// the peer answers, in their order from draft 18 on (moqt-18 §10.9).
type updates struct {
	mu      sync.Mutex
	pending []*update // oldest first
	room    chan struct{}
	ended   bool
}

type update struct {
	id       uint64
	answer   chan updateAnswer
	accepted func() // called when the peer has accepted, before what follows is read; may be nil
}

type updateAnswer struct {
	params wire.Parameters
	err    error
}

var errRequestOver = errors.New("moq: the request is over")

// updateHooks are told of a REQUEST_UPDATE on its way; both may be nil.
type updateHooks struct {
	sending  func(id uint64) // the request ID, before it is sent
	accepted func()          // the peer's consent was read, and nothing behind it
}

// send sends REQUEST_UPDATE and waits for its answer. It waits before while the
// peer takes no more updates at a time (MAX_REQUEST_UPDATES, moqt-19 §10.3.1.7).
func (u *updates) send(ctx context.Context, s *Session, c channel, p wire.Parameters, hooks updateHooks) (wire.Parameters, error) {
	ctx, cancel := s.withPatience(ctx, wire.MsgRequestUpdate)
	defer cancel()
	if err := u.reserve(ctx, s); err != nil {
		return wire.Parameters{}, err
	}
	sent := &update{answer: make(chan updateAnswer, 1), accepted: hooks.accepted}
	err := s.withRequestID(ctx, func(id uint64) error {
		sent.id = id
		if hooks.sending != nil {
			hooks.sending(id)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.ended {
			return errRequestOver
		}
		u.pending = append(u.pending, sent)
		if err := c.send(&wire.RequestUpdate{RequestID: id, Params: p}); err != nil {
			u.pending = u.pending[:len(u.pending)-1]
			return err
		}
		return nil
	})
	if err != nil {
		u.release()
		return wire.Parameters{}, err
	}
	select {
	case a := <-sent.answer:
		return a.params, a.err
	case <-ctx.Done():
		return wire.Parameters{}, context.Cause(ctx)
	case <-s.ctx.Done():
		return wire.Parameters{}, s.cause()
	}
}

// reserve takes one of the updates that the peer allows at a time.
func (u *updates) reserve(ctx context.Context, s *Session) error {
	limit := s.peer.MaxRequestUpdates.Or(0)
	if limit == 0 {
		return nil
	}
	u.mu.Lock()
	if u.room == nil {
		u.room = make(chan struct{}, min(limit, 1024))
	}
	room := u.room
	u.mu.Unlock()
	select {
	case room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return s.cause()
	}
}

func (u *updates) release() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.releaseLocked()
}

func (u *updates) releaseLocked() {
	if u.room != nil {
		<-u.room
	}
}

// answered hands the peer's answer to who waits for it; false means that
// nobody does. Draft 16 tells by the ID which update is meant, later drafts
// answer in order.
func (u *updates) answered(id uint64, p wire.Parameters, err error) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pending) == 0 {
		return false
	}
	at := max(slices.IndexFunc(u.pending, func(x *update) bool { return x.id == id }), 0)
	x := u.pending[at]
	if err == nil && x.accepted != nil {
		x.accepted()
	}
	x.answer <- updateAnswer{p, err}
	u.pending = slices.Delete(u.pending, at, at+1)
	u.releaseLocked()
	return true
}

// end says that no more answers come.
func (u *updates) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ended = true
	for _, p := range u.pending {
		p.answer <- updateAnswer{err: errRequestOver}
		u.releaseLocked()
	}
	u.pending = nil
}

// updater applies the REQUEST_UPDATEs that the peer sends for one request, one
// after the other, while the request is read on: how many wait is what
// MAX_REQUEST_UPDATES limits (moqt-19 §10.3.1.7).
type updater struct {
	session  *Session
	channel  channel
	kind     wire.MessageType // of the request
	id       uint64
	settled  <-chan struct{} // closed when the request itself is answered; nil when it is from the start
	apply    func(*wire.RequestUpdate) (wire.Parameters, error)
	answered func(refusal *wire.RequestErr) // called behind each answer, with nil when it is REQUEST_OK; may be nil
	queue    chan *wire.RequestUpdate
	waiting  atomic.Int64
}

func newUpdater(s *Session, c channel, kind wire.MessageType, id uint64, apply func(*wire.RequestUpdate) (wire.Parameters, error)) *updater {
	return &updater{session: s, channel: c, kind: kind, id: id, apply: apply}
}

// take hands an update over. Drafts that know no limit make the peer wait.
func (u *updater) take(m *wire.RequestUpdate) error {
	s := u.session
	if _, done := u.channel.(*sharedChannel); !done { // see sharedControl.update
		if err := s.beginUpdate(u.kind, u.id, m); err != nil {
			return err
		}
	}
	limit := s.config.MaxRequestUpdates
	if n := u.waiting.Add(1); uint64(n) > limit && s.version.Has(wire.FeatureRequestUpdateLimit) {
		return &wire.Error{Code: wire.SessionTooManyRequestUpdates, Reason: fmt.Sprintf("more than %d REQUEST_UPDATEs wait for their answer", limit)}
	}
	if u.queue == nil { // mostly there is no update at all
		u.queue = make(chan *wire.RequestUpdate, min(limit, 1024))
		s.tasks.Go(u.run)
	}
	select {
	case u.queue <- m:
	case <-s.ctx.Done():
	}
	return nil
}

func (u *updater) run() {
	for m := range u.queue {
		if u.settled != nil { // answers come in the order of what they answer
			<-u.settled
		}
		var params wire.Parameters
		err := u.session.rangeFault(&m.Params)
		if err == nil {
			params, err = u.apply(m)
		}
		u.session.endUpdate(u.id)
		u.waiting.Add(-1) // before the peer has the answer: then it may send another
		var answer wire.Message = &wire.RequestOK{Params: params}
		var refusal *wire.RequestErr
		if refused := (*RequestError)(nil); errors.As(err, &refused) {
			refusal = &wire.RequestErr{Code: refused.Code, Reason: phrase(refused.Reason)}
			answer, err = refusal, nil
		}
		if err == nil {
			err = u.channel.answer(m.RequestID, answer)
			if u.answered != nil {
				u.answered(refusal)
			}
		}
		u.session.fault(err)
	}
}

// end lets the goroutine end; no update is taken after it.
func (u *updater) end() {
	if u.queue != nil {
		close(u.queue)
	}
}

// beginUpdate takes in what a REQUEST_UPDATE for a request means to the session,
// in the order of its stream, however long the request itself takes to apply it.
func (s *Session) beginUpdate(kind wire.MessageType, id uint64, m *wire.RequestUpdate) error {
	if err := m.CheckFor(s.version, kind); err != nil {
		return err
	}
	if _, err := s.takeRequestID(m.RequestID); err != nil {
		return err
	}
	if err := s.resolveTokens(&m.Params); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.served[id]; v != nil { // a FETCH that joins it waits (moqt-18 §10.12.2)
		v.updating++
	}
	return nil
}

// endUpdate says that an update has been applied or refused.
func (s *Session) endUpdate(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.served[id]; v != nil {
		v.updating--
		s.announce()
	}
}
