package deliver_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestTies: the order within a request when priorities are equal (moqt-19
// §7.2): groups as ordered, then datagrams by object ID, then subgroups by ID.
func TestTies(t *testing.T) {
	tests := []struct {
		name  string
		order wire.GroupOrder
		fill  func(*testing.T, *live.Track)
		want  []string
	}{
		{"subgroups", wire.GroupOrderAscending, func(t *testing.T, track *live.Track) {
			for _, id := range []uint64{4, 0, 2} {
				put(t, open(t, track, 1, id), int(id), fin)
			}
		}, []string{"1/0", "1/2", "1/4"}},
		{"datagrams", wire.GroupOrderAscending, func(t *testing.T, track *live.Track) {
			for _, id := range []uint64{4, 0, 2} {
				packet(t, track, 1, id)
			}
		}, []string{"datagram 1/0", "datagram 1/2", "datagram 1/4"}},
		{"datagrams of descending groups", wire.GroupOrderDescending, func(t *testing.T, track *live.Track) {
			for g := range uint64(3) {
				packet(t, track, g, 1)
				packet(t, track, g, 0)
			}
		}, []string{"datagram 2/0", "datagram 2/1", "datagram 1/0", "datagram 1/1", "datagram 0/0", "datagram 0/1"}},
		{"a datagram before a subgroup", wire.GroupOrderAscending, func(t *testing.T, track *live.Track) {
			put(t, open(t, track, 1, 0), 0, fin)
			packet(t, track, 1, 9)
		}, []string{"datagram 1/9", "1/0"}},
		{"an earlier group before a datagram", wire.GroupOrderAscending, func(t *testing.T, track *live.Track) {
			packet(t, track, 2, 0)
			put(t, open(t, track, 1, 0), 0, fin)
		}, []string{"1/0", "datagram 2/0"}},
		{"publisher priority before all", wire.GroupOrderDescending, func(t *testing.T, track *live.Track) {
			packet(t, track, 2, 0)
			w, _ := track.OpenSubgroup(live.SubgroupInfo{Group: 1, ID: 7, Priority: 127})
			put(t, w, 0, fin)
			if err := track.AppendDatagram(wire.Datagram{Group: 0, Priority: wire.Some(uint8(3))}); err != nil {
				t.Fatal(err)
			}
		}, []string{"datagram 0/0", "1/7", "datagram 2/0"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, wire.Draft19, func(t *testing.T, r *rig) {
				track := newTrack()
				c.fill(t, track)
				r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Order: c.order})
				r.start()
				r.expectOrder(c.want...)
			})
		})
	}
}

// TestFetchPriority: a response competes with the publisher priority of the
// object that is next in it, not of the one before (moqt-18 §7.1).
func TestFetchPriority(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		fetched, subscribed := newTrack(), newTrack()
		for g, p := range []uint8{1, 200} {
			w, _ := fetched.OpenSubgroup(live.SubgroupInfo{Group: uint64(g), Priority: p})
			put(t, w, 0, fin)
		}
		for g := range uint64(2) {
			put(t, open(t, subscribed, g, 0), 0, fin)
		}
		over := []string{}
		r.Fetch(deliver.Fetch{Track: fetched, RequestID: 2, Last: at(1, 0), Done: func(bool) { over = append(over, "fetch") }})
		r.Subscribe(deliver.Subscribe{Track: subscribed, Forward: true, Done: func(live.Done, uint64) { over = append(over, "subscription") }})
		subscribed.Close(wire.DoneTrackEnded, "")
		r.start()
		synctest.Wait()
		if !slices.Equal(over, []string{"subscription", "fetch"}) {
			t.Errorf("came to their end in the order %v", over)
		}
	})
}

// TestPublishers: two publishers bring the same subgroup, each at its own pace,
// one of them from the middle on and over two streams. The subscriber gets each
// object once and whole, over however many streams (moqt-18 §9.3, §11.4.3).
func TestPublishers(t *testing.T) {
	const objects = 8
	payload := func(id int) []byte { return bytes.Repeat(fmt.Append(nil, id), 3000) }
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
			track := newTrack()
			r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
			r.start()
			type publisher struct {
				w    *live.SubgroupWriter
				next int
				rest []byte
				fail int // steps until its stream is reset
			}
			todo := []*publisher{{fail: -1, next: random.IntN(objects)}, {fail: random.IntN(2 * objects)}, {fail: -1}}
			for len(todo) > 0 {
				i := random.IntN(len(todo))
				p := todo[i]
				if p.w == nil {
					w, err := track.OpenSubgroup(live.SubgroupInfo{Group: 1, Priority: 128, FirstObject: p.next == 0})
					if err != nil {
						t.Fatal(err)
					}
					p.w = w
				}
				switch {
				case p.fail == 0:
					p.w.Abort(wire.ResetInternalError)
					p.w, p.rest, p.fail = nil, nil, -1
				case len(p.rest) > 0:
					n := copy(p.w.Buffer(), p.rest[:1+random.IntN(len(p.rest))])
					p.w.Commit(n)
					if p.rest = p.rest[n:]; len(p.rest) == 0 {
						p.next++
					}
				case p.next == objects:
					if err := p.w.Close(); err != nil {
						t.Fatal(err)
					}
					todo = slices.Delete(todo, i, i+1)
				default:
					p.rest = payload(p.next)
					if err := p.w.Begin(live.ObjectHeader{ID: uint64(p.next), Size: uint64(len(p.rest))}); err != nil {
						t.Fatal(err)
					}
				}
				p.fail--
				if random.IntN(3) > 0 {
					synctest.Wait()
				}
			}
			got := r.now()
			seen := map[string]int{}
			fins := 0
			for _, x := range r.streams {
				for _, id := range x.objects {
					seen[id]++
					if x.bodies[id] != strings.Repeat(id, 3000) {
						t.Errorf("object %s is not what was sent", id)
					}
				}
				if x.end == "FIN" {
					fins++
					if x.objects[len(x.objects)-1] != fmt.Sprint(objects-1) {
						t.Errorf("a FIN that is not behind the final object: %q", x)
					}
				}
				if x.end == "open" {
					t.Errorf("a stream stays open: %q", x)
				}
			}
			for id := range objects {
				if seen[fmt.Sprint(id)] != 1 {
					t.Errorf("seed %d: object %d came %d times: %q", seed, id, seen[fmt.Sprint(id)], got)
				}
			}
			if fins > 1 {
				t.Errorf("%d streams end with FIN: %q", fins, got)
			}
		})
	}
}
