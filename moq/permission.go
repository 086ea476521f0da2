package moq

import (
	"errors"
	"time"

	"moqedge/moq/wire"
)

// Permission is what the application lets a request of the peer go on for. The zero
// value says nothing of its end. It is enforced by the application, which ends the
// request; the session only tells the peer of it and asks about updates.
type Permission struct {
	// Until is when the permission ends; zero: not at a known time. Answers that
	// have a place for it say so (EXPIRES, moqt-18 §10.2.10).
	Until time.Time
	// Renew is asked about every REQUEST_UPDATE before it is applied and returns
	// the new Until; an error refuses the update, which ends the request (moqt-18
	// §10.9.1): a *RequestError with its code, others with UNAUTHORIZED. nil
	// permits all updates. It may wait.
	Renew func(p wire.Parameters) (time.Time, error)
}

// expires is what is told of the end of the permission (moqt-18 §10.2.10).
func (p *Permission) expires() wire.Option[time.Duration] {
	if p.Until.IsZero() {
		return wire.Option[time.Duration]{}
	}
	return wire.Some(max(time.Until(p.Until), time.Millisecond))
}

// change asks about a REQUEST_UPDATE and applies it when it is permitted. Updates of a
// request are applied one after the other, after its answer.
func (p *Permission) change(m *wire.RequestUpdate, apply func(*wire.RequestUpdate) (wire.Parameters, error)) (wire.Parameters, error) {
	if p.Renew != nil {
		until, err := p.Renew(m.Params)
		if refused := (*RequestError)(nil); err != nil && !errors.As(err, &refused) {
			err = &RequestError{Code: wire.RequestUnauthorized, Reason: err.Error()}
		}
		if err != nil {
			return wire.Parameters{}, err
		}
		p.Until = until
	}
	answer, err := apply(m)
	answer.Expires = p.expires()
	return answer, err
}

// Grant implements Request.
func (r *inRequest) Grant(p Permission) { r.permission = p }

// Revoke implements Request.
func (r *inRequest) Revoke(code wire.ResetCode) { r.giveUp(code) }
