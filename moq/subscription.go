package moq

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// follow waits for the end of a subscription that this side asked for.
func (x *Subscription) follow() {
	err := x.kept.follow(func(m wire.Message) error {
		switch m := m.(type) {
		case *wire.PublishDone:
			x.finish(live.Done{Code: m.Code, Reason: m.Reason}, m.StreamCount)
		case *wire.StateNotify:
			x.notified(m)
		default:
			return x.kept.unexpected(m)
		}
		return nil
	})
	x.lose(err.Error())
}

// notified takes in PUBLISH_STATE_NOTIFY (draft 20).
func (x *Subscription) notified(m *wire.StateNotify) {
	if l := m.Params.LargestObject; l.Set {
		x.track.RaiseLargest(l.Value)
	}
	if x.notify != nil {
		x.notify(m.Params)
	}
}

// lose ends a subscription that the publisher did not end by PUBLISH_DONE.
func (x *Subscription) lose(reason string) {
	x.mu.Lock()
	x.lost = x.lost || x.done == nil
	x.mu.Unlock()
	x.finish(live.Done{Code: wire.DoneInternalError, Reason: reason}, 0)
}

// Lost reports whether the subscription ended without the publisher saying so:
// its session or its request was lost.
func (x *Subscription) Lost() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lost
}

// finish waits for the streams that are still on their way and ends the
// subscription (moqt-18 §10.11). Only the first call has an effect.
func (x *Subscription) finish(d live.Done, streams uint64) {
	x.mu.Lock()
	if x.done != nil {
		x.mu.Unlock()
		return
	}
	x.done, x.expected = &d, streams
	x.checkIdle()
	x.mu.Unlock()
	late := time.AfterFunc(max(x.session.config.AliasTimeout, x.defaults.ObjectDeliveryTimeout, x.defaults.SubgroupDeliveryTimeout), func() {
		x.mu.Lock()
		x.late = true
		x.checkIdle()
		x.mu.Unlock()
	})
	defer late.Stop()
	select {
	case <-x.idle:
	case <-x.session.ctx.Done():
	}
	if x.joining != nil && x.joining.fillOf == nil { // what it brings belongs to the track as well
		select {
		case <-x.joining.Done():
		case <-x.ended:
		case <-x.session.ctx.Done():
		}
	}
	x.terminate(d)
}

// checkIdle closes idle when the publisher is done and its streams are read.
// The caller holds mu.
func (x *Subscription) checkIdle() {
	if x.done == nil || len(x.reading) > 0 || (x.streams < x.expected && !x.late) {
		return
	}
	select {
	case <-x.idle:
	default:
		close(x.idle)
	}
}

// terminate ends the subscription at once.
func (x *Subscription) terminate(d live.Done) {
	x.mu.Lock()
	if x.done == nil {
		x.done = &d
	}
	over, fills := x.over, x.fills
	x.over = true
	x.mu.Unlock()
	if over {
		return
	}
	x.session.forgetSubscription(x)
	for _, f := range fills { // whose stream was among those waited for, or never came
		f.finish(errFillOver)
	}
	if x.owned {
		x.track.Close(d.Code, d.Reason)
	}
	close(x.ended)
}

// beginStream counts a data stream that begins; false means that the
// subscription is over. Each is followed by endStream.
func (x *Subscription) beginStream(in *inbound) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reading[in] = struct{}{}
	return !x.over
}

func (x *Subscription) endStream(in *inbound) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.reading, in)
	x.streams++
	x.checkIdle()
}

// Track is what the subscription fills.
func (x *Subscription) Track() *live.Track { return x.track }

// Largest is the largest location the publisher named when it accepted.
func (x *Subscription) Largest() (wire.Location, bool) { return x.largest.Value, x.largest.Set }

// Join is the fetch or fill that SubscribeOptions.JoinGroups or CatchUp asked for,
// nil without one. It fails with INVALID_RANGE when nothing was published yet.
func (x *Subscription) Join() *Fetch { return x.joining }

