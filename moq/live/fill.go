package live

import (
	"math"
	"slices"

	"moqedge/moq/wire"
)

// Unknown returns the parts of r, up to the largest location, that the track
// cannot speak for: neither has it their objects nor does it know that they do
// not exist.
func (t *Track) Unknown(r Range) []Range {
	t.expire()
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.unknown.within(r)
}

// Forget notes that the track cannot speak for r: it was not subscribed then.
func (t *Track) Forget(r Range) {
	t.mu.Lock()
	t.forget(r)
	t.mu.Unlock()
}

// forget adds r to what is unknown, except for what will never exist. The caller holds mu.
func (t *Track) forget(r Range) {
	t.absent, t.filled = t.absent.remove(r), t.filled.remove(r)
	missing := ranges{r}
	for _, gap := range t.gaps.within(r) {
		missing = missing.remove(gap)
	}
	i, _ := t.findGroup(r.From.Group)
	for ; i < len(t.groups) && (wire.Location{Group: t.groups[i].id}).Less(r.To); i++ {
		if g := t.groups[i]; g.ended {
			behind := after(wire.Location{Group: g.id, Object: math.MaxUint64})
			missing = missing.remove(Range{wire.Location{Group: g.id, Object: g.end}, behind})
		}
	}
	for _, part := range missing {
		t.unknown = t.unknown.add(part)
	}
}

// ExpectFill announces that somebody fetches r: subscribers wait for what is in
// it instead of going on behind it.
func (t *Track) ExpectFill(r Range) {
	t.mu.Lock()
	t.forget(r)
	t.filling = t.filling.add(r)
	t.mu.Unlock()
}

// EndFill ends what ExpectFill began. With complete, all objects of r that
// exist have been inserted, except in the unknown parts of it, so the groups it
// ends in or covers are whole. What is outside of r stays as it is.
func (t *Track) EndFill(r Range, complete bool, unknown ...Range) {
	t.mu.Lock()
	forgotten := t.refill.within(r)
	t.filling, t.refill, t.dropped = t.filling.remove(r), t.refill.remove(r), t.dropped.remove(r)
	for _, f := range forgotten {
		t.dropped = t.dropped.add(f)
	}
	if complete {
		t.unknown, t.filled = t.unknown.remove(r), t.filled.add(r)
		for _, u := range slices.Concat(unknown, forgotten) {
			t.forget(Range{later(u.From, r.From), earlier(u.To, r.To)})
		}
		t.leaveOut(r)
		for _, g := range t.groups {
			first := wire.Location{Group: g.id}
			if first.Less(r.From) && g.id != r.From.Group || !first.Less(r.To) {
				continue
			}
			whole := len(t.unknown.within(Range{first, after(wire.Location{Group: g.id, Object: math.MaxUint64})})) == 0
			for _, s := range g.subgroups {
				if whole && !first.Less(r.From) {
					s.firstKnown = true
				}
				if g.id >= r.To.Group || s.writers > 0 || s.state == Finished {
					continue
				}
				if whole {
					s.become(Finished, s.code)
				} else if s.state == Waiting {
					s.become(Aborted, wire.ResetInternalError)
				}
			}
		}
	}
	t.settleFilled() // the groups behind may be there already
	t.mu.Unlock()
	t.notify()
}

// leaveOut notes that what a FETCH response brought of r is all there is, up to
// its last object, except for what is unknown: an object that comes there later
// is not taken (moqt-18 §2.1, §9.1). The caller holds mu.
func (t *Track) leaveOut(r Range) {
	i, ok := t.findGroup(r.To.Group)
	if ok {
		i++
	}
	for i--; i >= 0 && t.groups[i].id >= r.From.Group; i-- {
		objects := t.groups[i].objects
		for j := len(objects) - 1; j >= 0; j-- {
			o := objects[j]
			if !o.fetched || !o.Location().Less(r.To) {
				continue
			}
			if o.Location().Less(r.From) {
				return
			}
			part := Range{r.From, after(o.Location())}
			t.absent = t.absent.add(part)
			for _, u := range t.unknown.within(part) {
				t.absent = t.absent.remove(u)
			}
			return
		}
	}
}

// Filler inserts fetched objects into a track. It is used by one goroutine.
type Filler struct {
	track   *Track
	current *SubgroupWriter
}

// NewFiller returns a filler for the objects of one FETCH response.
func (t *Track) NewFiller() *Filler { return &Filler{track: t} }

// Begin starts an object that goes by stream; its payload is then written into
// Buffer and committed. It returns the errors of SubgroupWriter.Begin.
func (f *Filler) Begin(group, subgroup uint64, priority uint8, h ObjectHeader) error {
	w := f.current
	if w != nil && (w.subgroup.Group != group || w.subgroup.ID != subgroup || w.priority != priority || (w.started && h.ID <= w.last)) {
		if err := f.End(); err != nil {
			return err
		}
		w = nil
	}
	if w == nil {
		var err error
		w, err = f.track.openForFill(SubgroupInfo{Group: group, ID: subgroup, Priority: priority, HasProperties: true})
		if err != nil {
			return err
		}
		f.current = w
	}
	return w.Begin(h)
}

// Buffer is SubgroupWriter.Buffer for the current object.
func (f *Filler) Buffer() []byte { return f.current.Buffer() }

// Commit is SubgroupWriter.Commit for the current object.
func (f *Filler) Commit(n int) { f.current.Commit(n) }

// End leaves the current subgroup as it is. It returns a *MalformedError when
// the last object was there already with another payload.
func (f *Filler) End() error {
	w := f.current
	if w == nil {
		return nil
	}
	f.current = nil
	w.leave(Waiting, 0)
	if w.fault != nil {
		return w.fault
	}
	return nil
}

// openForFill opens a subgroup without making readers believe that its live
// writer is back.
func (t *Track) openForFill(i SubgroupInfo) (*SubgroupWriter, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done != nil {
		return nil, ErrClosed
	}
	s, made := t.groupFor(i.Group).subgroup(t, i)
	if made {
		s.become(Waiting, s.code)
		s.fillOnly, s.fetched = true, true
		t.unsettled = true
		t.list(s)
	}
	return &SubgroupWriter{track: t, subgroup: s, priority: i.Priority, filling: true}, nil
}

// Missing returns the parts of r, up to the largest location, that the track
// cannot speak for and that nobody is fetching.
func (t *Track) Missing(r Range) []Range {
	t.expire()
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.published {
		r.To = earlier(r.To, after(t.largest))
	}
	missing := t.unknown
	for _, f := range t.filling {
		missing = missing.remove(f)
	}
	return missing.within(r)
}
