package conformance_test

import (
	"strings"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

func at(group, object uint64) wire.Location { return wire.Location{Group: group, Object: object} }

// fetched makes a FETCH that succeeds and returns its stream and FETCH_OK.
func fetched(p *peer.Peer, first, last wire.Location, params wire.Parameters) (*peer.Stream, *wire.FetchOK) {
	r := p.FetchRange(video, first, last, params)
	ok := peer.Expect[*wire.FetchOK](r)
	s := p.Stream()
	if s.Fetch == nil || s.Fetch.RequestID != r.ID {
		panic("the stream of another request came: " + s.String())
	}
	return s, ok
}

// mixed sends a group whose objects 0 to 5 are in two subgroups in turn.
func mixed(s *source, group uint64) {
	even := s.open(wire.SubgroupHeader{Group: group, Mode: wire.SubgroupExplicit, Subgroup: 0, FirstObject: true, Priority: wire.Some(uint8(5))})
	odd := s.open(wire.SubgroupHeader{Group: group, Mode: wire.SubgroupExplicit, Subgroup: 1, FirstObject: true, EndOfGroup: true, Priority: wire.Some(uint8(6))})
	for id := range uint64(6) {
		to := even
		if id%2 == 1 {
			to = odd
		}
		to.Object(id, at(group, id).String())
	}
	even.Close()
	odd.Close()
	s.ExpectOpen()
}

// TestFetchOrder: one stream, groups in the order asked for, objects by ID
// whatever their subgroup (rules 117, 191).
func TestFetchOrder(t *testing.T) {
	up := "4/0 4/1 4/2 4/3 4/4 4/5 5/0 5/1 5/2 5/3 5/4 5/5"
	down := "5/0 5/1 5/2 5/3 5/4 5/5 4/0 4/1 4/2 4/3 4/4 4/5"
	tests := []struct {
		name  string
		order wire.Option[wire.GroupOrder]
		want  string
	}{
		{"default", wire.Option[wire.GroupOrder]{}, up},
		{"ascending", wire.Some(wire.GroupOrderAscending), up},
		{"descending", wire.Some(wire.GroupOrderDescending), down},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				// The track's own order does not matter to FETCH.
				properties := wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropGroupOrder, Value: uint64(wire.GroupOrderDescending)})
				source := publish(n.connect(v), t, video, 7, wire.Parameters{}, properties)
				mixed(source, 4)
				mixed(source, 5)
				viewer := n.connect(v)
				s, ok := fetched(viewer, at(4, 0), at(5, peer.WholeGroup), wire.Parameters{GroupOrder: x.order})
				all := s.Rest()
				if got := peer.Locations(all); got != x.want {
					t.Fatalf("got %s, want %s", got, x.want)
				}
				for _, o := range all {
					if o.Subgroup != o.Location.Object%2 || o.Priority.Value != uint8(5+o.Location.Object%2) || string(o.Payload) != o.Location.String() {
						t.Errorf("got %+v", o)
					}
				}
				if ok.End != at(5, 5) {
					t.Errorf("FETCH_OK ends with %s, want 5/5", ok.End)
				}
				viewer.Quiet()
			})
		})
	}
}

// TestFetchOfMissing: what is left out does not exist; what is not known is said
// to be unknown; a response without objects is a stream as well (rules 118, 119,
// 124, 125).
func TestFetchOfMissing(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		s := source.open(wire.SubgroupHeader{Group: 3, HasProperties: true, FirstObject: true, EndOfGroup: true})
		s.Send(wire.Object{ID: 0, PayloadLen: 1}, "a")
		gap := wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropPriorObjectGap, Value: 4})
		s.Send(wire.Object{ID: 5, PayloadLen: 1, Properties: gap}, "b")
		s.Close()
		source.ExpectOpen()
		viewer := n.connect(v)
		stream, _ := fetched(viewer, at(3, 0), at(3, peer.WholeGroup), wire.Parameters{})
		if got := peer.Locations(stream.Rest()); got != "3/0 3/5" {
			t.Errorf("got %s, want 3/0 3/5", got)
		}
		stream, _ = fetched(viewer, at(3, 1), at(3, 4), wire.Parameters{})
		if got := peer.Locations(stream.Rest()); got != "" {
			t.Errorf("got %s, want nothing", got)
		}
	})
}

// TestFetchRefused: there must be something in the range (rule 122).
func TestFetchRefused(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		refused := func(first, last wire.Location) {
			t.Helper()
			r := viewer.FetchRange(video, first, last, wire.Parameters{})
			r.ExpectError(wire.RequestInvalidRange)
			r.ExpectFin()
		}
		refused(at(0, 0), at(9, 0)) // nothing was published
		source.group(5, 3)
		refused(at(5, 3), at(9, 0))
		refused(at(6, 0), at(9, 0))
		viewer.Quiet()
	})
}

// TestFetchEnd: FETCH_OK ends at the largest object, and with the track (rules
// 76, 123).
func TestFetchEnd(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		source.group(5, 3)
		viewer := n.connect(v)
		s, ok := fetched(viewer, at(5, 1), at(900, 7), wire.Parameters{})
		if ok.End != at(5, 2) || ok.EndOfTrack {
			t.Errorf("FETCH_OK %+v, want an end of 5/2 and no end of track", ok)
		}
		if got := peer.Locations(s.Rest()); got != "5/1 5/2" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("before its start", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			p, session := client(t, v, moq.Config{})
			p.Hello()
			s := session()
			go s.Fetch(moq.FetchOptions{Into: live.NewTrack(video, live.Options{}), First: at(5, 0), Last: at(6, 0)})
			r, _ := peer.Accept[*wire.Fetch](p)
			r.Send(&wire.FetchOK{End: at(4, 0)})
			p.ExpectClose(wire.SessionProtocolViolation)
		})
	})
}

