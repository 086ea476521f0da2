package moq

import (
	"fmt"
	"slices"

	"moqedge/moq/wire"
)

// aliases are the peer's track aliases (moqt-18 §11.1). They are guarded by the
// session's mu.
type aliases struct {
	live    map[uint64][]*Subscription // several share one from draft 19 on
	offered map[uint64]int             // of PUBLISHes that are not answered yet
	gone    map[uint64]string          // of no use any more, with the key of their track
	order   []uint64                   // of gone, oldest first
}

// maxGoneAliases is how many aliases of no use a session remembers, so that late
// streams are known to be unwanted.
const maxGoneAliases = 1024

func (a *aliases) retire(alias uint64, track string) {
	if _, known := a.gone[alias]; !known {
		a.order = append(a.order, alias)
	}
	put(&a.gone, alias, track)
	if len(a.order) > maxGoneAliases {
		delete(a.gone, a.order[0])
		a.order = a.order[1:]
	}
}

// offer notes the alias of a PUBLISH until it is answered. A refused one
// is of no use then.
func (s *Session) offer(alias uint64, name wire.FullTrackName) (answered func(refused bool)) {
	s.attend()
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.aliases
	put(&a.offered, alias, a.offered[alias]+1)
	s.announce()
	return func(refused bool) {
		if refused {
			defer s.dropEarly(alias)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if a.offered[alias]--; a.offered[alias] == 0 {
			delete(a.offered, alias)
		}
		if refused {
			a.retire(alias, name.Key())
		}
		s.announce()
	}
}

// register lets data of the subscription in, that which came early first.
func (s *Session) register(x *Subscription) {
	s.early.mu.Lock()
	s.mu.Lock()
	var collision *Subscription
	for _, other := range s.aliases.live[x.alias] {
		shared := s.version.Has(wire.FeatureSharedTracks) && other.track.Name().Equal(x.track.Name())
		if !shared {
			collision = other
		}
	}
	if collision == nil {
		put(&s.aliases.live, x.alias, append(slices.Clone(s.aliases.live[x.alias]), x))
		s.announce()
	}
	s.mu.Unlock()
	var faults []fault
	if collision == nil {
		for _, a := range s.early.takeOf(x.alias) {
			faults = append(faults, s.deliver([]*Subscription{x}, &a)...)
		}
	}
	s.early.mu.Unlock()
	s.malformedIn(faults)
	if collision != nil {
		s.fail(&wire.Error{Code: wire.SessionDuplicateTrackAlias, Reason: fmt.Sprintf("alias %d is that of %s", x.alias, collision.track.Name())})
	}
}

// forgetSubscription removes a subscription that is over or never was.
func (s *Session) forgetSubscription(x *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := x.track.Name().Key()
	if x.claimed {
		x.claimed = false
		if s.received[key]--; s.received[key] == 0 {
			delete(s.received, key)
			s.announce()
		}
	}
	list := s.aliases.live[x.alias]
	at := slices.Index(list, x)
	switch {
	case at < 0:
	case len(list) > 1:
		s.aliases.live[x.alias] = slices.Delete(slices.Clone(list), at, at+1)
	default:
		delete(s.aliases.live, x.alias)
		s.aliases.retire(x.alias, key)
	}
}

// subscriptionFor finds what an alias stands for. Data may come before the
// message that explains the alias, or that is answered, so it waits (moqt-18
// §11.4.2). nil means that nobody wants it.
func (s *Session) subscriptionFor(h *wire.SubgroupHeader) *Subscription {
	var list []*Subscription
	var explained, offered bool
	look := func() bool {
		a := &s.aliases
		var track string
		list, offered = a.live[h.TrackAlias], a.offered[h.TrackAlias] > 0
		track, explained = a.gone[h.TrackAlias]
		// A publisher may name a track that is asked for again as it did before.
		return len(list) > 0 || explained && !offered && s.received[track] == 0
	}
	found := s.wait(look) || offered && s.waitFor(s.config.DataTimeout, look)
	if !found && !explained && !offered {
		s.bear("streams of tracks that nobody asked for")
	}
	if len(list) == 1 {
		return list[0]
	}
	for _, x := range list {
		if x.claimStream(subgroupID{h.Group, h.Subgroup}) {
			return x
		}
	}
	return nil
}

// claimStream says whether a stream of an alias that several subscriptions
// share may belong to this one: it has had none of this subgroup (moqt-19 §5.1:
// an object is sent once for each subscription).
func (x *Subscription) claimStream(id subgroupID) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, had := x.seen[id]; had || x.over {
		return false
	}
	if x.seen == nil || len(x.seen) > 4096 {
		x.seen = map[subgroupID]struct{}{}
	}
	x.seen[id] = struct{}{}
	return true
}
