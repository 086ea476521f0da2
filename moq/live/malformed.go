package live

import (
	"bytes"
	"fmt"

	"moqedge/moq/wire"
)

// MalformedError says that what was written proves the track malformed (moqt-18
// §2.4.2). Nothing of the object that was being written when it was found is
// kept. The caller gives up the subscription or fetch it wrote for; whether the
// track ends is for whoever owns the track to say.
type MalformedError struct {
	Reason string // what is wrong, for people
}

// Error implements error.
func (e *MalformedError) Error() string { return "live: malformed track: " + e.Reason }

func malformed(format string, args ...any) *MalformedError {
	return &MalformedError{fmt.Sprintf(format, args...)}
}

// arrival is an object as it comes in, before it is known whether it is kept.
type arrival struct {
	at         wire.Location
	subgroup   uint64 // meaningless when datagram is set
	datagram   bool
	endOfGroup bool // datagrams only: it is the last object of its group
	priority   uint8
	status     wire.ObjectStatus
	properties wire.Properties
	size       uint64
	fetched    bool // it comes by FETCH

	groupGap, objectGap wire.Option[uint64] // read from the properties by judgeProperties
}

// judge compares an arrival with all that is known of the track. It returns the
// object if it is there already, and drop if it is to be ignored. Only when it
// returns neither of these nor an error, what the arrival says about other
// locations has to be noted, with learn. The caller holds mu.
func (t *Track) judge(g *group, a *arrival) (known *Object, drop bool, err *MalformedError) {
	if o := g.find(a.at.Object); o != nil {
		return o, false, o.contradicts(a)
	}
	normal := a.status == wire.ObjectNormal
	switch {
	case t.ended && t.end.Less(a.at), t.ended && normal && a.at == t.end:
		return nil, false, malformed("object %v is beyond the end of the track at %v", a.at, t.end)
	case t.final.Set && normal && t.final.Value.Less(a.at):
		return nil, false, malformed("object %v is beyond the final object of the track, %v", a.at, t.final.Value)
	case g.ended && g.end < a.at.Object, g.ended && normal && g.end == a.at.Object:
		return nil, false, malformed("object %v is beyond the end of its group, which is at %d", a.at, g.end)
	case normal && t.gaps.contains(a.at): // a marker says the same again
		return nil, false, malformed("object %v is inside a gap that was told before", a.at)
	}
	if len(a.properties) > 0 {
		if err := t.judgeProperties(g, a); err != nil {
			return nil, false, err
		}
	}
	if !normal || a.endOfGroup {
		if err := t.judgeEnd(g, a); err != nil {
			return nil, false, err
		}
	}
	return nil, normal && t.absent.contains(a.at), nil
}

// contradicts compares a second copy of an object with the first, except for
// its payload (moqt-18 §2.4.2, §9.1). Properties may change on the way, apart
// from the immutable ones. The priority that FETCH tells is not judged: widely
// used publishers tell another one there than in their subgroup headers.
func (o *Object) contradicts(a *arrival) *MalformedError {
	var what string
	switch {
	case o.Datagram != a.datagram:
		what = "forwarding preference"
	case !o.Datagram && o.Subgroup != a.subgroup:
		what = "subgroup"
	case o.Priority != a.priority && !o.fetched && !a.fetched:
		what = "priority"
	case o.Status != a.status:
		what = "status"
	case o.Size != a.size:
		what = "payload length"
	case (len(o.Properties) > 0 || len(a.properties) > 0) && !sameImmutable(o.Properties, a.properties):
		what = "Immutable Properties"
	default:
		return nil
	}
	return malformed("object %v came twice, each time with another %s", a.at, what)
}

func sameImmutable(a, b wire.Properties) bool {
	x, hasX := a.Bytes(wire.PropImmutable)
	y, hasY := b.Bytes(wire.PropImmutable)
	return hasX == hasY && bytes.Equal(x, y)
}

