package relay

import (
	"context"
	"errors"
	"slices"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// trackStatus answers from an established track, else with what publishers
// say, so that nobody has to be subscribed to for it (moqt-18 §10.14).
func (h handler) trackStatus(ctx context.Context, r *moq.TrackStatusRequest) {
	path := pathOf(r.Session(), r.Params)
	if r.Params.RelayPath.Set {
		if t, err := h.followStatus(ctx, r.Track, path); t != nil || err != nil {
			if err != nil {
				r.RejectWith(err)
			} else {
				r.Accept(t)
			}
			return
		}
	}
	if !h.relay.isEstablished(r.Track) {
		t, err := h.askStatus(ctx, r.Track, r.Session(), path)
		if err == nil {
			r.Accept(t)
			return
		}
		if !errors.Is(err, &moq.RequestError{Code: wire.RequestNotSupported}) {
			r.RejectWith(err)
			return
		}
	}
	u := &use{session: r.Session(), path: path}
	if err := h.find(ctx, r.Track, u, wire.Option[uint64]{}, 0); err != nil {
		r.RejectWith(err)
		return
	}
	defer h.relay.release(u)
	defer u.stay()
	u.entry.current(ctx)
	r.Accept(u.entry.live)
}

// isEstablished reports whether a publisher provides a track.
func (r *Relay) isEstablished(name wire.FullTrackName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.tracks[name.Key()]
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.providers()) > 0
}

// askStatus asks all that announced the track's namespace, or else the links
// one after the other, and returns a track that says what the one furthest
// ahead said.
func (h handler) askStatus(ctx context.Context, name wire.FullTrackName, asker *moq.Session, path []string) (*live.Track, error) {
	from := h.relay.links.of(asker)
	var local []*moq.Session
	var links []candidate
	for _, c := range h.relay.candidates(name) {
		switch {
		case c.link == nil:
			local = append(local, c.session)
		case c.link != from && !slices.Contains(path, c.link.peerID()):
			links = append(links, c)
		}
	}
	p := wire.Parameters{RelayPath: wire.Some(merge([]string{h.relay.id}, path)), TraceContext: contextOf(spanIn(ctx))}
	t, err := firstStatus(ctx, name, local, p)
	for _, c := range links {
		if err == nil {
			break
		}
		patience, cancel := context.WithTimeout(ctx, linkPatience)
		s, lost := c.wait(patience)
		cancel()
		if lost == nil {
			t, err = firstStatus(ctx, name, []*moq.Session{s}, p)
		}
	}
	return t, err
}

func firstStatus(ctx context.Context, name wire.FullTrackName, sessions []*moq.Session, p wire.Parameters) (*live.Track, error) {
	type answer struct {
		moq.TrackStatus
		err error
	}
	answers := make(chan answer, len(sessions))
	for _, s := range sessions {
		go func() {
			status, err := s.TrackStatusBy(ctx, name, p)
			answers <- answer{status, err}
		}()
	}
	var best *moq.TrackStatus
	refused := doesNotExist()
	for range sessions {
		a := <-answers
		switch {
		case a.err != nil:
			if errors.Is(refused, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
				refused = a.err
			}
		case best == nil, a.Largest.Set && (!best.Largest.Set || best.Largest.Value.Less(a.Largest.Value)):
			best = &a.TrackStatus
		}
	}
	if best == nil {
		return nil, refused
	}
	return statusTrack(name, *best), nil
}

// statusTrack is a track that says what a publisher said.
func statusTrack(name wire.FullTrackName, s moq.TrackStatus) *live.Track {
	t := live.NewTrack(name, live.Options{Properties: s.Properties})
	if s.Largest.Set {
		t.RaiseLargest(s.Largest.Value)
	}
	return t
}

// followStatus answers a relay that wants to know whether a track comes from
// one of those on the path: where it is had from others, they are asked. It
// returns nothing when the track is not had, or from a publisher here.
func (h handler) followStatus(ctx context.Context, name wire.FullTrackName, path []string) (*live.Track, error) {
	r := h.relay
	if slices.Contains(path, r.id) {
		return nil, errCircle()
	}
	r.mu.Lock()
	e := r.tracks[name.Key()]
	r.mu.Unlock()
	if e == nil {
		return nil, nil
	}
	sessions, err := e.dependsOn(path)
	if err != nil || len(sessions) == 0 {
		return nil, err
	}
	status, err := r.trace(ctx, name, sessions, path)
	if err != nil {
		return nil, err
	}
	return statusTrack(name, status), nil
}
