package deliver_test

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

func filter(t wire.RangeFilterType, set uint8, bounds ...uint64) wire.RangeFilter {
	f := wire.RangeFilter{Type: t, SetID: set}
	for i := 0; i < len(bounds); i += 2 {
		f.Ranges = append(f.Ranges, wire.ValueRange{First: bounds[i], Last: bounds[i+1]})
	}
	return f
}

func of(property uint64, f wire.RangeFilter) wire.RangeFilter {
	f.Property = property
	return f
}

// TestRangeFilters: an object is sent when one set of filters passes it in
// whole (moqt-19 §5.1.3), in subscriptions, as datagram, and in fetches.
func TestRangeFilters(t *testing.T) {
	const (
		sub, id, priority = wire.RangeSubgroup, wire.RangeObjectID, wire.RangePriority
		object, track     = wire.RangeObjectProperty, wire.RangeTrackProperty
		open              = math.MaxUint64
	)
	// Objects 0 to 3 are in subgroup 0 with priority 10, 4 to 6 in subgroup 2
	// with priority 20, 7 and 8 are datagrams with priority 30. 1, 5 and 8 have
	// property 0x10, 5 inside Immutable Properties.
	all := []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8}
	tests := []struct {
		name    string
		filters []wire.RangeFilter
		want    []uint64
	}{
		{"none", nil, all},
		{"removed", []wire.RangeFilter{filter(id, 0)}, all},
		{"subgroup, which datagrams do not have", []wire.RangeFilter{filter(sub, 0, 0, open)}, []uint64{0, 1, 2, 3, 4, 5, 6}},
		{"one subgroup", []wire.RangeFilter{filter(sub, 0, 1, 2)}, []uint64{4, 5, 6}},
		{"object ID", []wire.RangeFilter{filter(id, 0, 0, 0, 2, 4, 8, open)}, []uint64{0, 2, 3, 4, 8}},
		{"priority", []wire.RangeFilter{filter(priority, 0, 20, 255)}, []uint64{4, 5, 6, 7, 8}},
		{"object property", []wire.RangeFilter{of(0x10, filter(object, 0, 0, open))}, []uint64{1, 5, 8}},
		{"values of an object property", []wire.RangeFilter{of(0x10, filter(object, 0, 5, 5, 8, 9))}, []uint64{5, 8}},
		{"both in one set", []wire.RangeFilter{filter(id, 3, 3, 7), filter(priority, 3, 20, 20)}, []uint64{4, 5, 6}},
		{"one of two sets", []wire.RangeFilter{filter(id, 3, 0, 1), filter(id, 9, 5, 5), filter(priority, 3, 10, 10)}, []uint64{0, 1, 5}},
		{"several of a kind in a set", []wire.RangeFilter{of(0x10, filter(object, 0, 0, open)), of(0x12, filter(object, 0, 0, open))}, nil},
		{"no such value", []wire.RangeFilter{filter(id, 0, 100, open)}, nil},
		{"a property of the track", []wire.RangeFilter{of(0x40, filter(track, 0, 1, 1))}, all},
		{"another value of it", []wire.RangeFilter{of(0x40, filter(track, 0, 2, open))}, nil},
		{"it is not looked for in objects", []wire.RangeFilter{of(0x40, filter(object, 0, 0, open))}, nil},
		{"a property of the track and more", []wire.RangeFilter{of(0x40, filter(track, 0, 2, 2)), filter(id, 0, 0, open), of(0x40, filter(track, 1, 1, 1)), filter(id, 1, 3, 3)}, []uint64{3}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, wire.Draft19, func(t *testing.T, r *rig) {
				track := newTrack(wire.KeyValue{Type: 0x40, Value: 1})
				w := map[uint64]*live.SubgroupWriter{}
				for _, id := range all {
					if s := id / 4 * 2; id < 7 && w[s] == nil {
						w[s], _ = track.OpenSubgroup(live.SubgroupInfo{Group: 1, ID: s, Priority: uint8(10 + 5*s), HasProperties: true})
					}
					kv := wire.KeyValue{Type: 0x10, Value: id}
					var p wire.Properties
					switch id {
					case 1, 8:
						p = wire.AppendProperties(nil, kv)
					case 5:
						p = wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropImmutable, Bytes: wire.AppendProperties(nil, kv)})
					}
					var err error
					if id < 7 {
						err = w[id/4*2].Append(live.WholeObject{ID: id, Properties: p, Payload: []byte("x")})
					} else {
						err = track.AppendDatagram(wire.Datagram{Group: 1, ID: id, Priority: wire.Some(uint8(30)), Properties: p})
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				for _, s := range w {
					s.Close()
				}
				r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Filters: c.filters})
				r.Fetch(deliver.Fetch{Track: track, RequestID: 4, First: at(0, 0), Last: at(9, 0), Filters: c.filters})
				r.start()
				synctest.Wait()
				var got, fetched []uint64
				r.mu.Lock()
				for _, x := range r.streams {
					for _, o := range x.objects {
						if x.what == "fetch 4" {
							fetched = append(fetched, uint64(o[len(o)-1]-'0'))
						} else {
							got = append(got, uint64(o[0]-'0'))
						}
					}
				}
				for _, o := range r.packets {
					got = append(got, uint64(o[len(o)-1]-'0'))
				}
				r.mu.Unlock()
				slices.Sort(got)
				if !slices.Equal(got, c.want) {
					t.Errorf("subscribed: got %v, want %v", got, c.want)
				}
				if !slices.Equal(fetched, c.want) {
					t.Errorf("fetched: got %v, want %v", fetched, c.want)
				}
			})
		})
	}
}

// TestFilteredStream: what filters leave out does not break a stream (moqt-19
// §11.4.3); FIN is only behind the final object; a subgroup without an object
// that passes has no stream.
func TestFilteredStream(t *testing.T) {
	virtual(t, wire.Draft19, func(t *testing.T, r *rig) {
		track := newTrack()
		even := []wire.RangeFilter{filter(wire.RangeObjectID, 0, 0, 0, 2, 2, 4, 4, 9, 9)}
		x := r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Filters: even})
		r.start()
		w := open(t, track, 1, 0)
		put(t, w, 0, 1, 2)
		r.expect("in the middle", "1/0: 0 2 open")
		put(t, w, 3, 4, fin)
		r.expect("the final object passes", "1/0: 0 2 4 FIN")
		put(t, open(t, track, 2, 0), 0, 2, 3, fin)
		r.expect("the final object does not", "1/0: 0 2 4 FIN", "2/0: 0 2 CANCELLED")
		put(t, open(t, track, 3, 0), 1, 3, 5, fin)
		r.expect("nothing passes", "1/0: 0 2 4 FIN", "2/0: 0 2 CANCELLED")
		// 5 to 8 are not known, so 9 is not known to be next, filters or not.
		w, again := open(t, track, 4, 0), open(t, track, 4, 0)
		put(t, w, 2, 3)
		put(t, again, 9, fin)
		r.expect("a gap behind what is left out", "1/0: 0 2 4 FIN", "2/0: 0 2 CANCELLED", "4/0: 2 INTERNAL_ERROR", "4/0: 9 FIN")
		x.Update(func(s *deliver.Subscribe) { s.Filters = nil })
		synctest.Wait()
		w = open(t, track, 5, 0)
		put(t, w, 1)
		r.expect("without filters", "1/0: 0 2 4 FIN", "2/0: 0 2 CANCELLED", "4/0: 2 INTERNAL_ERROR", "4/0: 9 FIN", "5/0: 1 open")
	})
}
