package conformance_test

import (
	"testing"
	"time"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestJoin: a joining FETCH ends where its subscription begins (rules 107, 130).
func TestJoin(t *testing.T) {
	tests := []struct {
		name string
		ask  func(p *peer.Peer, r *peer.Request) *peer.Request
		want string
	}{
		{"current group", func(p *peer.Peer, r *peer.Request) *peer.Request { return p.Join(r, 0) }, "5/0 5/1"},
		{"one group earlier", func(p *peer.Peer, r *peer.Request) *peer.Request { return p.Join(r, 1) }, "4/0 4/1 5/0 5/1"},
		{"absolute", func(p *peer.Peer, r *peer.Request) *peer.Request {
			return p.Fetch(&wire.Fetch{Kind: wire.FetchAbsoluteJoining, JoiningRequestID: r.ID, JoiningStart: 4})
		}, "4/0 4/1 5/0 5/1"},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			forDrafts(t, 0, 19, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				source := offer(n.connect(v), t)
				source.group(4, 2)
				s := source.open(wire.SubgroupHeader{Group: 5, FirstObject: true})
				s.Object(0, "a")
				s.Object(1, "b")
				viewer := n.connect(v)
				viewer.ExpectOpen()
				r := watch(viewer)
				s.Object(2, "c") // after the joining location
				live := viewer.Stream()
				if got := live.Next(); got.Location != at(5, 2) {
					t.Errorf("the subscription begins with %s, want 5/2", got.Location)
				}
				f := x.ask(viewer, r)
				if ok := peer.Expect[*wire.FetchOK](f); ok.End != at(5, 1) {
					t.Errorf("FETCH_OK ends with %s, want 5/1", ok.End)
				}
				if got := peer.Locations(viewer.Stream().Rest()); got != x.want {
					t.Errorf("got %s, want %s", got, x.want)
				}
			})
		})
	}
}

// TestJoinRefused: what cannot be joined (rule 128).
func TestJoinRefused(t *testing.T) {
	forDrafts(t, 0, 19, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		empty := watch(viewer)
		viewer.Join(empty, 0).ExpectError(wire.RequestInvalidRange)
		source.group(5, 1)
		other := n.connect(v)
		heldBack, _ := subscribe(other, video, held)
		other.Join(heldBack, 0).ExpectError(wire.RequestInvalidRange)
		status := other.Status(video)
		peer.Expect[*wire.RequestOK](status)
		other.Join(status, 0).ExpectError(wire.RequestInvalidJoiningRequestID)
		other.Fetch(&wire.Fetch{Kind: wire.FetchRelativeJoining, JoiningRequestID: 4000}).ExpectError(wire.RequestInvalidJoiningRequestID)
		heldBack.Cancel(wire.ResetCancelled)
		other.ExpectOpen()
		other.Join(heldBack, 0).ExpectError(wire.RequestInvalidJoiningRequestID)
	})
}

// TestJoinWaits: for the subscription it joins, and the updates before it (rule 129).
func TestJoinWaits(t *testing.T) {
	t.Run("for the answer", func(t *testing.T) {
		forDrafts(t, 0, 19, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			p := n.connect(v)
			p.PublishNamespace("room")
			viewer := n.connect(v)
			r := viewer.Subscribe(video, wire.Parameters{Filter: wire.Some(wire.Filter{Type: wire.FilterLargestObject})})
			f := viewer.Join(r, 0)
			up, _ := peer.Accept[*wire.Subscribe](p)
			time.Sleep(time.Second)
			f.Quiet()
			up.AcceptSubscribe(1, none, nil)
			peer.Expect[*wire.SubscribeOK](r)
			f.ExpectError(wire.RequestInvalidRange) // there is nothing to join, but it is known
		})
	})
	t.Run("for an update", func(t *testing.T) {
		forDrafts(t, 0, 19, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := offer(n.connect(v), t)
			source.group(5, 2)
			viewer := n.connect(v)
			r, _ := subscribe(viewer, video, held)
			r.Update(wire.Parameters{Forward: wire.Some(true)})
			if v.Has(wire.FeatureControlStream) {
				viewer.ExpectOpen()
			} else {
				peer.Expect[*wire.RequestOK](r)
			}
			f := viewer.Join(r, 0)
			peer.Expect[*wire.FetchOK](f)
			if got := peer.Locations(viewer.Stream().Rest()); got != "5/0 5/1" {
				t.Errorf("got %s", got)
			}
		})
	})
}

