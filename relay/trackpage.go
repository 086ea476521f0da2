package relay

import (
	"cmp"
	"slices"

	"moqedge/moq/wire"
)

// listedTrack is a track with what lists of tracks are sorted by.
type listedTrack struct {
	entry       *trackEntry
	name        string // printable
	subscribers int
}

// TrackPage tells how the tracks below a prefix stand, in the order of their printable
// names: up to limit of those whose name is behind after, and whether there are more.
func (r *Relay) TrackPage(prefix wire.Namespace, after string, limit int) (page []TrackStatus, more bool) {
	r.mu.Lock()
	entries, _ := r.names.below(prefix, len(r.tracks))
	r.mu.Unlock()
	all := make([]listedTrack, 0, len(entries))
	for _, e := range entries {
		if name := e.name.String(); name > after {
			all = append(all, listedTrack{entry: e, name: name})
		}
	}
	slices.SortFunc(all, func(a, b listedTrack) int { return cmp.Compare(a.name, b.name) })
	more = len(all) > limit
	return statuses(all[:min(limit, len(all))]), more
}

// Tracks tells how the tracks stand that the relay has, up to limit of them; 0: all.
// Those with the most subscribers come first, and of these in the order of their names.
func (r *Relay) Tracks(limit int) []TrackStatus {
	entries := r.entries()
	all := make([]listedTrack, 0, len(entries))
	for _, e := range entries {
		all = append(all, listedTrack{e, e.name.String(), e.subscribers()})
	}
	slices.SortFunc(all, func(a, b listedTrack) int {
		return cmp.Or(cmp.Compare(b.subscribers, a.subscribers), cmp.Compare(a.name, b.name))
	})
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return statuses(all)
}

// Track tells how the track of a printable name stands: one, or none.
func (r *Relay) Track(name string) []TrackStatus {
	for _, e := range r.entries() {
		if e.name.String() == name {
			return []TrackStatus{e.status(name)}
		}
	}
	return nil
}

// entries are those of all tracks, as it comes.
func (r *Relay) entries() []*trackEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*trackEntry, 0, len(r.tracks))
	for _, e := range r.tracks {
		all = append(all, e)
	}
	return all
}

func statuses(tracks []listedTrack) []TrackStatus {
	all := make([]TrackStatus, 0, len(tracks))
	for _, t := range tracks {
		all = append(all, t.entry.status(t.name))
	}
	return all
}
