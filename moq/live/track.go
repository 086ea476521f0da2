package live

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/wire"
)

// Options of a track. The zero value is a track of an original publisher that
// keeps three groups.
type Options struct {
	// Properties are the track's properties (moqt-18 §2.5), as received.
	Properties wire.Properties
	// RetainGroups is how many of the newest groups are kept; 0 means 3.
	RetainGroups int
	// RetainFor keeps a group beyond RetainGroups while its newest object is
	// younger than this; 0 means not at all.
	RetainFor time.Duration
	// MaxBytes bounds the payload bytes kept, the newest group excepted; 0 means 64 MiB.
	MaxBytes uint64
	// Recover says that somebody fills what an interrupted subgroup lacks
	// (ExpectFill, Settle), so its readers wait instead of giving up.
	Recover bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Track is a sequence of groups. All its methods are safe for concurrent use.
type Track struct {
	name    wire.FullTrackName
	options Options

	listeners atomic.Pointer[[]Listener] // replaced as a whole under mu

	mu         sync.RWMutex // guards all below and the fields of groups and subgroups
	properties wire.Properties
	info       wire.TrackInfo
	groups     []*group // ascending by ID
	unknown    ranges   // locations up to the live edge that this track cannot speak for
	filling    ranges   // parts of unknown that somebody is fetching
	filled     ranges   // fetched: what exists there is in the track, whatever subgroups are open
	largest    wire.Location
	published  bool // largest is valid
	bytes      uint64
	opened     journal[*Subgroup]
	datagrams  journal[*Object]
	done       *Done
}

// Done says why a track ended.
type Done struct {
	Code   wire.PublishDoneCode
	Reason string
}

// Listener is told that a track has changed. TrackChanged is called by
// producers for every piece of data and must return at once.
type Listener interface{ TrackChanged() }

// group is one group of a track; guarded by the track's mu.
type group struct {
	id        uint64
	subgroups []*Subgroup // ascending by ID
	datagrams []*Object   // ascending by ID
	bytes     uint64
	newest    time.Time
	ended     bool
	end       uint64 // with ended: no object has this ID or a larger one
}

// NewTrack returns an empty track.
func NewTrack(name wire.FullTrackName, o Options) *Track {
	if o.RetainGroups == 0 {
		o.RetainGroups = 3
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Track{name: name, options: o}
	t.listeners.Store(new([]Listener))
	t.properties = o.Properties
	t.info, _ = o.Properties.TrackInfo()
	return t
}

// Name returns the track's full name.
func (t *Track) Name() wire.FullTrackName { return t.name }

// Properties returns the track's properties and what MOQT itself reads in them.
func (t *Track) Properties() (wire.Properties, wire.TrackInfo) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.properties, t.info
}

// SetProperties replaces the track's properties by the newest set received
// (moqt-18 §2.5: sets are never merged).
func (t *Track) SetProperties(p wire.Properties) error {
	info, err := p.TrackInfo()
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.properties, t.info = p, info
	t.mu.Unlock()
	return nil
}

// Largest returns the largest location published or received; false when there is none.
func (t *Track) Largest() (wire.Location, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.largest, t.published
}

// RaiseLargest tells the track of a largest location known from elsewhere
// (moqt-18 §10.2.11), of which it may not have the object.
func (t *Track) RaiseLargest(l wire.Location) {
	t.mu.Lock()
	t.raise(l)
	t.mu.Unlock()
}

func (t *Track) raise(l wire.Location) {
	if !t.published || t.largest.Less(l) {
		t.largest, t.published = l, true
	}
}

// Close ends the track: nothing is appended after it, and readers that have
// read all of it see Done.
func (t *Track) Close(code wire.PublishDoneCode, reason string) {
	t.mu.Lock()
	if t.done == nil {
		t.done = &Done{code, reason}
		for _, g := range t.groups {
			for _, s := range g.subgroups {
				if s.state == Waiting {
					s.state, s.code = Aborted, wire.ResetCancelled
				}
			}
		}
	}
	t.mu.Unlock()
	t.notify()
}

// Done returns why the track ended, nil while it lives.
func (t *Track) Done() *Done {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.done
}

// Size returns the payload bytes and groups that the track keeps.
func (t *Track) Size() (bytes uint64, groups int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.bytes, len(t.groups)
}

// Listen registers l until the returned function is called.
func (t *Track) Listen(l Listener) (stop func()) {
	t.mu.Lock()
	grown := append(slices.Clone(*t.listeners.Load()), l)
	t.listeners.Store(&grown)
	t.mu.Unlock()
	return func() {
		t.mu.Lock()
		rest := slices.DeleteFunc(slices.Clone(*t.listeners.Load()), func(x Listener) bool { return x == l })
		t.listeners.Store(&rest)
		t.mu.Unlock()
	}
}

// Listeners counts who listens.
func (t *Track) Listeners() int { return len(*t.listeners.Load()) }

func (t *Track) notify() {
	for _, l := range *t.listeners.Load() {
		l.TrackChanged()
	}
}

// findGroup returns the position of the group, or where it belongs.
func (t *Track) findGroup(id uint64) (int, bool) {
	return slices.BinarySearchFunc(t.groups, id, func(g *group, id uint64) int {
		switch {
		case g.id < id:
			return -1
		case g.id > id:
			return 1
		}
		return 0
	})
}

// groupFor returns the group with this ID, made when it is missing. The caller holds mu.
func (t *Track) groupFor(id uint64) *group {
	i, ok := t.findGroup(id)
	if ok {
		return t.groups[i]
	}
	g := &group{id: id, newest: t.options.Now()}
	t.groups = slices.Insert(t.groups, i, g)
	t.evict()
	if j, ok := t.findGroup(id); ok {
		return t.groups[j]
	}
	return g // older than all that is kept: written to, never found
}

// evict forgets the oldest groups beyond what Options allow. The caller holds mu.
func (t *Track) evict() {
	now := t.options.Now()
	for len(t.groups) > 1 {
		oldest := t.groups[0]
		tooMany := len(t.groups) > t.options.RetainGroups && now.Sub(oldest.newest) >= t.options.RetainFor
		if !tooMany && t.bytes <= t.options.MaxBytes {
			return
		}
		t.bytes -= oldest.bytes
		for _, s := range oldest.subgroups {
			if s.state == Waiting { // nobody finds it any more to continue it
				s.state, s.code = Aborted, wire.ResetInternalError
			}
		}
		t.groups = slices.Delete(t.groups, 0, 1)
		t.unknown = t.unknown.add(Range{To: wire.Location{Group: t.groups[0].id}})
		t.filled = t.filled.remove(Range{To: wire.Location{Group: t.groups[0].id}})
		t.opened.trim(func(s *Subgroup) bool { return s.Group <= oldest.id })
		t.datagrams.trim(func(o *Object) bool { return o.Group <= oldest.id })
	}
}

// account adds payload bytes to a group. The caller holds mu.
func (t *Track) account(g *group, n uint64, at time.Time) {
	g.newest = at
	if i, ok := t.findGroup(g.id); ok && t.groups[i] == g {
		g.bytes += n
		t.bytes += n
		if t.bytes > t.options.MaxBytes {
			t.evict()
		}
	}
}

// end notes that the group has no object with this ID or a larger one. The caller holds mu.
func (g *group) endAt(id uint64) {
	if !g.ended || id < g.end {
		g.ended, g.end = true, id
	}
}

// AppendDatagram adds an object that is delivered as a datagram (moqt-18
// §11.3). A duplicate is dropped. Ownership of its byte slices passes to the track.
func (t *Track) AppendDatagram(d wire.Datagram) {
	now := t.options.Now()
	o := &Object{Group: d.Group, ID: d.ID, Datagram: true, EndOfGroup: d.EndOfGroup, Status: d.Status, Properties: d.Properties, Arrived: now}
	o.setPayload(d.Payload)
	t.mu.Lock()
	o.Priority = d.Priority.Or(t.info.PublisherPriority)
	if t.done != nil {
		t.mu.Unlock()
		return
	}
	g := t.groupFor(d.Group)
	i, exists := slices.BinarySearchFunc(g.datagrams, o.ID, compareObject)
	if exists {
		t.mu.Unlock()
		return
	}
	g.datagrams = slices.Insert(g.datagrams, i, o)
	t.datagrams.append(o)
	t.raise(o.Location())
	t.account(g, o.Size, now)
	if o.EndOfGroup {
		g.endAt(o.ID + 1)
	} else if o.Status != wire.ObjectNormal {
		g.endAt(o.ID)
	}
	t.mu.Unlock()
	t.notify()
}

func compareObject(o *Object, id uint64) int {
	switch {
	case o.ID < id:
		return -1
	case o.ID > id:
		return 1
	}
	return 0
}
