package live

import (
	"slices"
	"testing"

	"moqedge/moq/wire"
)

// TestDoubt: what lies between datagrams is not said not to exist, as they may have been
// lost; what is known of it stays.
func TestDoubt(t *testing.T) {
	datagram := func(group, id uint64) write { return packet(wire.Datagram{Group: group, ID: id}) }
	last := func(group, id uint64) write { return packet(wire.Datagram{Group: group, ID: id, EndOfGroup: true}) }
	all := Range{at(0, 0), at(20, 0)}
	tests := []struct {
		name   string
		writes []write
		known  Range // fetched
		within Range
		want   []Range
	}{
		{name: "nothing is missing", writes: []write{datagram(8, 0), datagram(8, 1), datagram(9, 0)}, within: all},
		{name: "between two", writes: []write{datagram(8, 0), datagram(8, 3)}, within: all, want: []Range{{at(8, 1), at(8, 3)}}},
		{name: "the first ones", writes: []write{last(8, 0), datagram(9, 2)}, within: all, want: []Range{{at(9, 0), at(9, 2)}}},
		{name: "from one group to the next", writes: []write{datagram(8, 0), datagram(9, 2)}, within: all, want: []Range{{at(8, 1), at(9, 2)}}},
		{name: "groups", writes: []write{last(5, 0), datagram(9, 0)}, within: all, want: []Range{{at(6, 0), at(9, 0)}}},
		{name: "many are one", writes: []write{datagram(8, 1), datagram(8, 3), datagram(8, 5)}, within: all, want: []Range{{at(8, 0), at(8, 5)}}},
		{name: "what was fetched", writes: []write{datagram(8, 0), datagram(8, 5)}, known: Range{at(8, 1), at(8, 4)}, within: all, want: []Range{{at(8, 4), at(8, 5)}}},
		{name: "what is asked for", writes: []write{datagram(8, 0), datagram(8, 9)}, within: Range{at(8, 3), at(8, 5)}, want: []Range{{at(8, 3), at(8, 5)}}},
		{name: "elsewhere", writes: []write{datagram(8, 0), datagram(8, 9), datagram(9, 0)}, within: Range{at(9, 0), at(9, 1)}},
		{name: "streams", writes: []write{object(SubgroupInfo{Group: 1}, WholeObject{}), object(SubgroupInfo{Group: 1, ID: 1}, WholeObject{ID: 4}), object(SubgroupInfo{Group: 3}, WholeObject{ID: 1})}, within: all},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			track := NewTrack(name, Options{RetainGroups: 20, Cache: true})
			do(t, track, x.writes...)
			track.ExpectFill(x.known)
			track.EndFill(x.known, true)
			track.Doubt(x.within)
			if got := track.Unknown(all); !slices.Equal(got, x.want) {
				t.Errorf("unknown: %v, want %v", got, x.want)
			}
			if len(x.want) > 0 {
				from := x.want[0].From
				if step, _, _ := track.NewWalk(from, at(20, 0), false).Next(); step != StepUnknown {
					t.Errorf("a walk finds %d, want that it is unknown", step)
				}
			}
		})
	}
}
