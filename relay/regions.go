package relay

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"moqedge/moq"
)

// Bounds of the regions that other relays say they are in: they become labels of
// metrics, which must not grow as peers like. Those whom nobody vouches for have the
// smaller one to themselves at most.
const (
	maxRegions         = 64
	maxStrangersRegion = 32
	// regionOther stands for those beyond.
	regionOther = "OTHER"
)

// regions are those that relays were told of. The zero value has none.
type regions struct {
	mu        sync.Mutex // no other lock is taken while it is held
	known     map[string]struct{}
	strangers int // of known, those that a relay told first which nobody vouches for
}

// admit is the region as it is counted: itself while there is room, "" when it is no text
// that can be shown.
func (g *regions) admit(region string, trusted bool) string {
	unseemly := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if region == "" || strings.ContainsFunc(region, unseemly) {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.known[region]; known {
		return region
	}
	if len(g.known) >= maxRegions || !trusted && g.strangers >= maxStrangersRegion {
		return regionOther
	}
	if g.known == nil {
		g.known = map[string]struct{}{}
	}
	g.known[region] = struct{}{}
	if !trusted {
		g.strangers++
	}
	return region
}

// regionOf is the region that the peer of a session is in, as far as it is known: clients
// are asked to come to the nearest relay, relays say it themselves, unless the directory
// does.
func (r *Relay) regionOf(s *moq.Session) string {
	peer, relay := s.PeerRelay()
	if !relay {
		if isDialed(s) { // of another make
			return ""
		}
		return r.config.Region
	}
	if r.listed != nil {
		if region, known := r.listed.region(peer.ID); known {
			return r.regions.admit(region, true)
		}
	}
	return r.regions.admit(peer.Region, isTrusted(s))
}