// TestFillTimeout: how long the relay may ask upstream (rules 120, 121, 126).
func TestFillTimeout(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := publish(n.connect(v), t, video, 7, wire.Parameters{LargestObject: wire.Some(at(5, 0))}, nil)
			source.group(6, 1)
			viewer := n.connect(v)
			s, _ := fetched(viewer, at(4, 0), at(6, 0), wire.Parameters{FillTimeout: wire.Some(time.Duration(0))})
			all := s.Rest()
			if got := peer.Locations(all); !strings.HasSuffix(got, " 6/0") || !strings.HasPrefix(got, "unknown:") && !strings.HasPrefix(got, "timeout:") {
				t.Errorf("got %s, want something unknown before 6/0", got)
			}
			source.NoRequest(wire.MsgFetch)
		})
	})
	t.Run("one second", func(t *testing.T) {
		forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := publish(n.connect(v), t, video, 7, wire.Parameters{LargestObject: wire.Some(at(5, 0))}, nil)
			source.group(6, 1)
			viewer := n.connect(v)
			started := time.Now()
			r := viewer.FetchRange(video, at(4, 0), at(6, 0), wire.Parameters{FillTimeout: wire.Some(time.Second)})
			peer.Accept[*wire.Fetch](source.Peer) // and no answer to it
			peer.Expect[*wire.FetchOK](r)
			got := peer.Locations(viewer.Stream().Rest())
			want := "unknown:"
			if v.Has(wire.FeatureTimedOutRange) {
				want = "timeout:"
			}
			if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " 6/0") {
				t.Errorf("got %s, want %s… and 6/0", got, want)
			}
			if took := time.Since(started); took != time.Second {
				t.Errorf("it took %s, want 1s", took)
			}
		})
	})
	t.Run("answered", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := publish(n.connect(v), t, video, 7, wire.Parameters{LargestObject: wire.Some(at(5, 1))}, nil)
			viewer := n.connect(v)
			r := viewer.FetchRange(video, at(5, 0), at(5, 1), wire.Parameters{})
			answerFetch(source, at(5, 0), at(5, 1))
			peer.Expect[*wire.FetchOK](r)
			if got := peer.Locations(viewer.Stream().Rest()); got != "5/0 5/1" {
				t.Errorf("got %s, want 5/0 5/1", got)
			}
		})
	})
}

// answerFetch answers the next FETCH of the relay with objects of one byte.
func answerFetch(s *source, objects ...wire.Location) {
	r, m := peer.Accept[*wire.Fetch](s.Peer)
	r.Send(&wire.FetchOK{End: objects[len(objects)-1]})
	r.Finish()
	var all []wire.FetchObject
	for _, l := range objects {
		all = append(all, wire.FetchObject{Group: l.Group, ID: l.Object, Priority: 128, PayloadLen: 1})
	}
	s.SendFetch(m.RequestID, all...)
}

// TestOneFetchUpstream: with several publishers one of them is asked, at least
// (rule 127).
func TestOneFetchUpstream(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		largest := wire.Parameters{LargestObject: wire.Some(at(5, 1))}
		a := publish(n.connect(v), t, video, 7, largest, nil)
		b := publish(n.connect(v), t, video, 7, largest, nil)
		a.settle()
		n.connect(v).FetchRange(video, at(5, 0), at(5, 1), wire.Parameters{})
		a.ExpectOpen()
		if asked := a.CountRequests(wire.MsgFetch) + b.CountRequests(wire.MsgFetch); asked == 0 {
			t.Error("nobody was asked")
		}
	})
}

// TestFetchCancelled: its data stream is reset (rule 131).
func TestFetchCancelled(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		s := source.open(wire.SubgroupHeader{Group: 1, FirstObject: true, EndOfGroup: true})
		s.Object(0, strings.Repeat("x", 100_000))
		s.Close()
		source.ExpectOpen()
		viewer := n.attachTo(transport.MemoryConfig{Protocol: v.String(), StreamBuffer: 4 << 10}.Pair())
		viewer.Hello()
		viewer.Pause()
		r := viewer.FetchRange(video, at(1, 0), at(1, 0), wire.Parameters{})
		peer.Expect[*wire.FetchOK](r)
		stream := viewer.Stream()
		r.Cancel(wire.ResetCancelled)
		viewer.ExpectOpen()
		viewer.Resume()
		stream.Until(wire.ResetCancelled)
		viewer.Quiet()
	})
}

// TestFetchAcrossGroups: a group that was complete before the relay knew of its
// track does not hold up a FETCH of the next one once the track has moved on
// (rule 120).
func TestFetchAcrossGroups(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := publish(n.connect(v), t, video, 7, wire.Parameters{LargestObject: wire.Some(at(5, 1))}, nil)
		source.group(6, 1)
		source.group(7, 1)
		viewer := n.connect(v)
		r := viewer.FetchRange(video, at(5, 0), at(6, 0), wire.Parameters{})
		answerFetch(source, at(5, 0), at(5, 1))
		peer.Expect[*wire.FetchOK](r)
		s := viewer.Stream()
		if got := peer.Locations(s.Rest()); got != "5/0 5/1 6/0" {
			t.Errorf("got %s, want 5/0 5/1 6/0", got)
		}
	})
}
