package live

import (
	"slices"

	"moqedge/moq/wire"
)

// Feed tells one subscriber of the subgroups and datagrams it has to look at.
// It is used by one goroutine.
type Feed struct {
	track     *Track
	start     wire.Location
	backlog   []*Subgroup
	subgroups uint64
	datagrams uint64
}

// NewFeed returns a feed of what is in the track at or after start, and of all that comes.
func (t *Track) NewFeed(start wire.Location) *Feed {
	t.mu.RLock()
	defer t.mu.RUnlock()
	f := &Feed{track: t, start: start, subgroups: t.opened.end(), datagrams: t.datagrams.end()}
	for _, g := range t.groups {
		if g.id >= start.Group {
			f.backlog = append(f.backlog, g.subgroups...)
		}
	}
	for i, o := range t.datagrams.entries {
		if !o.Location().Less(start) {
			f.datagrams = t.datagrams.base + uint64(i)
			break
		}
	}
	return f
}

// Subgroup returns the next subgroup with objects the subscriber may want.
func (f *Feed) Subgroup() (*Subgroup, bool) {
	if len(f.backlog) == 0 {
		f.track.mu.RLock()
		f.backlog = slices.Clone(f.track.opened.since(f.subgroups))
		f.subgroups = f.track.opened.end()
		f.track.mu.RUnlock()
	}
	for len(f.backlog) > 0 {
		s := f.backlog[0]
		f.backlog = f.backlog[1:]
		if s.Group >= f.start.Group {
			return s, true
		}
	}
	return nil, false
}

// Datagrams returns the datagram objects that came since the last call.
func (f *Feed) Datagrams() []*Object {
	f.track.mu.RLock()
	defer f.track.mu.RUnlock()
	var out []*Object
	for _, o := range f.track.datagrams.since(f.datagrams) {
		if !o.Location().Less(f.start) {
			out = append(out, o)
		}
	}
	f.datagrams = f.track.datagrams.end()
	return out
}
