package live

import (
	"slices"
	"sync/atomic"
	"time"

	"moqedge/moq/wire"
)

// group is one group of a track; guarded by the track's mu.
type group struct {
	track     *Track
	id        uint64
	subgroups []*Subgroup  // ascending by ID
	objects   []*Object    // of all subgroups, and datagrams; ascending by ID
	bytes     atomic.Int64 // what it takes in memory; of one that is lost, what came since
	lost      bool         // the track has forgotten it
	elder     *group       // in ages
	younger   *group
	made      time.Time
	newest    time.Time
	oldest    time.Time // no object of the group arrived earlier
	ended     bool
	end       uint64              // with ended: no object has this ID or a larger one
	gap       wire.Option[uint64] // the Prior Group ID Gap of its objects
}

// findGroup returns the position of the group, or where it belongs.
func (t *Track) findGroup(id uint64) (int, bool) {
	if n := len(t.groups); n > 0 && t.groups[n-1].id <= id { // mostly the newest is wanted
		if t.groups[n-1].id == id {
			return n - 1, true
		}
		return n, false
	}
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
	now := t.options.Now()
	g := &group{track: t, id: id, made: now, newest: now}
	t.groups = slices.Insert(t.groups, i, g)
	t.ages.touch(g)
	t.keep(0, 1)
	g.charge(groupCost)
	t.evict()
	return g // lost if it is older than all that is kept: written to, never found
}

// find returns the object with this ID, nil when it is not there.
func (g *group) find(id uint64) *Object {
	if i, ok := position(g.objects, id); ok {
		return g.objects[i]
	}
	return nil
}

// insert adds an object that is not there.
func (g *group) insert(o *Object) {
	i, _ := position(g.objects, o.ID)
	if len(g.objects) == 0 || o.Arrived.Before(g.oldest) {
		g.oldest = o.Arrived
	}
	g.objects = slices.Insert(g.objects, i, o)
	g.newest = o.Arrived
	if !g.lost {
		g.track.ages.touch(g)
	}
}

// endAt notes that the group has no object with this ID or a larger one.
func (g *group) endAt(id uint64) {
	if !g.ended || id < g.end {
		g.ended, g.end = true, id
	}
}

// firstIn returns the first object in r that exists, markers apart. The caller
// holds mu.
func (t *Track) firstIn(r Range) *Object {
	if r.Empty() {
		return nil
	}
	i, _ := t.findGroup(r.From.Group)
	for ; i < len(t.groups) && t.groups[i].id <= r.To.Group; i++ {
		g := t.groups[i]
		j := 0
		if g.id == r.From.Group {
			j, _ = position(g.objects, r.From.Object)
		}
		for ; j < len(g.objects) && g.objects[j].Location().Less(r.To); j++ {
			if g.objects[j].Status == wire.ObjectNormal {
				return g.objects[j]
			}
		}
	}
	return nil
}

// lastObject returns the object with the largest location that is kept, nil
// without one. The caller holds mu.
func (t *Track) lastObject() *Object {
	for i := len(t.groups) - 1; i >= 0; i-- {
		if n := len(t.groups[i].objects); n > 0 {
			return t.groups[i].objects[n-1]
		}
	}
	return nil
}

// position returns where the object with this ID is in a list that ascends by
// ID, or where it belongs.
func position(list []*Object, id uint64) (int, bool) {
	if n := len(list); n > 0 && list[n-1].ID <= id { // mostly the end is wanted
		if list[n-1].ID == id {
			return n - 1, true
		}
		return n, false
	}
	return slices.BinarySearchFunc(list, id, func(o *Object, id uint64) int {
		switch {
		case o.ID < id:
			return -1
		case o.ID > id:
			return 1
		}
		return 0
	})
}
