package conformance_test

import (
	"math"
	"slices"
	"testing"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestBadRangeFilters are refused with INVALID_FILTER, not with the session (rule 114).
func TestBadRangeFilters(t *testing.T) {
	tests := []struct {
		name  string
		count byte
		bytes func(p *peer.Peer) []byte // of parameters
	}{
		{"more than MAX_FILTER_RANGES", 1, func(*peer.Peer) []byte { return []byte{0x25, 7, 0, 1, 0, 1, 0, 1, 0} }},
		{"twice the same", 2, func(*peer.Peer) []byte { return []byte{0x25, 3, 0, 1, 1, 0, 3, 0, 5, 1} }},
		{"beyond 64 bits", 1, func(p *peer.Peer) []byte {
			long := p.Varint(nil, math.MaxUint64)
			return slices.Concat([]byte{0x26, byte(1 + 1 + len(long)), 0, 5}, long)
		}},
		{"odd property", 1, func(*peer.Peer) []byte { return []byte{0x28, 4, 0, 0x05, 1, 1} }},
		{"priority of 256", 1, func(*peer.Peer) []byte { return []byte{0x27, 4, 0, 0x81, 0x00, 0} }},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			forDrafts(t, 19, 0, func(t *testing.T, v wire.Version) {
				p := served(t, v, moq.Config{Handler: make(gatekeeper, 1), MaxFilterRanges: 2})
				m := &wire.Subscribe{RequestID: p.ID(), Track: video}
				payload := p.Payload(m)
				payload = slices.Concat(payload[:len(payload)-1], []byte{x.count}, x.bytes(p))
				p.RequestAs(m, p.Bytes(m, payload)).ExpectError(wire.RequestInvalidFilter)
				p.ExpectOpen()
			})
		})
	}
	t.Run("the limit is told", func(t *testing.T) {
		forDrafts(t, 19, 0, func(t *testing.T, v wire.Version) {
			p, _ := serving(t, v, moq.Config{MaxFilterRanges: 2, MaxRequestUpdates: 5})
			if got := p.Hello(); got.MaxFilterRanges != wire.Some(uint64(2)) || got.MaxRequestUpdates != wire.Some(uint64(5)) {
				t.Errorf("SETUP says %+v", got)
			}
		})
	})
}

// TestRangeFilters: filters of one set must all pass, one set is enough (rules
// 115, 154).
func TestRangeFilters(t *testing.T) {
	id := func(set uint8, first, last uint64) wire.RangeFilter {
		return wire.RangeFilter{Type: wire.RangeObjectID, SetID: set, Ranges: []wire.ValueRange{{First: first, Last: last}}}
	}
	subgroup := func(set uint8, n uint64) wire.RangeFilter {
		return wire.RangeFilter{Type: wire.RangeSubgroup, SetID: set, Ranges: []wire.ValueRange{{First: n, Last: n}}}
	}
	tests := []struct {
		name    string
		filters []wire.RangeFilter
		want    string // of objects 0 to 5 in the subgroups 0 and 1 in turn
	}{
		{"one", []wire.RangeFilter{id(0, 2, 3)}, "4/2 4/3"},
		{"both of a set", []wire.RangeFilter{subgroup(0, 1), id(0, 2, math.MaxUint64)}, "4/3 4/5"},
		{"either set", []wire.RangeFilter{subgroup(0, 1), id(1, 0, 0)}, "4/0 4/1 4/3 4/5"},
		{"nothing", []wire.RangeFilter{id(0, 90, 99)}, ""},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			forDrafts(t, 19, 0, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				source := offer(n.connect(v), t)
				viewer := n.connect(v)
				subscribe(viewer, video, wire.Parameters{RangeFilters: x.filters})
				mixed(source, 4)
				viewer.ExpectOpen()
				var got []*peer.Object
				for viewer.Waiting() > 0 {
					all, _ := viewer.Stream().Drain()
					got = append(got, all...)
				}
				slices.SortFunc(got, func(a, b *peer.Object) int { return int(a.Location.Object) - int(b.Location.Object) })
				if text := peer.Locations(got); text != x.want {
					t.Errorf("got %s, want %s", text, x.want)
				}
				stream, _ := fetched(viewer, at(4, 0), at(4, 5), wire.Parameters{RangeFilters: x.filters})
				if text := peer.Locations(stream.Rest()); text != x.want {
					t.Errorf("fetched %s, want %s", text, x.want)
				}
			})
		})
	}
}

// TestUpdateLimit: a session keeps to the peer's MAX_REQUEST_UPDATES, and closes
// when its own is not kept to (rule 31).
func TestUpdateLimit(t *testing.T) {
	t.Run("of the peer", func(t *testing.T) {
		forDrafts(t, 19, 0, func(t *testing.T, v wire.Version) {
			p, session := client(t, v, moq.Config{})
			m := p.DefaultSetup()
			m.MaxRequestUpdates = wire.Some(uint64(2))
			p.SendSetup(m)
			p.ReceiveSetup()
			s := session()
			subs := make(chan *moq.Subscription, 1)
			go func() {
				sub, err := s.Subscribe(t.Context(), video, moq.SubscribeOptions{})
				if err != nil {
					t.Error(err)
				}
				subs <- sub
			}()
			r, _ := peer.Accept[*wire.Subscribe](p)
			r.AcceptSubscribe(1, none, nil)
			sub := <-subs
			updated := make(chan error, 4)
			for range 4 {
				go func() { updated <- sub.Update(t.Context(), wire.Parameters{SubscriberPriority: wire.Some(uint8(1))}) }()
			}
			for range 2 {
				a, b := peer.Expect[*wire.RequestUpdate](r), peer.Expect[*wire.RequestUpdate](r)
				r.Quiet()
				r.Answer(a, &wire.RequestOK{})
				r.Answer(b, &wire.RequestOK{})
			}
			for range 4 {
				if err := <-updated; err != nil {
					t.Error(err)
				}
			}
		})
	})
	t.Run("of this side", func(t *testing.T) {
		forDrafts(t, 19, 0, func(t *testing.T, v wire.Version) {
			p := served(t, v, moq.Config{Handler: silent{}, MaxRequestUpdates: 3})
			r := p.Subscribe(video, wire.Parameters{})
			for range 4 {
				r.Update(wire.Parameters{})
			}
			p.ExpectClose(wire.SessionTooManyRequestUpdates)
		})
	})
}