// fill asks for the past of a subscription.
func fill(f wire.FillParameters) wire.Parameters {
	return wire.Parameters{Filter: wire.Some(wire.Filter{Type: wire.FilterLargestObject}), FillParameters: wire.Some(f)}
}

// wholePast is the FILL_PARAMETERS for groups 4 and later.
var wholePast = wire.FillParameters{Filter: wire.Some(wire.Filter{Type: wire.FilterAbsoluteStart, Start: at(4, 0)})}

// TestFill: the past comes on a fetch stream with the ID of the message (rules
// 132, 135).
func TestFill(t *testing.T) {
	forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		source.group(3, 1)
		source.group(4, 2)
		source.group(5, 2)
		viewer := n.connect(v)
		r, _ := subscribe(viewer, video, fill(wholePast))
		s := viewer.Stream()
		if s.Fetch == nil || s.Fetch.RequestID != r.ID {
			t.Fatalf("got %v, want a fetch stream of request %d", s, r.ID)
		}
		if got := peer.Locations(s.Rest()); got != "4/0 4/1 5/0 5/1" {
			t.Errorf("filled with %s", got)
		}
		source.group(6, 1)
		if got := streams(viewer, 1); got != "6/0" {
			t.Errorf("got %s", got)
		}
		u := &wire.RequestUpdate{RequestID: viewer.ID(), Params: wire.Parameters{FillParameters: wire.Some(wire.FillParameters{
			Filter: wire.Some(peer.Range(at(3, 0), at(3, peer.WholeGroup)))})}}
		r.Send(u)
		peer.Expect[*wire.RequestOK](r)
		s = viewer.Stream()
		if s.Fetch == nil || s.Fetch.RequestID != u.RequestID {
			t.Fatalf("got %v, want a fetch stream of update %d", s, u.RequestID)
		}
		if got := peer.Locations(s.Rest()); got != "3/0" {
			t.Errorf("filled with %s", got)
		}
		r.Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(1))}) // it is not asked for again
		peer.Expect[*wire.RequestOK](r)
		source.request.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: 4})
		if done := r.ExpectDone(wire.DoneTrackEnded); done.StreamCount != 3 {
			t.Errorf("PUBLISH_DONE counts %d streams, want 3 with those of fills", done.StreamCount)
		}
		viewer.Quiet()
	})
}

// TestNoFill: without forwarding or anything to fill there is no stream (rule 132).
func TestNoFill(t *testing.T) {
	forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		empty := n.connect(v)
		subscribe(empty, video, fill(wholePast))
		empty.Quiet()
		source.group(5, 1)
		params := fill(wholePast)
		params.Forward = wire.Some(false)
		viewer := n.connect(v)
		subscribe(viewer, video, params)
		viewer.Quiet()
	})
}

// TestFillEndsWithSubscription: it is reset with it (rule 133).
func TestFillEndsWithSubscription(t *testing.T) {
	forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := publish(n.connect(v), t, video, 7, wire.Parameters{LargestObject: wire.Some(at(5, 0))}, nil)
		viewer := n.connect(v)
		r, _ := subscribe(viewer, video, fill(wholePast))
		s := viewer.Stream() // open while the relay asks upstream
		peer.Accept[*wire.Fetch](source.Peer)
		s.Quiet()
		r.Cancel(wire.ResetCancelled)
		s.Until(wire.ResetCancelled)
		viewer.Quiet()
	})
}

// TestBadFillParameters: what has no place in them closes the session (rule 134).
func TestBadFillParameters(t *testing.T) {
	tests := []struct {
		name  string
		value []byte // count and parameters
	}{
		{"FORWARD", []byte{1, 0x10, 1}},
		{"unknown", []byte{1, 0x3e, 1}},
		{"fewer than counted", []byte{2, 0x20, 1}},
		{"bytes behind", []byte{0, 0}},
		{"SUBSCRIBER_PRIORITY twice", []byte{2, 0x20, 1, 0, 1}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				m := &wire.Subscribe{RequestID: p.ID(), Track: video}
				payload := p.Payload(m)
				payload = append(payload[:len(payload)-1], 1, 0x23, byte(len(x.value)))
				p.RequestRaw(p.Bytes(m, append(payload, x.value...)))
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}