// Done is closed when the subscription is over: when the publisher ended it, what it
// sent, and the join, are in the track by then.
func (x *Subscription) Done() <-chan struct{} { return x.ended }

// Result says why the subscription is over; nil while it is not. With
// DoneMalformedTrack it may have been this side that found it out (moqt-18 §2.4.2).
func (x *Subscription) Result() *live.Done {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.over {
		return nil
	}
	return x.done
}

// Update changes parameters of the subscription (moqt-18 §10.9) and waits for the
// publisher's answer; what is unset in p stays. What FillParameters ask for comes
// into the track after it. ctx and the error are as for
// Session.Subscribe; a *RequestError leaves the subscription as it was, unless the
// publisher ends it.
func (x *Subscription) Update(ctx context.Context, p wire.Parameters) error {
	s := x.session
	if err := s.checkRanges(wire.MsgRequestUpdate, &p); err != nil {
		return err
	}
	if p.NewGroupRequest.Set && !x.defaults.DynamicGroups {
		return errors.New("moq: the publisher takes no NEW_GROUP_REQUEST for this track") // moqt-18 §10.2.13
	}
	var fill *Fetch
	u, c := x.requests()
	answer, err := u.send(ctx, s, c, p, updateHooks{sending: func(id uint64) {
		if p.FillParameters.Set && s.version.Has(wire.FeatureFill) {
			fill = x.newFill(id, p.FillParameters.Value)
		}
	}})
	if err == nil {
		x.agree(p)
		if answer.LargestObject.Set {
			x.track.RaiseLargest(answer.LargestObject.Value)
		}
	}
	switch {
	case fill == nil:
	case err != nil:
		fill.finish(err)
	default:
		x.awaitFill(fill, p.FillParameters.Value, answer.LargestObject)
	}
	return err
}

// requests returns where REQUEST_UPDATEs go.
func (x *Subscription) requests() (*updates, channel) {
	if x.kept != nil {
		return &x.kept.updates, x.kept.channel
	}
	return &x.publish.updates, x.publish.channel
}

// Goaway yields the peer's wish that this track be asked for elsewhere (moqt-18 §10.4).
func (x *Subscription) Goaway() <-chan Goaway { return x.goaway }

// Close cancels the subscription, and the join with it. It does not wait.
func (x *Subscription) Close() { x.cancel("cancelled by the subscriber") }

// HandOver is Close for one whose track somebody else goes on to fill: subgroups that
// were on their way are not given up (live.SubgroupWriter.Interrupt).
func (x *Subscription) HandOver() {
	x.mu.Lock()
	x.handed = true
	x.mu.Unlock()
	x.Close()
}

// Revoke is Close for a publisher that is not permitted any more to provide the
// track; Lost reports true then.
func (x *Subscription) Revoke(code wire.ResetCode) {
	x.mu.Lock()
	x.lost = x.lost || x.done == nil
	x.mu.Unlock()
	x.end(live.Done{Code: wire.DoneUnauthorized, Reason: "the publisher is no longer permitted"}, code)
}

// isHandedOver reports whether HandOver was called.
func (x *Subscription) isHandedOver() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.handed
}

func (x *Subscription) cancel(reason string) {
	x.end(live.Done{Code: wire.DoneInternalError, Reason: reason}, wire.ResetCancelled)
}

// end cancels the subscription for a reason of this side.
func (x *Subscription) end(d live.Done, code wire.ResetCode) {
	x.mu.Lock()
	if x.done == nil { // before the peer can answer: this is the reason
		x.done = &d
	}
	x.mu.Unlock()
	if x.kept != nil {
		x.kept.cancel(code)
	} else {
		x.publish.giveUp(code)
	}
	if x.joining != nil {
		x.joining.Close()
	}
	x.terminate(d)
	x.mu.Lock()
	streams := slices.Collect(maps.Keys(x.reading))
	x.mu.Unlock()
	for _, in := range streams { // the publisher may be slow to learn of it (moqt-18 §10.11)
		x.session.stopStream(in.stream, code)
	}
}

// Session is where the subscription comes from.
func (x *Subscription) Session() *Session { return x.session }
