package relay

import (
	"cmp"
	"slices"

	"moqedge/moq/deliver"
)

// delivered adds up what was sent by subscriptions that are over.
type delivered struct{ bytes, objects, skipped uint64 }

func (d *delivered) add(x deliver.Sent) {
	d.bytes += x.Bytes
	d.objects += x.Objects
	d.skipped += x.GroupsSkipped
}

// serve notes where to read what a subscription was sent.
func (u *use) serve(sent func() deliver.Sent) {
	u.entry.mu.Lock()
	defer u.entry.mu.Unlock()
	u.sent = sent
}

// TrackStatus is how a track stands that a relay has now. What it counts begins anew
// when nobody has used the track for a while.
type TrackStatus struct {
	Name        string `json:"name"`        // the peer's: quote it
	Subscribers int    `json:"subscribers"` // served now
	Publishers  int    `json:"publishers"`  // that it comes from now, relays included
	BytesIn     uint64 `json:"bytesIn"`     // payload that publishers sent, what was fetched besides excepted
	BytesOut    uint64 `json:"bytesOut"`
	ObjectsOut  uint64 `json:"objectsOut"`
	// GroupsSkipped is how many its subscribers did not get to their end.
	GroupsSkipped uint64 `json:"groupsSkipped"`
	// CachedBytes of memory, and CachedGroups, are what is kept.
	CachedBytes  uint64 `json:"cachedBytes"`
	CachedGroups int    `json:"cachedGroups"`
}

// Tracks tells how the tracks stand that the relay has, up to limit of them; 0: all.
// Those with the most listeners come first, and of these in the order of their names.
func (r *Relay) Tracks(limit int) []TrackStatus {
	return r.tracksWhere(limit, func(string) bool { return true })
}

// Track tells how the tracks of a name stand, as TrackStatus has it: one, or none.
func (r *Relay) Track(name string) []TrackStatus {
	return r.tracksWhere(1, func(n string) bool { return n == name })
}

func (r *Relay) tracksWhere(limit int, match func(name string) bool) []TrackStatus {
	type candidate struct {
		entry     *trackEntry
		name      string
		listeners int
	}
	r.mu.Lock()
	entries := make([]*trackEntry, 0, len(r.tracks))
	for _, e := range r.tracks {
		entries = append(entries, e)
	}
	r.mu.Unlock()
	all := make([]candidate, 0, len(entries))
	for _, e := range entries {
		if name := e.name.String(); match(name) {
			all = append(all, candidate{e, name, e.live.Listeners()})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.listeners, a.listeners), cmp.Compare(a.name, b.name))
	})
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	out := make([]TrackStatus, 0, len(all))
	for _, c := range all {
		out = append(out, c.entry.status(c.name))
	}
	return out
}

func (e *trackEntry) status(name string) TrackStatus {
	s := TrackStatus{Name: name, BytesIn: e.live.Came()}
	s.CachedBytes, s.CachedGroups = e.live.Size()
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Publishers = len(e.providers())
	sent := e.sent
	for u := range e.uses {
		if u.sent != nil {
			sent.add(u.sent())
			s.Subscribers++
		}
	}
	s.BytesOut, s.ObjectsOut, s.GroupsSkipped = sent.bytes, sent.objects, sent.skipped
	return s
}
