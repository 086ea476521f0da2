package relay

import (
	"context"
	"errors"
	"slices"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// feed is one publisher of a track: the subscription that it fills the track
// by, or the attempt to get one. All but the first block is guarded by the
// entry's mu.
type feed struct {
	entry  *trackEntry
	ctx    context.Context // of the attempt
	cancel context.CancelFunc
	asked  chan struct{} // closed when the attempt is over
	link   *link         // nil for a publisher that is connected to this relay
	began  time.Time
	pushed bool     // it came by PUBLISH
	told   []string // the relays that its request named as depending on it
	span   Span     // of the request for it, set before that is made; nil: it is not followed
	cause  Span     // what it was asked for first; likewise

	session  *moq.Session // nil while the link is not connected
	sub      *moq.Subscription
	forward  bool                // the forward state asked for
	turning  bool                // the publisher has not answered that yet
	group    wire.Option[uint64] // the new group asked for with the subscription
	missing  live.Range          // announced to the track, to be fetched
	joined   live.Range          // what is fetched with the subscription
	catching bool                // that is what others were bringing
	rejoin   bool                // that was refused, and is to be fetched again
	start    wire.Location       // with accepted: all from there on comes by the subscription
	leaving  bool                // its publisher wants it elsewhere: another one shall take its place
	silent   bool                // nothing is heard of its session: another one may take its place
	stranded bool                // the relay there has the track from nobody: likewise
	behind   bool                // it is being asked for what it did not bring
	remake   bool                // with behind: and has to be once more
	closing  bool                // another one has taken its place
	closer   *time.Timer         // with closing: ends it
	accepted bool                // it counts as established
}

var errAnew = errors.New("the publisher began anew")

// newFeed adds a feed that has no subscription yet. The caller holds mu.
func (e *trackEntry) newFeed(c candidate) *feed {
	f := &feed{entry: e, session: c.session, link: c.link, began: time.Now(), asked: make(chan struct{})}
	if c.link != nil {
		time.AfterFunc(promptly, e.poke)
	}
	f.ctx, f.cancel = context.WithCancel(e.relay.ctx)
	e.feeds = append(e.feeds, f)
	return f
}

// feedOf finds what a session provides or is asked for. The caller holds mu.
func (e *trackEntry) feedOf(s *moq.Session) *feed {
	for _, f := range e.feeds {
		if f.session == s && !f.leaving && !f.closing {
			return f
		}
	}
	return nil
}

// isSound reports whether a feed can be relied on, or is asked and can be: also by a
// link that is connected on demand, which is not connected when it is asked. One that
// shall take the place of another has to answer promptly, or others are asked as well.
// The caller holds mu.
func (f *feed) isSound() bool {
	if f.leaving || f.silent || f.stranded || f.closing {
		return false
	}
	late := f.entry.had && f.link != nil && time.Since(f.began) >= promptly
	if f.session == nil {
		return f.link != nil && f.link.isExpected() && !late
	}
	return f.accepted || !late
}

// promptly is how soon the relay that is asked answers, if it does soon.
const promptly = 300 * time.Millisecond

// source is what the feed's publisher is known by.
func (f *feed) source() source { return candidate{f.session, f.link}.source() }

// isBorrowed reports whether only one link provides the track or is asked for it.
func (e *trackEntry) isBorrowed(from *link) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.feeds {
		if f.link != from {
			return false
		}
	}
	return len(e.feeds) > 0
}

// isProvided reports whether a publisher besides a link provides the track.
func (e *trackEntry) isProvided(from *link) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.feeds {
		if f.accepted && f.link != from {
			return true
		}
	}
	return false
}

// publishedBy reports whether a session provides the track.
func (e *trackEntry) publishedBy(s *moq.Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.feedOf(s)
	return f != nil && f.accepted
}

// providers returns the established feeds. The caller holds mu.
func (e *trackEntry) providers() []*feed {
	var out []*feed
	for _, f := range e.feeds {
		if f.accepted && f.sub != nil && !f.closing {
			out = append(out, f)
		}
	}
	return out
}

// seek asks for the track wherever it can be had and was not refused: at all
// sessions that announced its namespace or a prefix of it (moqt-18 §9.5), at
// the best link when no publisher here has it. Nobody is asked for a track that
// nobody here wants.
func (e *trackEntry) seek() {
	found := e.relay.heard(e.relay.candidates(e.name))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || len(e.uses) == 0 || (len(e.feeds) == 0 && e.ended != nil) {
		return
	}
	now := time.Now()
	for s := range e.refused {
		if s.link == nil && s.session.Context().Err() != nil {
			delete(e.refused, s)
		}
	}
	for _, c := range found {
		if c.link == nil && e.feedOf(c.session) == nil && e.mayAsk(c.source(), now) {
			e.ask(e.newFeed(c))
		}
	}
	if e.isSupplied() {
		return
	}
	e.recall()
	if e.isSupplied() {
		return
	}
	for _, c := range found {
		if c.link == nil || e.lent(c.link) || !e.mayAsk(c.source(), now) || e.isAsked(c) {
			continue
		}
		if c.session == nil && !c.link.silent() && slices.ContainsFunc(e.feeds, func(f *feed) bool { return f.session == nil }) {
			continue // one that is not connected is waited for already
		}
		e.ask(e.newFeed(c))
		return
	}
}

// isAsked reports whether a candidate provides the track, or is asked for it,
// even if another one shall take its place. The caller holds mu.
func (e *trackEntry) isAsked(c candidate) bool {
	return slices.ContainsFunc(e.feeds, func(f *feed) bool {
		return f.session == c.session && f.link == c.link
	})
}

func (e *trackEntry) mayAsk(s source, now time.Time) bool {
	x, refused := e.refused[s]
	return !refused || (!x.again.IsZero() && !now.Before(x.again))
}

