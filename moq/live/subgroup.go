package live

import (
	"slices"
	"sync/atomic"
	"time"

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
	Group, ID     uint64 // ID is that of the subgroup in its Group
	Priority      uint8  // the publisher's; lower is more important, wire.DefaultPriority if it does not matter
	HasProperties bool   // object properties may be present
	EndOfGroup    bool   // its end is the end of the group
	FirstObject   bool   // the first object written is the first of the subgroup (moqt-18 §2.2)
}

// Subgroup is a sequence of objects that share a stream (moqt-18 §2.2): ID names
// it in its Group, Priority is the publisher's. These fields never change; the
// others are guarded by the mu of the track. Its methods are safe for concurrent
// use.
type Subgroup struct {
	Group, ID uint64
	Priority  uint8

	track         *Track
	tip           atomic.Pointer[Object] // the newest object while the state is Open: for readers, without mu
	group         *group
	objects       []*Object // ascending by ID
	hasProperties bool
	writers       int
	listed        uint64 // position in the track's journal of subgroups plus 1; 0 when it is not in
	state         State
	code          wire.ResetCode
	finished      time.Time           // when a writer closed it
	final         wire.Option[uint64] // ID of its last object, as the end of a stream told
	endOfGroup    bool
	firstKnown    bool // objects[0] is the first object ever in the subgroup
	given         bool // up by Settle: no other writer is waited for
	fillOnly      bool // all of it was fetched: no live writer has come yet
	fetched       bool // its first object, and with it its priority, came by FETCH
}

// HasProperties reports whether object properties may be present. A subgroup
// without them has them from the first object on that brings some.
func (s *Subgroup) HasProperties() bool {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	return s.hasProperties
}

// Finished returns when the subgroup was Finished by the end of a stream; false
// when it was not.
func (s *Subgroup) Finished() (time.Time, bool) {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	return s.finished, !s.finished.IsZero()
}

// Final returns the ID of the last object of a subgroup that is Finished; false
// when there is none.
func (s *Subgroup) Final() (uint64, bool) {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	if n := len(s.objects); !s.final.Set && n > 0 {
		return s.objects[n-1].ID, true
	}
	return s.final.Value, s.final.Set
}

// First returns the first object ever in the subgroup; nil when it is not known
// to be there.
func (s *Subgroup) First() *Object {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	if s.firstKnown && len(s.objects) > 0 {
		return s.objects[0]
	}
	return nil
}

// Newest returns the object with the largest ID, nil without one.
func (s *Subgroup) Newest() *Object {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	if n := len(s.objects); n > 0 {
		return s.objects[n-1]
	}
	return nil
}

// EndsGroup reports whether the end of the subgroup is the end of its group.
func (s *Subgroup) EndsGroup() bool {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	return s.endOfGroup
}

// StartsWith reports whether o is the first object ever in the subgroup.
func (s *Subgroup) StartsWith(o *Object) bool { return o != nil && s.First() == o }

// become changes the state. The caller holds the track's mu.
func (s *Subgroup) become(to State, code wire.ResetCode) {
	s.state, s.code = to, code
	s.point()
}

// point sets the tip, when all of a new object is set. The caller holds the track's mu.
func (s *Subgroup) point() {
	var tip *Object
	if n := len(s.objects); n > 0 && s.state == Open {
		tip = s.objects[n-1]
	}
	s.tip.Store(tip)
}

// Awaits reports that there is no object with an ID of at least from yet, and that
// one may come; false when only Next can tell.
func (s *Subgroup) Awaits(from uint64) bool {
	o := s.tip.Load()
	return o != nil && from > o.ID
}

// Next returns the first object with an ID of at least from. Without one the
// state says whether there may be later.
func (s *Subgroup) Next(from uint64) (*Object, State, wire.ResetCode) {
	// Readers mostly follow the end, many of them at the same time.
	if o := s.tip.Load(); o != nil && from >= o.ID {
		if from > o.ID {
			o = nil
		}
		return o, Open, 0
	}
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	if n := len(s.objects); n > 0 && s.objects[n-1].ID >= from {
		i, _ := position(s.objects, from)
		return s.objects[i], s.state, s.code
	}
	return nil, s.state, s.code
}

