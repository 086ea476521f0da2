package moq

import (
	"context"
	"fmt"
	"sync"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// SubscribeOptions say how to subscribe. The zero value asks for all that is
// published from now on.
type SubscribeOptions struct {
	// Into is the track to append to; nil makes one. A track given here stays
	// open when the subscription ends: its owner closes it.
	Into *live.Track
	// Params are sent with SUBSCRIBE; an unset Filter means Largest Object.
	Params wire.Parameters
	// JoinGroups, when set, also fetches the current group and that many
	// before it (moqt-18 §10.12.2).
	JoinGroups wire.Option[uint64]
	// Established is called when the publisher has accepted, before anything
	// is appended, with what is missing between what Into had and where the
	// subscription begins; it may be empty. Nil forgets that range (live.Track.Forget).
	Established func(missing live.Range)
}

// Subscription is a track that the peer sends. It ends when the publisher ends
// it, when Close is called, or with the session.
type Subscription struct {
	session *Session
	track   *live.Track
	owned   bool // the track is closed with the subscription
	alias   uint64
	kept    *exchange // of SUBSCRIBE; nil when the peer sent PUBLISH
	publish *inRequest
	joining *Fetch

	had      wire.Option[wire.Location] // what the track had before it was asked for
	largest  wire.Option[wire.Location]
	defaults wire.TrackInfo

	mu       sync.Mutex
	reading  int    // data streams being read
	streams  uint64 // data streams read to their end
	expected uint64 // with done: how many there will be
	late     bool   // with done: streams that have not begun are no longer waited for
	done     *live.Done
	over     bool
	lost     bool
	idle     chan struct{} // closed when no more data is waited for
	ended    chan struct{}
}

// Subscribe asks the peer for a track.
func (s *Session) Subscribe(ctx context.Context, name wire.FullTrackName, o SubscribeOptions) (*Subscription, error) {
	key := name.Key()
	x := s.newSubscription(o.Into, name)
	s.mu.Lock()
	if _, twice := s.received[key]; twice {
		s.mu.Unlock()
		return nil, &RequestError{Request: wire.MsgSubscribe, Code: wire.RequestDuplicateSubscription, Reason: "subscribed to already"}
	}
	s.received[key] = x
	s.mu.Unlock()
	if !o.Params.Filter.Set {
		o.Params.Filter = wire.Some(wire.Filter{Type: wire.FilterLargestObject})
	}
	id := s.requestID()
	m := &wire.Subscribe{RequestID: id, Track: name, Params: o.Params}
	var join *Fetch
	var sendJoin func()
	if o.JoinGroups.Set { // sent right behind SUBSCRIBE: it costs no round trip
		join = s.newFetch(x.track, wire.GroupOrderAscending)
		sendJoin = func() {
			s.tasks.Go(func() {
				join.run(&wire.Fetch{RequestID: join.id, Kind: wire.FetchRelativeJoining, JoiningRequestID: id, JoiningStart: o.JoinGroups.Value,
					Params: wire.Parameters{SubscriberPriority: o.Params.SubscriberPriority}})
			})
		}
	}
	kept, answer, err := s.request(ctx, id, m, sendJoin)
	if err == nil {
		err = x.establish(kept, answer, o)
	}
	if err != nil {
		s.forgetSubscription(x)
		if join != nil {
			join.Close()
		}
		return nil, err
	}
	if join != nil {
		x.joining = join
		x.announceJoin(join, o.JoinGroups.Value)
	}
	s.register(x)
	s.tasks.Go(x.follow)
	return x, nil
}

func (s *Session) newSubscription(into *live.Track, name wire.FullTrackName) *Subscription {
	x := &Subscription{session: s, track: into, idle: make(chan struct{}), ended: make(chan struct{})}
	if into == nil {
		x.track, x.owned = live.NewTrack(name, live.Options{}), true
	}
	x.had.Value, x.had.Set = x.track.Largest()
	return x
}

// establish takes in SUBSCRIBE_OK.
func (x *Subscription) establish(kept *exchange, answer wire.Message, o SubscribeOptions) error {
	ok, isOK := answer.(*wire.SubscribeOK)
	if !isOK {
		return kept.unexpected(answer)
	}
	x.kept, x.alias, x.largest = kept, ok.TrackAlias, ok.Params.LargestObject
	if err := x.adopt(ok.TrackProperties); err != nil {
		kept.cancel(wire.ResetCancelled)
		return err
	}
	x.begin(o.Established)
	return nil
}

// adopt takes in the track's properties. One that must be understood and is
// not ends the subscription (moqt-18 §2.5.1).
func (x *Subscription) adopt(p wire.Properties) error {
	info, err := p.TrackInfo()
	if err != nil {
		x.session.fail(err)
		return err
	}
	if info.UnknownMandatory != 0 {
		return &RequestError{Request: wire.MsgSubscribe, Code: wire.RequestUnsupportedExtension,
			Reason: fmt.Sprintf("track property %#x must be understood", info.UnknownMandatory)}
	}
	x.defaults = info
	return x.track.SetProperties(p)
}

// begin tells the track, or whoever fills it, what this subscription will not bring.
func (x *Subscription) begin(established func(live.Range)) {
	var missing live.Range
	if x.largest.Set {
		if x.had.Set { // not what it has now: a joining fetch may have brought objects already
			missing.From = x.had.Value.Next()
		}
		missing.To = x.largest.Value.Next()
	}
	if established != nil {
		established(missing)
	} else {
		x.track.Forget(missing)
	}
	if x.largest.Set {
		x.track.RaiseLargest(x.largest.Value)
	}
}

// announceJoin makes readers of the track wait for what the joining fetch brings.
func (x *Subscription) announceJoin(f *Fetch, groups uint64) {
	if !x.largest.Set {
		return
	}
	l := x.largest.Value
	r := live.Range{From: wire.Location{Group: l.Group - min(groups, l.Group)}, To: l.Next()}
	x.track.ExpectFill(r)
	f.covers(r)
}

// register lets data of the subscription in.
func (s *Session) register(x *Subscription) {
	s.mu.Lock()
	old, used := s.aliases[x.alias]
	if !used {
		s.aliases[x.alias] = x
		s.announce()
	}
	s.mu.Unlock()
	if used {
		s.fail(&wire.Error{Code: wire.SessionDuplicateTrackAlias, Reason: fmt.Sprintf("alias %d is that of %s", x.alias, old.track.Name())})
	}
}

func (s *Session) forgetSubscription(x *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := x.track.Name().Key(); s.received[key] == x {
		delete(s.received, key)
	}
	if s.aliases[x.alias] == x {
		s.aliases[x.alias] = nil // late streams are known to be unwanted (moqt-18 §11.1)
	}
}

// follow waits for the end of a subscription that this side asked for.
func (x *Subscription) follow() {
	err := x.kept.follow(func(m wire.Message) error {
		d, ok := m.(*wire.PublishDone)
		if !ok {
			return x.kept.unexpected(m)
		}
		x.finish(live.Done{Code: d.Code, Reason: d.Reason}, d.StreamCount)
		return nil
	})
	x.kept.out.finish(nil)
	x.lose(err.Error())
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
	x.terminate(d)
}

// checkIdle closes idle when the publisher is done and its streams are read.
// The caller holds mu.
func (x *Subscription) checkIdle() {
	if x.done == nil || x.reading > 0 || (x.streams < x.expected && !x.late) {
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
	over := x.over
	x.over = true
	x.mu.Unlock()
	if over {
		return
	}
	x.session.forgetSubscription(x)
	if x.owned {
		x.track.Close(d.Code, d.Reason)
	}
	close(x.ended)
}

// beginStream counts a data stream that begins; false means that the
// subscription is over. Each is followed by endStream.
func (x *Subscription) beginStream() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reading++
	return !x.over
}

func (x *Subscription) endStream() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reading--
	x.streams++
	x.checkIdle()
}

