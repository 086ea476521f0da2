package relay

import (
	"cmp"
	"context"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
)

// A relay that was killed is noticed when its host says that its port is closed
// (moq/transport connects the sockets of links). A host that is gone says nothing:
// a link is pinged whenever nothing came for a moment, and when it stays silent
// its tracks are asked for elsewhere, long before its connection is given up. A
// link that only stalled loses nothing by that: what comes twice is merged.
const (
	// linkKeepAlive is after how long without a packet a link is pinged.
	linkKeepAlive = 250 * time.Millisecond
	// pulsePatience, and three round trips, is how much longer a link may be silent.
	pulsePatience = 200 * time.Millisecond
	// pulseTick is how often it is looked. Ticks are counted, not time: while this
	// process does not run, neither link is at fault.
	pulseTick = 50 * time.Millisecond
	// linkIdle ends the connection of a silent link, so that another one is made.
	linkIdle = 3 * time.Second
	// linkHandshake bounds an attempt to make one: packets of a handshake that are
	// lost are repeated ever more seldom, a new attempt begins at once.
	linkHandshake = 3 * time.Second
)

// maxLinkUniStreams is how many groups of tracks may be open at a time on a link to
// another relay: one of each track that it can have, which is bounded by
// transport.DefaultMaxStreams.
const maxLinkUniStreams = transport.DefaultMaxStreams

// lively returns a refresh function by which the connections of a link are pinged,
// and carry many tracks.
func lively(refresh func(context.Context, *transport.DialConfig) error) func(context.Context, *transport.DialConfig) error {
	return func(ctx context.Context, d *transport.DialConfig) error {
		if refresh != nil {
			if err := refresh(ctx, d); err != nil {
				return err
			}
		}
		d.KeepAlive = linkKeepAlive
		d.MaxUniStreams = cmp.Or(d.MaxUniStreams, maxLinkUniStreams)
		if d.IdleTimeout == 0 {
			d.IdleTimeout = linkIdle
		}
		if d.HandshakeTimeout == 0 {
			d.HandshakeTimeout = linkHandshake
		}
		return nil
	}
}

// watchPulse has the tracks of a link's session asked for elsewhere while the
// session is silent, until ctx is done.
func (r *Relay) watchPulse(ctx context.Context, s *moq.Session) {
	ticks := time.NewTicker(pulseTick)
	defer ticks.Stop()
	heard, silent, suspected := uint64(0), time.Duration(0), false
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			if suspected {
				r.suspect(s, false)
			}
			return
		}
		stats := s.Conn().Stats()
		if stats.PacketsReceived != heard {
			heard, silent = stats.PacketsReceived, 0
		} else {
			silent += pulseTick
		}
		if suspect := silent >= linkKeepAlive+pulsePatience+3*stats.SmoothedRTT; suspect != suspected {
			suspected = suspect
			r.suspect(s, suspect)
		}
	}
}

// heard returns those candidates that can be asked: of links that are silent
// another connection may be had, so they are the last.
func (r *Relay) heard(all []candidate) []candidate {
	r.mu.Lock()
	defer r.mu.Unlock()
	var silent []candidate
	out := all[:0]
	for _, c := range all {
		if _, ok := r.silent[c.session]; ok {
			silent = append(silent, c)
		} else {
			out = append(out, c)
		}
	}
	return append(out, silent...)
}

// suspect notes that a session is silent, or no longer. What it provides is
// asked for elsewhere meanwhile.
func (r *Relay) suspect(s *moq.Session, silent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if silent {
		r.silent[s] = struct{}{}
	} else {
		delete(r.silent, s)
	}
	concerned := 0
	for _, e := range r.tracks {
		e.mu.Lock()
		provides := false
		for _, f := range e.feeds {
			if f.session == s {
				f.silent, provides = silent, true
				if !silent {
					e.restored(f)
				}
			}
		}
		e.mu.Unlock()
		if provides {
			e.poke()
			concerned++
		}
	}
	if silent && (concerned > 0 || isTrusted(s)) { // others may be silent as they like
		r.log.Warn("link is silent", "remote", s.Conn().Info().RemoteAddr.String(), "tracks", concerned)
	}
}
