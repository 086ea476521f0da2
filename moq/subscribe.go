package moq

import (
	"context"
	"fmt"
	"sync"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// SubscribeOptions say how to subscribe. The zero value asks for all that is
// published from now on.
type SubscribeOptions struct {
	// Into is the track to append to; nil makes one, which keeps three groups and
	// is closed with the subscription. A track given here stays open when the
	// subscription ends: its owner closes it.
	Into *live.Track
	// Params are sent with SUBSCRIBE; an unset Filter means Largest Object. Range
	// filters fail in drafts without FeatureRangeFilters, before anything is sent.
	Params wire.Parameters
	// JoinGroups, when set, also fetches the current group and that many
	// before it: by a joining fetch (moqt-18 §10.12.2), or by a fill in drafts
	// that have it.
	JoinGroups wire.Option[uint64]
	// CatchUp, when set, also fetches what was published from this location on up
	// to where the subscription begins, by a FETCH sent with SUBSCRIBE: for a track
	// that was had from elsewhere up to there. It is not used with JoinGroups.
	CatchUp wire.Option[wire.Location]
	// JoinFailed is FetchOptions.Failed for what JoinGroups or CatchUp fetch.
	JoinFailed func(err error) bool
	// Notified is told of changes that the publisher makes by itself
	// (PUBLISH_STATE_NOTIFY of draft 20); it must not block. It may be nil.
	Notified func(wire.Parameters)
	// Supplied is told by a relay, when this side is one too (Session.PeerRelay), that
	// nothing of the track comes for now and that it has nobody else to ask (stranded),
	// or that it has the track again. It may be called before the answer, and must not
	// block. It may be nil.
	Supplied func(stranded bool)
	// Begun is told once, by the goroutine that reads it, that the first object comes by
	// the subscription, those that JoinGroups or CatchUp fetch excepted; it must not
	// block. It may be nil.
	Begun func()
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
	fills   []*Fetch // that have not ended, that of joining included; guarded by mu
	claimed bool     // counted in the session's received
	notify  func(wire.Parameters)
	goaway  chan Goaway

	received received
	had      wire.Option[wire.Location] // what the track had before it was asked for
	largest  wire.Option[wire.Location]
	defaults wire.TrackInfo

	wanted   wire.Parameters // Forward and Filter as last agreed; guarded by mu
	mu       sync.Mutex
	reading  map[*inbound]struct{} // data streams that have begun
	streams  uint64                // data streams read to their end
	expected uint64                // with done: how many there will be
	late     bool                  // with done: streams that have not begun are no longer waited for
	done     *live.Done
	over     bool
	lost     bool
	handed   bool                    // with over: somebody else fills the track
	seen     map[subgroupID]struct{} // streams of an alias that several subscriptions share
	idle     chan struct{}           // closed when no more data is waited for
	ended    chan struct{}
}

// subgroupID names a subgroup within a track.
type subgroupID struct{ group, id uint64 }

// Subscribe asks the peer for a track (moqt-18 §10.7) and waits for its answer.
//
// ctx bounds the wait and no more: the subscription goes on when ctx ends later.
// Without a deadline Config.RequestTimeout holds. The error is a *RequestError when
// the peer refuses, ErrGoaway after its GOAWAY, the cause of ctx, or what ended the
// session, as context.Cause(s.Context()) has it. A second subscription to a track is
// refused up to draft 18 (moqt-18 §5.1).
func (s *Session) Subscribe(ctx context.Context, name wire.FullTrackName, o SubscribeOptions) (*Subscription, error) {
	if err := s.checkRanges(wire.MsgSubscribe, &o.Params); err != nil {
		return nil, err
	}
	x := s.newSubscription(o.Into, name)
	x.notify, x.received.begun = o.Notified, o.Begun
	if !s.claimReceived(name) {
		return nil, &RequestError{Request: wire.MsgSubscribe, Code: wire.RequestDuplicateSubscription, Reason: "subscribed to already"}
	}
	x.claimed = true
	defer s.asks()()
	if !o.Params.Filter.Set {
		o.Params.Filter = wire.Some(wire.Filter{Type: wire.FilterLargestObject})
	}
	j := &join{session: s, subscription: x, groups: o.JoinGroups, from: o.CatchUp, failed: o.JoinFailed, trace: o.Params.TraceContext}
	kept := &exchange{session: s, kind: wire.MsgSubscribe, goaway: make(chan Goaway, 1), supplied: func(bool) {}}
	if o.Supplied != nil {
		kept.supplied = o.Supplied
	}
	answer, err := kept.request(ctx, func(id uint64) wire.Message {
		m := &wire.Subscribe{RequestID: id, Track: name, Params: o.Params}
		j.prepare(m)
		return m
	}, j.send)
	if err == nil {
		err = x.establish(kept, answer, o)
	}
	if err != nil {
		s.forgetSubscription(x)
		j.drop(err)
		return nil, err
	}
	j.established()
	s.register(x)
	s.tasks.Go(x.follow)
	return x, nil
}

// claimReceived counts a subscription of a track. Up to draft 18 a session has
// at most one (moqt-18 §5.1): false means that there is one.
func (s *Session) claimReceived(name wire.FullTrackName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := name.Key()
	if s.received[key] > 0 && !s.version.Has(wire.FeatureSharedTracks) {
		return false
	}
	put(&s.received, key, s.received[key]+1)
	return true
}

func (s *Session) newSubscription(into *live.Track, name wire.FullTrackName) *Subscription {
	x := &Subscription{session: s, track: into, idle: make(chan struct{}), ended: make(chan struct{}), goaway: make(chan Goaway, 1), reading: map[*inbound]struct{}{}}
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
	x.kept, x.alias, x.largest, x.goaway = kept, ok.TrackAlias, ok.Params.LargestObject, kept.goaway
	x.agree(o.Params)
	if err := x.adopt(ok.TrackProperties); err != nil {
		kept.cancel(wire.ResetCancelled)
		kept.free()
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
	if err := x.session.understood(wire.MsgSubscribe, info); err != nil {
		return err
	}
	x.defaults = info
	return x.track.SetProperties(p)
}

// understood refuses a track with a property that must be understood and is
// not (moqt-18 §2.5.1).
func (s *Session) understood(request wire.MessageType, info wire.TrackInfo) error {
	if info.UnknownMandatory == 0 || !s.version.Has(wire.FeatureMandatoryProperties) {
		return nil
	}
	return &RequestError{Request: request, Code: wire.RequestUnsupportedExtension,
		Reason: fmt.Sprintf("track property %#x must be understood", info.UnknownMandatory)}
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

// malformed ends what this side has of the track from this publisher (moqt-18 §2.4.2).
func (s *Session) malformed(name wire.FullTrackName, reason string) {
	s.log().Warn("malformed track", "track", name.String(), "reason", reason)
	s.mu.Lock()
	var subscriptions []*Subscription
	for _, list := range s.aliases.live {
		for _, x := range list {
			if x.track.Name().Equal(name) {
				subscriptions = append(subscriptions, x)
			}
		}
	}
	var fetches []*Fetch
	for _, f := range s.fetches {
		if f.track.Name().Equal(name) {
			fetches = append(fetches, f)
		}
	}
	s.mu.Unlock()
	for _, x := range subscriptions {
		x.end(live.Done{Code: wire.DoneMalformedTrack, Reason: reason}, wire.ResetMalformedTrack)
	}
	for _, f := range fetches {
		f.finish(&RequestError{Request: wire.MsgFetch, Code: wire.RequestMalformedTrack, Reason: reason})
	}
}
