package live

import (
	"slices"

	"moqedge/moq/wire"
)

// State of a subgroup.
type State uint8

const (
	// Open: more objects may come.
	Open State = iota
	// Waiting: whoever wrote it is gone without an end, and Options.Recover promises another.
	Waiting
	// Finished: all objects that will ever be in it are.
	Finished
	// Aborted: it ends here although more objects may exist.
	Aborted
)

// SubgroupInfo describes a subgroup as a producer opens it.
type SubgroupInfo struct {
	Group, ID     uint64
	Priority      uint8
	HasProperties bool // object properties may be present
	EndOfGroup    bool // its end is the end of the group
	FirstObject   bool // the first object written is the first of the subgroup (moqt-18 §2.2)
}

// Subgroup is a sequence of objects that share a stream. The fields above the
// line never change; the others are guarded by the mu of the track.
type Subgroup struct {
	Group, ID     uint64
	Priority      uint8
	HasProperties bool

	track      *Track
	group      *group
	objects    []*Object // ascending by ID
	writers    int
	state      State
	code       wire.ResetCode
	endOfGroup bool
	firstKnown bool // objects[0] is the first object ever in the subgroup
	fillOnly   bool // all of it was fetched: no live writer has come yet
}

// EndsGroup reports whether the end of the subgroup is the end of its group.
func (s *Subgroup) EndsGroup() bool {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	return s.endOfGroup
}

// StartsWith reports whether o is the first object ever in the subgroup.
func (s *Subgroup) StartsWith(o *Object) bool {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	return s.firstKnown && len(s.objects) > 0 && s.objects[0] == o
}

// Next returns the first object with an ID of at least from. Without one the
// state says whether there may be later.
func (s *Subgroup) Next(from uint64) (*Object, State, wire.ResetCode) {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	// Readers mostly follow the end: look there before searching.
	if n := len(s.objects); n > 0 && s.objects[n-1].ID >= from {
		if n == 1 || s.objects[n-2].ID < from {
			return s.objects[n-1], s.state, s.code
		}
		i, _ := slices.BinarySearchFunc(s.objects, from, compareObject)
		return s.objects[i], s.state, s.code
	}
	return nil, s.state, s.code
}

// Follows reports whether o may be sent on a stream right after the object
// with ID previous: it is the next one, or came right after it on one stream
// (moqt-18 §11.4.3). With wait, a fill that is under way may bring what lies between.
func (s *Subgroup) Follows(o *Object, previous uint64) (ok, wait bool) {
	if o.ID == previous+1 || (o.chained && o.after == previous) {
		return true, false
	}
	return false, s.Filling(previous+1, o)
}

// Filling reports whether a fill is under way of what lies between the object
// with ID from, inclusive, and o.
func (s *Subgroup) Filling(from uint64, o *Object) bool {
	if from >= o.ID {
		return false
	}
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	gap := Range{wire.Location{Group: s.Group, Object: from}, o.Location()}
	return len(s.track.filling.within(gap)) > 0
}

// Lost reports whether the subgroup's group is no longer kept by the track.
func (s *Subgroup) Lost() bool {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	i, ok := s.track.findGroup(s.Group)
	return !ok || s.track.groups[i] != s.group
}

// OpenSubgroup returns a writer for the subgroup. Several writers may write
// one subgroup (another publisher, a later stream): objects that are there
// already are dropped, an object left incomplete is taken over.
func (t *Track) OpenSubgroup(i SubgroupInfo) (*SubgroupWriter, error) {
	t.mu.Lock()
	if t.done != nil {
		t.mu.Unlock()
		return nil, ErrClosed
	}
	g := t.groupFor(i.Group)
	s, opened := g.subgroup(t, i)
	s.writers++
	if s.state == Waiting || s.state == Aborted {
		s.state = Open
	}
	s.fillOnly = false
	s.endOfGroup = s.endOfGroup || i.EndOfGroup
	if opened {
		t.opened.append(s)
		t.settleFilled()
	}
	t.mu.Unlock()
	t.notify()
	return &SubgroupWriter{track: t, subgroup: s, first: i.FirstObject}, nil
}

// settleFilled finishes subgroups that a fetch brought and no live writer has
// continued: behind two newer groups none will, so they were complete. The
// caller holds mu.
func (t *Track) settleFilled() {
	for i := 0; i+2 < len(t.groups); i++ {
		for _, s := range t.groups[i].subgroups {
			if s.fillOnly && s.state == Waiting {
				s.state = Finished
			}
		}
	}
}

// subgroup returns the subgroup of g, made when it is missing. The caller holds the track's mu.
func (g *group) subgroup(t *Track, i SubgroupInfo) (s *Subgroup, made bool) {
	at, ok := slices.BinarySearchFunc(g.subgroups, i.ID, func(s *Subgroup, id uint64) int {
		switch {
		case s.ID < id:
			return -1
		case s.ID > id:
			return 1
		}
		return 0
	})
	if ok {
		return g.subgroups[at], false
	}
	s = &Subgroup{Group: i.Group, ID: i.ID, Priority: i.Priority, HasProperties: i.HasProperties, track: t, group: g}
	g.subgroups = slices.Insert(g.subgroups, at, s)
	return s, true
}