// Follows reports whether o may be sent on a stream right after the object
// with ID previous: it is the next one, came right after it on one stream, or
// all between is known to be in other subgroups or not to exist (moqt-18
// §11.4.3). With wait, a fill that is under way may bring what lies between.
func (s *Subgroup) Follows(o *Object, previous uint64) (ok, wait bool) {
	if o.ID == previous+1 || (o.chained && o.after == previous) {
		return true, false
	}
	if o.ID <= previous {
		return false, false
	}
	if s.accounted(previous+1, o.ID) {
		return true, false
	}
	return false, s.Filling(previous+1, o)
}

// accounted reports whether each ID from one up to another, exclusive, is known
// to be in another subgroup or not to exist.
func (s *Subgroup) accounted(from, to uint64) bool {
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	return s.accounts(from, to)
}

// accounts is accounted for a caller that holds the track's mu.
func (s *Subgroup) accounts(from, to uint64) bool {
	t := s.track
	known := uint64(0)
	i, _ := position(s.group.objects, from)
	j, _ := position(s.group.objects, to)
	known += uint64(j - i)
	between := Range{wire.Location{Group: s.Group, Object: from}, wire.Location{Group: s.Group, Object: to}}
	for _, gap := range t.gaps.within(between) {
		known += gap.To.Object - gap.From.Object
	}
	return known == to-from
}

// Abandoned reports whether o will stay incomplete as far as it seems: nobody
// writes it, fetches it or is expected to, and the subgroup has ended or went on behind it.
func (s *Subgroup) Abandoned(o *Object) bool {
	if !o.Stalled() {
		return false
	}
	s.track.mu.RLock()
	defer s.track.mu.RUnlock()
	if s.track.filling.contains(o.Location()) {
		return false
	}
	switch s.state {
	case Finished, Aborted:
		return true
	case Open:
		n := len(s.objects)
		return n > 0 && s.objects[n-1].ID > o.ID
	}
	return false
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
	return s.group.lost
}

// OpenSubgroup returns a writer for the subgroup. Several writers may write
// one subgroup (another publisher, a later stream): an object that is there
// already is compared with, one left incomplete is gone on with, and of writers
// at work on the same object each adds what no other has brought before.
func (t *Track) OpenSubgroup(i SubgroupInfo) (*SubgroupWriter, error) {
	t.mu.Lock()
	if t.done != nil {
		t.mu.Unlock()
		return nil, ErrClosed
	}
	g := t.groupFor(i.Group)
	s, opened := g.subgroup(t, i)
	s.writers++
	if s.state == Aborted {
		opened = true // readers may have left it
	}
	if s.state == Waiting || s.state == Aborted {
		s.become(Open, s.code)
	}
	s.fillOnly, s.given = false, false
	s.endOfGroup = s.endOfGroup || i.EndOfGroup
	s.hasProperties = s.hasProperties || i.HasProperties
	if opened {
		t.list(s)
		t.settleFilled()
	}
	t.mu.Unlock()
	t.gather() // there is nothing in it yet
	return &SubgroupWriter{track: t, subgroup: s, priority: i.Priority, first: i.FirstObject, endOfGroup: i.EndOfGroup}, nil
}

// insert adds an object that is not there. The caller holds the track's mu.
func (s *Subgroup) insert(o *Object, w *SubgroupWriter) {
	t := s.track
	i, _ := position(s.objects, o.ID)
	if w.first && !w.started && i == 0 {
		s.firstKnown = true
	}
	switch {
	case w.filling:
	case t.unknown.contains(o.Location()): // those who read on behind it do without
		t.unknown = t.unknown.remove(Range{o.Location(), after(o.Location())})
	case i < len(s.objects):
		o.late = t.late.append(Late{s, o}) + 1
		t.news.Add(1)
	}
	s.objects = slices.Insert(s.objects, i, o)
	s.group.insert(o)
	if len(o.Properties) > 0 {
		s.hasProperties = true
	}
	t.raise(o.Location())
	t.account(s.group, o)
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
	s = &Subgroup{Group: i.Group, ID: i.ID, Priority: i.Priority, hasProperties: i.HasProperties, track: t, group: g}
	g.subgroups = slices.Insert(g.subgroups, at, s)
	g.charge(subgroupCost)
	return s, true
}

// list has feeds look at a subgroup, or look at it once more. The caller holds mu.
func (t *Track) list(s *Subgroup) {
	t.delistSubgroup(s)
	s.listed = t.opened.append(s) + 1
	t.news.Add(1)
}
