package conformance_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// streams takes n streams that end with FIN, and writes their objects, sorted.
func streams(p *peer.Peer, n int) string {
	var out []string
	for range n {
		out = append(out, strings.Fields(peer.Locations(p.Stream().Rest()))...)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestLocationFilters: what passes each, of groups 5 to 8 with two objects each,
// of which 5 was there before (rules 108, 112, 113).
func TestLocationFilters(t *testing.T) {
	tests := []struct {
		name    string
		filter  wire.Filter
		since   wire.Version
		streams int
		want    string
	}{
		{"largest object", wire.Filter{Type: wire.FilterLargestObject}, 0, 3, "6/0 6/1 7/0 7/1 8/0 8/1"},
		{"next group", wire.Filter{Type: wire.FilterNextGroup}, 0, 3, "6/0 6/1 7/0 7/1 8/0 8/1"},
		{"absolute start", wire.Filter{Type: wire.FilterAbsoluteStart, Start: wire.Location{Group: 7, Object: 1}}, 0, 2, "7/1 8/0 8/1"},
		{"absolute range", wire.Filter{Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 6, Object: 1}, EndGroup: 7}, 0, 2, "6/1 7/0 7/1"},
		{"absolute start in the past", wire.Filter{Type: wire.FilterAbsoluteStart}, 0, 3, "6/0 6/1 7/0 7/1 8/0 8/1"},
		{"range with a last object", wire.Filter{Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 6, Object: 1}, EndGroup: 7, EndObject: wire.Some(uint64(0))}, 20, 2, "6/1 7/0"},
		{"relative group", wire.Filter{Type: wire.FilterRelativeGroup, Groups: 1}, 20, 3, "6/0 6/1 7/0 7/1 8/0 8/1"},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			forDrafts(t, x.since, 0, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				source := offer(n.connect(v), t)
				source.group(5, 2)
				viewer := n.connect(v)
				subscribe(viewer, video, wire.Parameters{Filter: wire.Some(x.filter)})
				for g := uint64(6); g <= 8; g++ {
					source.group(g, 2)
				}
				var got []string
				for range x.streams {
					all, _ := viewer.Stream().Drain()
					got = append(got, strings.Fields(peer.Locations(all))...)
				}
				if slices.Sort(got); strings.Join(got, " ") != x.want {
					t.Errorf("got %v, want %s", got, x.want)
				}
				viewer.Quiet()
			})
		})
	}
	t.Run("nothing published yet", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := offer(n.connect(v), t)
			a, b := n.connect(v), n.connect(v)
			watch(a)
			subscribe(b, video, wire.Parameters{Filter: wire.Some(wire.Filter{Type: wire.FilterNextGroup})})
			source.group(0, 2)
			if got := streams(a, 1); got != "0/0 0/1" {
				t.Errorf("largest object: got %s", got)
			}
			if got := streams(b, 1); got != "0/0 0/1" {
				t.Errorf("next group: got %s", got)
			}
		})
	})
}

// TestBadFilters close the session (rule 109).
func TestBadFilters(t *testing.T) {
	long := func(p *peer.Peer) []byte { return p.Varint(nil, math.MaxUint64) }
	tests := []struct {
		name         string
		since, until wire.Version
		value        func(p *peer.Peer) []byte
	}{
		{"type 0", 0, 19, func(*peer.Peer) []byte { return []byte{1, 0} }},
		{"type 5", 0, 19, func(*peer.Peer) []byte { return []byte{1, 5} }},
		{"start cut off", 0, 19, func(*peer.Peer) []byte { return []byte{2, 3, 1} }},
		{"bytes behind", 0, 19, func(*peer.Peer) []byte { return []byte{2, 2, 1} }},
		{"end beyond 64 bits", 18, 19, func(p *peer.Peer) []byte { return slices.Concat([]byte{12, 4, 1, 0}, long(p)) }},
		{"five fields", 20, 21, func(*peer.Peer) []byte { return []byte{5, 1, 1, 1, 1, 1} }},
		{"group delta beyond 64 bits", 20, 21, func(p *peer.Peer) []byte { return slices.Concat([]byte{11, 1, 0}, long(p)) }},
		{"type 6", 22, 0, func(*peer.Peer) []byte { return []byte{6} }},
		{"delta beyond 64 bits", 22, 0, func(p *peer.Peer) []byte { return slices.Concat([]byte{3, 1, 0}, long(p)) }},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			forDrafts(t, x.since, x.until, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				m := &wire.Subscribe{RequestID: p.ID(), Track: video}
				payload := p.Payload(m)
				payload = slices.Concat(payload[:len(payload)-1], []byte{1, 0x21}, x.value(p))
				p.RequestRaw(p.Bytes(m, payload))
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}

// TestRangeOver: what is over cannot be subscribed to (rule 110); from draft 20
// on there is just nothing to send.
func TestRangeOver(t *testing.T) {
	forDrafts(t, 0, 19, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		source.group(5, 2)
		over := wire.Filter{Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 1}, EndGroup: 4}
		n.connect(v).Subscribe(video, wire.Parameters{Filter: wire.Some(over)}).ExpectError(wire.RequestInvalidRange)
	})
}

// TestLateObjects: objects below the start never pass, even when they come after
// the subscription (rule 111).
func TestLateObjects(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		low := source.open(wire.SubgroupHeader{Group: 5, Mode: wire.SubgroupExplicit, Subgroup: 1})
		low.Object(0, "x")
		high := source.open(wire.SubgroupHeader{Group: 5, Mode: wire.SubgroupExplicit, Subgroup: 2})
		high.Object(4, "x")
		viewer := n.connect(v)
		viewer.ExpectOpen()
		_, ok := subscribe(viewer, video, wire.Parameters{Filter: wire.Some(wire.Filter{Type: wire.FilterLargestObject})})
		if ok.Params.LargestObject != wire.Some(wire.Location{Group: 5, Object: 4}) {
			t.Fatalf("largest object %+v", ok.Params.LargestObject)
		}
		low.Object(1, "late")
		low.Object(2, "late")
		viewer.Quiet()
		low.Object(6, "x")
		if got := viewer.Stream().Next(); got.Location != (wire.Location{Group: 5, Object: 6}) {
			t.Errorf("got %s, want 5/6", got.Location)
		}
	})
}

// TestWiderRange: an update may widen it; what has passed is not sent again
// (rule 113).
func TestWiderRange(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		source.group(5, 1)
		viewer := n.connect(v)
		filter := wire.Filter{Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 10}, EndGroup: 10}
		r, _ := subscribe(viewer, video, wire.Parameters{Filter: wire.Some(filter)})
		source.group(6, 1)
		viewer.Quiet()
		filter.Start, filter.EndGroup = wire.Location{Group: 4}, 20
		r.Update(wire.Parameters{Filter: wire.Some(filter)})
		if ok := peer.Expect[*wire.RequestOK](r); ok.Params.LargestObject != wire.Some(wire.Location{Group: 6}) {
			t.Errorf("largest object %+v, want 6/0", ok.Params.LargestObject)
		}
		source.group(7, 1)
		source.group(20, 1)
		if got := streams(viewer, 2); got != "20/0 7/0" {
			t.Errorf("got %s, want 7/0 and 20/0", got)
		}
		viewer.Quiet()
	})
}
