package live

import (
	"math"
	"slices"

	"moqedge/moq/wire"
)

// Feed tells one subscriber of the subgroups and datagrams it has to look at.
// It is used by one goroutine.
type Feed struct {
	track     *Track
	seen      uint64 // Track.news at the last look
	start     wire.Location
	backlog   []*Subgroup
	subgroups uint64
	datagrams uint64
	late      uint64
	taken     map[*Object]struct{} // late objects read in order that Late has not returned yet
}

// Late is an object that came behind later ones of its subgroup, from a writer
// slower than another.
type Late struct {
	Subgroup *Subgroup // that the object is of
	Object   *Object   // which need not be complete
}

// NewFeed returns a feed of what is in the track at or after start, and of all that comes.
func (t *Track) NewFeed(start wire.Location) *Feed {
	t.expire()
	t.mu.RLock()
	defer t.mu.RUnlock()
	f := &Feed{track: t, seen: unseen, start: start, subgroups: t.opened.end(), datagrams: t.datagrams.end(), late: t.late.end()}
	for _, g := range t.groups {
		if g.id >= start.Group {
			f.backlog = append(f.backlog, g.subgroups...)
		}
	}
	for _, e := range t.datagrams.entries {
		if !e.removed && !e.value.Location().Less(start) {
			f.datagrams = e.position
			break
		}
	}
	return f
}

// Lower moves the start of the feed back. What is kept of the groups that are
// within it now is looked at again.
func (f *Feed) Lower(start wire.Location) {
	f.track.mu.RLock()
	defer f.track.mu.RUnlock()
	for _, g := range f.track.groups {
		if g.id >= start.Group && g.id < f.start.Group {
			f.backlog = append(f.backlog, g.subgroups...)
		}
	}
	f.start, f.seen = start, unseen
}

// unseen is no number of news.
const unseen = math.MaxUint64

// News reports whether Late, Subgroup, Datagrams or Track.Done may have something
// that they had not when it was asked last. It costs less than they do: nearly always
// what came to a track are objects of subgroups that are known.
func (f *Feed) News() bool {
	now := f.track.news.Load()
	if now == f.seen {
		return false
	}
	f.seen = now
	return true
}

// Subgroup returns the next subgroup with objects the subscriber may want. One
// that was Aborted is returned once more when a writer continues it.
func (f *Feed) Subgroup() (*Subgroup, bool) {
	if len(f.backlog) == 0 {
		f.track.mu.RLock()
		f.backlog = slices.AppendSeq(f.backlog[:0], f.track.opened.since(f.subgroups))
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

// Late returns the objects that came since the last call although later ones of
// their subgroups were there, except those given to Took: who has read the later
// ones has not seen these.
func (f *Feed) Late() []Late {
	f.track.mu.RLock()
	defer f.track.mu.RUnlock()
	var out []Late
	for l := range f.track.late.since(f.late) {
		if _, taken := f.taken[l.Object]; !taken {
			out = append(out, l)
		}
	}
	f.late = f.track.late.end()
	clear(f.taken)
	return out
}

// Took notes that an object was read in the order of its subgroup.
func (f *Feed) Took(o *Object) {
	if o.late <= f.late {
		return // it is none, or Late has returned it
	}
	if f.taken == nil {
		f.taken = map[*Object]struct{}{}
	}
	f.taken[o] = struct{}{}
}

// Datagrams appends the datagram objects that came since the last call to out.
func (f *Feed) Datagrams(out []*Object) []*Object {
	f.track.mu.RLock()
	defer f.track.mu.RUnlock()
	for o := range f.track.datagrams.since(f.datagrams) {
		if !o.Location().Less(f.start) {
			out = append(out, o)
		}
	}
	f.datagrams = f.track.datagrams.end()
	return out
}
