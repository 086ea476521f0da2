package relay

import (
	"cmp"
	"slices"

	"moqedge/moq/wire"
)

// TrackDetail is how a track stands that the relay has now. What it counts begins anew
// when nobody has used the track for a while.
type TrackDetail struct {
	Name string `json:"name"` // printable (moqt-18 §1.5)
	// Subscribers are those who are served it, or wait for it, now.
	Subscribers int `json:"subscribers"`
	// Publishers is from how many it comes now, relays included, From which: names of
	// links, and addresses of publishers that are connected here.
	Publishers int      `json:"publishers"`
	From       []string `json:"from"`
	// Largest is the newest location; not there while none is known.
	Largest *TrackLocation `json:"largest,omitempty"`
	// BytesIn is the payload that publishers sent, what was fetched besides excepted.
	BytesIn uint64 `json:"bytesIn"`
	// CachedBytes of memory, and CachedGroups, are what is kept.
	CachedBytes  uint64 `json:"cachedBytes"`
	CachedGroups int    `json:"cachedGroups"`
}

// TrackLocation is the place of an object in a track.
type TrackLocation struct {
	Group  uint64 `json:"group"`
	Object uint64 `json:"object"`
}

// TrackPage tells how the tracks below a prefix stand, in the order of their printable
// names: up to limit of those whose name is behind after, and whether there are more.
func (r *Relay) TrackPage(prefix wire.Namespace, after string, limit int) (page []TrackDetail, more bool) {
	r.mu.Lock()
	entries, _ := r.names.below(prefix, len(r.tracks))
	r.mu.Unlock()
	type named struct {
		name  string
		entry *trackEntry
	}
	all := make([]named, 0, len(entries))
	for _, e := range entries {
		if name := e.name.String(); name > after {
			all = append(all, named{name, e})
		}
	}
	slices.SortFunc(all, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	if more = len(all) > limit; more {
		all = all[:limit]
	}
	page = make([]TrackDetail, 0, len(all))
	for _, x := range all {
		page = append(page, x.entry.detail(x.name))
	}
	return page, more
}

func (e *trackEntry) detail(name string) TrackDetail {
	d := TrackDetail{Name: name, Subscribers: e.live.Listeners(), From: []string{}, BytesIn: e.live.Came()}
	d.CachedBytes, d.CachedGroups = e.live.Size()
	if l := largest(e.live); l.Set {
		d.Largest = &TrackLocation{l.Value.Group, l.Value.Object}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.providers() {
		from := f.session.Conn().Info().RemoteAddr.String()
		if f.link != nil {
			from = f.link.name()
		}
		d.From = append(d.From, from)
	}
	d.Publishers = len(d.From)
	return d
}