// ask subscribes in the background. The caller holds mu.
func (e *trackEntry) ask(f *feed) {
	f.forward, f.group = e.wanted(f), e.groups.pending
	f.follow()
	e.relay.tasks.Go(func() {
		err := e.find(f)
		if err == nil {
			err = f.subscribe()
		}
		if err != nil && e.parted(f) { // that was no answer
			if err = e.find(f); err == nil {
				err = f.subscribe()
			}
		}
		established := e.answered(f, err)
		f.asking(established, err)
		close(f.asked)
		if established {
			e.watch(f)
		}
	})
}

// linkPatience is how long a track waits for a link that is not connected.
const linkPatience = 2 * time.Second

// find waits for the session of a feed whose link is not connected.
func (e *trackEntry) find(f *feed) error {
	e.mu.Lock()
	known := f.session != nil
	e.mu.Unlock()
	if known {
		return nil
	}
	ctx, cancel := context.WithTimeout(f.ctx, linkPatience)
	defer cancel()
	s, err := f.link.wait(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil || e.lent(f.link) {
		return doesNotExist()
	}
	f.session = s
	return nil
}

// parted has a feed be without a session, and others be asked, when the session of
// its link ended while it was asked.
func (e *trackEntry) parted(f *feed) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.link == nil || f.session == nil || f.session.Context().Err() == nil || f.ctx.Err() != nil || f.accepted {
		return false
	}
	f.session, f.silent = nil, false
	e.poke()
	return true
}

// answered takes in how an attempt ended. When it reports that there is a subscription,
// the caller watches that.
func (e *trackEntry) answered(f *feed, err error) (established bool) {
	f.cancel()
	if err == nil && e.isOver() {
		f.sub.Close()
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.drop(f)
		if !f.closing { // given up, not refused
			e.refuse(f, err)
		}
		e.poke()
		return false
	}
	e.relay.log.Debug("track established", "track", e.name.String(), "remote", f.session.Conn().Info().RemoteAddr.String(), "publishers", len(e.providers()))
	e.attempt, e.next, e.ended, e.reason = 0, time.Time{}, nil, nil
	e.groups.sent(f.group, largest(e.live))
	for _, other := range e.feeds {
		if f.stranded && other.session != f.session {
			continue // it says so at once: it takes the place of nobody
		}
		if other != f && (other.session == f.session || other.leaving || other.link != nil) {
			other.retire()
		}
	}
	if f.link != nil && e.others(f) { // a publisher came here meanwhile
		f.retire()
	}
	e.changed.announce()
	e.poke()
	e.settle(nil) // last: of those that are woken they go on first
	return true
}

// watch waits for the end of a feed's subscription. One that its publisher
// wants elsewhere is kept until another publisher has taken its place (moqt-18 §10.4).
func (e *trackEntry) watch(f *feed) {
	defer func() {
		end(f.span, nil)
		e.relay.recordPublication(f, f.sub.Result())
	}()
	goaway := f.sub.Goaway()
	for {
		select {
		case <-goaway:
			goaway = nil
			e.mu.Lock()
			f.leaving = true
			e.mu.Unlock()
			e.poke()
		case <-f.sub.Done():
			e.finished(f)
			return
		case <-e.relay.ctx.Done():
			return
		}
	}
}

// minRetry is the least time between two requests for a track to a publisher that refused.
const minRetry = time.Second

// refuse notes why a session does not provide the track. The caller holds mu.
func (e *trackEntry) refuse(f *feed, err error) {
	x := refusal{err: err}
	var refused *moq.RequestError
	if errors.As(err, &refused) && refused.Retry.Set {
		x.again = time.Now().Add(max(refused.Retry.Value, minRetry))
	}
	e.refused[f.source()] = x
	if e.reason == nil || errors.Is(e.reason, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
		e.reason = err
	}
}

// drop removes a feed; false means that it was gone. The caller holds mu.
func (e *trackEntry) drop(f *feed) bool {
	for i, x := range e.feeds {
		if x == f {
			e.feeds = append(e.feeds[:i:i], e.feeds[i+1:]...)
			return true
		}
	}
	return false
}

// finished takes in the end of a feed's subscription. One that was lost may
// come back; one that its publisher ended, by whatever code, is no publisher
// of the track any more. The others go on either way: the track ends when the
// last of them has ended it (moqt-18 §9.3 leaves this open).
func (e *trackEntry) finished(f *feed) {
	d := f.sub.Result()
	lost := f.sub.Lost() || d.Code == wire.DoneGoingAway
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.drop(f) {
		return
	}
	defer e.poke()
	if !e.isSupplied() {
		e.recall()
	}
	if !lost && !f.closing {
		e.refused[f.source()] = refusal{err: &moq.RequestError{Request: wire.MsgSubscribe, Code: wire.RequestDoesNotExist, Reason: d.Reason}}
		e.ended = d
	}
	e.relay.log.Info("publisher left", "track", e.name.String(), "lost", lost, "why", d.Code.String(), "left", len(e.providers()))
	if others := e.providers(); len(others) > 0 {
		e.relay.tasks.Go(func() { e.mend(f.session, others) })
		return
	}
	if lost {
		e.lost, e.ended, e.torn = time.Now(), nil, f.forward
		clear(e.refused)
	}
}

// isDialed reports whether a session is one that this relay made: with a relay
// that it was told to trust.
func isDialed(s *moq.Session) bool { return s.Conn().Info().Client }

// isTrusted reports whether a session is with a relay that this one was told to
// trust, or one that showed a certificate for it (transport.ListenConfig.ClientCAs).
func isTrusted(s *moq.Session) bool {
	_, relay := s.PeerRelay()
	return isDialed(s) || relay && s.Conn().Info().Verified
}
