package relay

import (
	"context"
	"slices"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// A track that is had from a relay, which has it from another one, must not
// come back to where it is had: nobody would send anything, and nobody would
// see that. So requests between relays name the relays that depend on the
// answer (RELAY_PATH), and a relay that is asked for what it has, or waits for,
// from a further one asks there whether one of those is on the way, before it
// accepts: by a TRACK_STATUS, which follows the subscriptions up to a publisher.
//
// That finds every circle. The last two relays to close one have both noted
// what they depend on before they ask, so the question of at least one of them
// comes around.
//
// What a relay says that nobody vouches for, which any client can be, decides
// about its own requests alone: it could name the very relays that a track is
// to be had from.

// pathOf returns the relays that depend on the answer to a request, nil when
// it does not come from a relay.
func pathOf(s *moq.Session, p wire.Parameters) []string {
	peer, ok := s.PeerRelay()
	if !ok {
		return nil
	}
	return merge(p.RelayPath.Value, []string{peer.ID})
}

// merge adds IDs to a path, as long as there is room. A path that lacks some is
// still found to be a circle, only later.
func merge(path, more []string) []string {
	for _, id := range more {
		if len(path) < wire.MaxHops && !slices.Contains(path, id) {
			path = append(path[:len(path):len(path)], id)
		}
	}
	return path
}

// path returns the relays that depend on the track: this one and those that
// are trusted and have it from here. The caller holds mu.
func (e *trackEntry) path() []string {
	path := []string{e.relay.id}
	for u := range e.uses {
		if isTrusted(u.session) {
			path = merge(path, u.path)
		}
	}
	return path
}

// tell returns the path for the request of a feed, and notes that it was told.
func (f *feed) tell() wire.Option[[]string] {
	f.entry.mu.Lock()
	defer f.entry.mu.Unlock()
	f.told = f.entry.path()
	return wire.Some(f.told)
}

func errCircle() error {
	return &moq.RequestError{Request: wire.MsgSubscribe, Code: wire.RequestDoesNotExist, Reason: "asked in a circle"}
}

// circular returns an error when relays that ask for a track would have it from
// themselves.
func (r *Relay) circular(ctx context.Context, name wire.FullTrackName, path []string) error {
	if len(path) == 0 {
		return nil
	}
	if slices.Contains(path, r.id) {
		return errCircle()
	}
	r.mu.Lock()
	e := r.tracks[name.Key()]
	r.mu.Unlock()
	if e == nil {
		return nil
	}
	sessions, err := e.dependsOn(path)
	if err != nil || len(sessions) == 0 {
		return err
	}
	_, err = r.trace(ctx, name, sessions, path)
	return err
}

// dependsOn returns the sessions with relays that the track is had from, or is
// waited for, without their knowing of the path; none when a publisher here
// provides it. The error says that one of them is on the path.
func (e *trackEntry) dependsOn(path []string) ([]*moq.Session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []*moq.Session
	for _, f := range e.feeds {
		switch {
		case f.link == nil && f.accepted && !f.leaving && !f.closing:
			return nil, nil
		case f.link == nil || f.session == nil || f.told == nil: // the path is told when it is asked
			continue
		}
		peer, ok := f.session.PeerRelay()
		switch {
		case !ok:
		case slices.Contains(path, peer.ID):
			return nil, errCircle()
		case f.silent || f.stranded: // nothing comes around by it, and it may not answer
		case !contains(f.told, path):
			out = append(out, f.session)
		}
	}
	return out, nil
}

func contains(all, some []string) bool {
	for _, id := range some {
		if !slices.Contains(all, id) {
			return false
		}
	}
	return true
}

// trace asks relays that this one depends on for the status of a track, which
// follows the track up to a publisher. One that can tell is enough.
func (r *Relay) trace(ctx context.Context, name wire.FullTrackName, sessions []*moq.Session, path []string) (moq.TrackStatus, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.config.RequestTimeout, errNoAnswer)
	defer cancel()
	err := doesNotExist()
	p := wire.Parameters{RelayPath: wire.Some(merge([]string{r.id}, path)), TraceContext: contextOf(spanIn(ctx))}
	for _, s := range sessions {
		var status moq.TrackStatus
		if status, err = s.TrackStatusBy(ctx, name, p); err == nil {
			return status, nil
		}
	}
	return moq.TrackStatus{}, err
}

// lent reports whether a link has the track from here: two relays would
// feed each other for ever. The caller holds mu.
func (e *trackEntry) lent(to *link) bool {
	id := to.peerID()
	for u := range e.uses {
		if e.relay.links.of(u.session) == to || id != "" && isTrusted(u.session) && slices.Contains(u.path, id) {
			return true
		}
	}
	return false
}

// lend ends the subscriptions of links that have the namespace from somebody
// else, so that the track can be had from there. The caller holds mu.
func (e *trackEntry) lend() {
	if time.Since(e.lost) < lendAfter || e.relay.hasPublisher(e.name.Namespace) {
		return
	}
	for u := range e.uses {
		if l := e.relay.links.of(u.session); l != nil && u.accepted && l.shows(e.name.Namespace) {
			e.relay.tasks.Go(func() { u.request.End(wire.DoneGoingAway, "the publisher was lost") })
		}
	}
}

// lendAfter is how long the word of a link that it has a namespace may still be
// about a publisher that was lost here.
const lendAfter = time.Second