// judgeProperties reads the properties of a new object (moqt-18 §12.7 to §12.9).
func (t *Track) judgeProperties(g *group, a *arrival) *MalformedError {
	groups, objects, fault := a.properties.Gaps()
	switch {
	case fault != nil:
		return malformed("object %v: %v", a.at, fault)
	case groups.Set && groups.Value > a.at.Group:
		return malformed("object %v: Prior Group ID Gap %d is larger than its group", a.at, groups.Value)
	case groups.Set && g.gap.Set && g.gap.Value != groups.Value:
		return malformed("object %v: Prior Group ID Gap is %d, in the same group it was %d", a.at, groups.Value, g.gap.Value)
	case objects.Set && objects.Value > a.at.Object:
		return malformed("object %v: Prior Object ID Gap %d is larger than its ID", a.at, objects.Value)
	}
	a.groupGap, a.objectGap = groups, objects
	if o := t.firstIn(a.missingGroups()); o != nil {
		return malformed("object %v: its Prior Group ID Gap %d covers object %v", a.at, groups.Value, o.Location())
	}
	if o := t.firstIn(a.missingObjects()); o != nil {
		return malformed("object %v: its Prior Object ID Gap %d covers object %v", a.at, objects.Value, o.Location())
	}
	return nil
}

// missingGroups is what the Prior Group ID Gap says does not exist.
func (a *arrival) missingGroups() Range {
	return Range{wire.Location{Group: a.at.Group - a.groupGap.Value}, wire.Location{Group: a.at.Group}}
}

// missingObjects is what the Prior Object ID Gap says does not exist.
func (a *arrival) missingObjects() Range {
	return Range{wire.Location{Group: a.at.Group, Object: a.at.Object - a.objectGap.Value}, a.at}
}

// judgeEnd compares the end of a group or track that an arrival marks with what
// has come (moqt-18 §2.4.2, §11.2.1.1).
func (t *Track) judgeEnd(g *group, a *arrival) *MalformedError {
	end := a.at.Object
	if a.endOfGroup {
		end++ // the object itself exists; after the largest ID there is nothing to compare
	}
	if a.status == wire.ObjectEndOfTrack {
		if t.ended && t.end != a.at {
			return malformed("the track ends at %v and at %v", t.end, a.at)
		}
		if o := t.lastObject(); o != nil && a.at.Less(o.Location()) {
			return malformed("the track ends at %v, object %v is beyond", a.at, o.Location())
		}
	}
	if a.endOfGroup && end == 0 {
		return nil
	}
	return g.judgeEnd(end)
}

// judgeEnd compares an end of the group, the first ID that does not exist, with
// what is known of it. The caller holds the track's mu.
func (g *group) judgeEnd(end uint64) *MalformedError {
	if g.ended && g.end != end {
		return malformed("group %d ends at %d and at %d", g.id, g.end, end)
	}
	if n := len(g.objects); n > 0 {
		last := g.objects[n-1]
		if last.ID > end || (last.ID == end && last.Status == wire.ObjectNormal) {
			return malformed("group %d ends at %d, object %d is beyond", g.id, end, last.ID)
		}
	}
	return nil
}

// learn notes what a new object says about other locations. The caller holds mu.
func (t *Track) learn(g *group, a *arrival) {
	switch {
	case a.status == wire.ObjectEndOfTrack:
		t.ended, t.end = true, a.at
		g.endAt(a.at.Object)
	case a.status != wire.ObjectNormal:
		g.endAt(a.at.Object)
	case a.endOfGroup && a.at.Object+1 != 0:
		g.endAt(a.at.Object + 1)
	}
	if a.groupGap.Set {
		g.gap = a.groupGap
		t.miss(a.missingGroups())
	}
	if a.objectGap.Set {
		t.miss(a.missingObjects())
	}
}

// miss notes that the publisher says that r does not and will never exist
// (moqt-18 §12.8, §12.9), so nobody needs to ask for it. The caller holds mu.
func (t *Track) miss(r Range) {
	if r.Empty() || t.gaps.covers(r) {
		return // most objects of a group repeat the gap before it
	}
	t.gaps = t.gaps.add(r)
	if len(t.unknown) > 0 {
		t.unknown = t.unknown.remove(r)
	}
}

// EndAt notes that last is the final object of the track, as a FETCH_OK with
// End Of Track says (moqt-18 §2.4.2, §10.13). It returns a *MalformedError when
// an object beyond it has come.
func (t *Track) EndAt(last wire.Location) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.firstIn(Range{after(last), end}); o != nil {
		return malformed("the final object of the track is %v, object %v is beyond", last, o.Location())
	}
	if !t.final.Set || last.Less(t.final.Value) {
		t.final = wire.Some(last)
	}
	return nil
}
