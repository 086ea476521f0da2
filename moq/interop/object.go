package interop

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// object is an object as it is published, or as it arrived.
type object struct {
	group, id, subgroup uint64
	priority            uint8
	datagram            bool
	endOfGroup          bool // datagrams only
	status              wire.ObjectStatus
	properties          wire.Properties
	payload             []byte
}

// arrived copies a complete object of a track.
func arrived(o *live.Object) object {
	x := object{
		group: o.Group, id: o.ID, priority: o.Priority, datagram: o.Datagram, endOfGroup: o.EndOfGroup,
		status: o.Status, properties: o.Properties, payload: o.Payload(),
	}
	if !o.Datagram {
		x.subgroup = o.Subgroup
	}
	return x
}

func (o object) location() wire.Location { return wire.Location{Group: o.group, Object: o.id} }

func (o object) forwarding() string {
	if o.datagram {
		return "a datagram"
	}
	return "a stream"
}

// pattern returns n bytes that no other seed gives.
func pattern(seed uint64, n int) []byte {
	b := make([]byte, n)
	x := seed*0x9E3779B97F4A7C15 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return b
}

// maxDifferences bounds what compare lists.
const maxDifferences = 20

// compare lists how got differs from want, in the order of want.
func compare(want, got []object) []string {
	byLocation := func(a, b object) int { return a.location().Compare(b.location()) }
	want, got = slices.SortedFunc(slices.Values(want), byLocation), slices.SortedFunc(slices.Values(got), byLocation)
	var list []string
	for len(want) > 0 || len(got) > 0 {
		switch {
		case len(got) == 0 || len(want) > 0 && byLocation(want[0], got[0]) < 0:
			list = append(list, fmt.Sprintf("object %v is missing", want[0].location()))
			want = want[1:]
		case len(want) == 0 || byLocation(got[0], want[0]) < 0:
			list = append(list, fmt.Sprintf("object %v was not asked for or never published", got[0].location()))
			got = got[1:]
		default:
			list = append(list, want[0].differences(got[0])...)
			want, got = want[1:], got[1:]
		}
	}
	if more := len(list) - maxDifferences; more > 0 {
		list = append(list[:maxDifferences], fmt.Sprintf("and %d more", more))
	}
	return list
}

// differences lists how a copy of o differs.
func (o object) differences(got object) []string {
	var list []string
	note := func(format string, args ...any) {
		list = append(list, fmt.Sprintf("object %v: ", o.location())+fmt.Sprintf(format, args...))
	}
	if o.datagram != got.datagram {
		note("came by %s, was sent by %s", got.forwarding(), o.forwarding())
	} else if !o.datagram && o.subgroup != got.subgroup {
		note("subgroup is %d, want %d", got.subgroup, o.subgroup)
	}
	if o.priority != got.priority {
		note("priority is %d, want %d", got.priority, o.priority)
	}
	if o.status != got.status {
		note("status is %d, want %d", uint64(got.status), uint64(o.status))
	}
	if o.datagram && got.datagram && o.endOfGroup != got.endOfGroup {
		note("end of group is %t, want %t", got.endOfGroup, o.endOfGroup)
	}
	if !bytes.Equal(o.properties, got.properties) {
		note("properties are %x, want %x", []byte(got.properties), []byte(o.properties))
	}
	if !bytes.Equal(o.payload, got.payload) {
		same := 0
		for same < min(len(o.payload), len(got.payload)) && o.payload[same] == got.payload[same] {
			same++
		}
		note("payload has %d bytes, want %d; they differ from byte %d on", len(got.payload), len(o.payload), same)
	}
	return list
}

// between returns the objects from first to last, inclusive.
func between(objects []object, first, last wire.Location) []object {
	return slices.DeleteFunc(slices.Clone(objects), func(o object) bool {
		return o.location().Less(first) || last.Less(o.location())
	})
}

// feeder writes objects into a track, each subgroup by a writer of its own
// that is closed behind the last object it was made for.
type feeder struct {
	track      *live.Track
	open       map[stream]*live.SubgroupWriter
	left       map[stream]int
	properties map[stream]bool
}

type stream struct{ group, subgroup uint64 }

// newFeeder returns a feeder for all of the objects; none is written yet.
func newFeeder(t *live.Track, all []object) *feeder {
	f := &feeder{track: t, open: map[stream]*live.SubgroupWriter{}, left: map[stream]int{}, properties: map[stream]bool{}}
	for _, o := range all {
		if !o.datagram {
			s := stream{o.group, o.subgroup}
			f.left[s]++
			f.properties[s] = f.properties[s] || len(o.properties) > 0
		}
	}
	return f
}

// write appends objects, in this order.
func (f *feeder) write(objects []object) error {
	for _, o := range objects {
		if err := f.append(o); err != nil {
			return fmt.Errorf("object %v cannot be published: %w", o.location(), err)
		}
	}
	return nil
}

func (f *feeder) append(o object) error {
	if o.datagram {
		return f.track.AppendDatagram(wire.Datagram{
			Group: o.group, ID: o.id, Priority: wire.Some(o.priority), EndOfGroup: o.endOfGroup,
			Status: o.status, Properties: o.properties, Payload: o.payload,
		})
	}
	s := stream{o.group, o.subgroup}
	w := f.open[s]
	if w == nil {
		var err error
		w, err = f.track.OpenSubgroup(live.SubgroupInfo{
			Group: o.group, ID: o.subgroup, Priority: o.priority, HasProperties: f.properties[s], FirstObject: true,
		})
		if err != nil {
			return err
		}
		f.open[s] = w
	}
	if err := w.Append(live.WholeObject{ID: o.id, Status: o.status, Properties: o.properties, Payload: o.payload}); err != nil {
		return err
	}
	if f.left[s]--; f.left[s] > 0 {
		return nil
	}
	delete(f.open, s)
	return w.Close()
}

// locations is what of the objects is in order of arrival: their locations.
func locations(objects []object) []wire.Location {
	var list []wire.Location
	for _, o := range objects {
		list = append(list, o.location())
	}
	return list
}

// groupOrder says how locations of a FETCH response should follow each other.
func groupOrder(down bool) func(a, b wire.Location) int {
	return func(a, b wire.Location) int {
		if down && a.Group != b.Group {
			return cmp.Compare(b.Group, a.Group)
		}
		return a.Compare(b)
	}
}