// Track is what the subscription fills.
func (x *Subscription) Track() *live.Track { return x.track }

// Largest is the largest location the publisher named when it accepted.
func (x *Subscription) Largest() (wire.Location, bool) { return x.largest.Value, x.largest.Set }

// Join is the joining fetch asked for, nil without one.
func (x *Subscription) Join() *Fetch { return x.joining }

// Done is closed when the subscription is over.
func (x *Subscription) Done() <-chan struct{} { return x.ended }

// Result says why the subscription is over; nil while it is not.
func (x *Subscription) Result() *live.Done {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.over {
		return nil
	}
	return x.done
}

// Update changes parameters of the subscription (moqt-18 §10.9).
func (x *Subscription) Update(ctx context.Context, p wire.Parameters) error {
	if x.kept != nil {
		return x.kept.updates.send(ctx, x.session, x.kept.out, p)
	}
	return x.publish.updates.send(ctx, x.session, x.publish.out, p)
}

// Close cancels the subscription.
func (x *Subscription) Close() { x.cancel("cancelled by the subscriber") }

func (x *Subscription) cancel(reason string) {
	d := live.Done{Code: wire.DoneInternalError, Reason: reason}
	x.mu.Lock()
	if x.done == nil { // before the peer can answer: this is the reason
		x.done = &d
	}
	x.mu.Unlock()
	if x.kept != nil {
		x.kept.cancel(wire.ResetCancelled)
	} else {
		x.publish.cancel(wire.ResetCancelled)
	}
	if x.joining != nil {
		x.joining.Close()
	}
	x.terminate(d)
}

// Session is where the subscription comes from.
func (x *Subscription) Session() *Session { return x.session }
