package pattern

import (
	"fmt"
	"slices"
	"strconv"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Track is the name of a track and says what its groups look like.
type Track string

// The tracks there are. A payload is the text "TRACK/GROUP/SUBGROUP/OBJECT;"
// repeated and cut to its length.
const (
	// Plain groups are one subgroup, 0, of the objects 0 to 3; object 1 has
	// 20011 bytes, the others 40 + their ID. Every implementation can send it.
	Plain Track = "plain"
	// Gaps groups are subgroup 0 (priority 10) with the objects 0, 1 and 5, and
	// subgroup 2 (priority 20) with 2 and 7, the end of the group. Objects 5
	// and 7 have properties: 0x78 with 1000 times the group plus the object,
	// and 0x79 with the text "pGROUP".
	Gaps Track = "gaps"
	// Datagrams groups are the objects 0 to 2, a datagram each. Subgroup counts
	// as 0 in the payload.
	Datagrams Track = "datagrams"
)

// Tracks are all tracks.
func Tracks() []Track { return []Track{Plain, Gaps, Datagrams} }

// Properties of the objects of Gaps: even with a number, odd with bytes, from
// the range for applications.
const (
	propNumber = 0x78
	propText   = 0x79
)

const (
	bigObject  = 1
	bigPayload = 20011
	payload    = 40
)

// Object is one object of a track.
type Object struct {
	Group, Subgroup, ID uint64
	Priority            uint8
	Properties          wire.Properties
	Payload             []byte
}

// subgroup is the shape of one subgroup.
type subgroup struct {
	id       uint64
	priority uint8
	objects  []uint64
}

// shape returns the subgroups of each group; the last one ends the group.
func (t Track) shape() []subgroup {
	switch t {
	case Plain:
		return []subgroup{{0, 128, []uint64{0, 1, 2, 3}}}
	case Gaps:
		return []subgroup{{0, 10, []uint64{0, 1, 5}}, {2, 20, []uint64{2, 7}}}
	case Datagrams:
		return []subgroup{{0, 128, []uint64{0, 1, 2}}}
	}
	return nil
}

// Valid reports whether t is one of Tracks.
func (t Track) Valid() bool { return t.shape() != nil }

// Group returns the objects of a group, in ascending order of subgroups.
func (t Track) Group(group uint64) []Object {
	var all []Object
	for _, s := range t.shape() {
		for _, id := range s.objects {
			o := Object{Group: group, Subgroup: s.id, ID: id, Priority: s.priority, Payload: t.payload(group, s.id, id)}
			if t == Gaps && id >= 5 {
				o.Properties = wire.AppendProperties(nil,
					wire.KeyValue{Type: propNumber, Value: group*1000 + id},
					wire.KeyValue{Type: propText, Bytes: []byte("p" + strconv.FormatUint(group, 10))})
			}
			all = append(all, o)
		}
	}
	return all
}

func (t Track) payload(group, subgroup, id uint64) []byte {
	size := payload + int(id)
	if t != Datagrams && id == bigObject {
		size = bigPayload
	}
	text := fmt.Sprintf("%s/%d/%d/%d;", t, group, subgroup, id)
	b := make([]byte, 0, size+len(text))
	for len(b) < size {
		b = append(b, text...)
	}
	return b[:size]
}

// Allow says what a peer may do differently.
type Allow struct {
	// Properties: it adds properties of its own.
	Properties bool
	// Priority: it chooses priorities of its own.
	Priority bool
}

// Check compares a received object with what was published.
func (t Track) Check(o *live.Object, a Allow) error {
	objects := t.Group(o.Group)
	i := slices.IndexFunc(objects, func(w Object) bool { return w.ID == o.ID })
	if i < 0 {
		return fmt.Errorf("%s has no object %d in group %d", t, o.ID, o.Group)
	}
	want := objects[i]
	switch {
	case o.Datagram != (t == Datagrams):
		return fmt.Errorf("%s %d/%d: datagram is %v", t, o.Group, o.ID, o.Datagram)
	case !o.Datagram && o.Subgroup != want.Subgroup:
		return fmt.Errorf("%s %d/%d: subgroup %d, want %d", t, o.Group, o.ID, o.Subgroup, want.Subgroup)
	case o.Status != wire.ObjectNormal:
		return fmt.Errorf("%s %d/%d: status %v", t, o.Group, o.ID, o.Status)
	case !a.Priority && o.Priority != want.Priority:
		return fmt.Errorf("%s %d/%d: priority %d, want %d", t, o.Group, o.ID, o.Priority, want.Priority)
	case !a.Properties && !slices.Equal(o.Properties, want.Properties):
		return fmt.Errorf("%s %d/%d: properties %x, want %x", t, o.Group, o.ID, []byte(o.Properties), []byte(want.Properties))
	case !slices.Equal(o.Payload(), want.Payload):
		return fmt.Errorf("%s %d/%d: payload %.60q (%d bytes), want %.60q (%d bytes)",
			t, o.Group, o.ID, o.Payload(), len(o.Payload()), want.Payload, len(want.Payload))
	}
	return nil
}
