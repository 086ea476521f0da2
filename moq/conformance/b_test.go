package conformance_test

import (
	"testing"
	"time"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestRequestIDs: parity, no repetition, also by REQUEST_UPDATE (rule 21).
func TestRequestIDs(t *testing.T) {
	status := func(p *peer.Peer, id uint64) {
		p.Request(&wire.TrackStatus{RequestID: id, Track: video})
	}
	tests := []struct {
		name         string
		do           func(p *peer.Peer)
		since, until wire.Version
		want         wire.SessionError
	}{
		{"odd from a client", func(p *peer.Peer) { status(p, 1) }, 0, 0, wire.SessionInvalidRequestID},
		{"twice", func(p *peer.Peer) { status(p, 0); status(p, 0) }, 0, 0, wire.SessionInvalidRequestID},
		{"twice, far apart", func(p *peer.Peer) {
			for id := range uint64(300) {
				status(p, 2*id)
			}
			status(p, 8)
		}, 0, 0, wire.SessionInvalidRequestID},
		{"out of order", func(p *peer.Peer) { status(p, 4); status(p, 0); status(p, 2) }, 18, 0, 0},
		{"with a gap", func(p *peer.Peer) { status(p, 4) }, 0, 16, wire.SessionInvalidRequestID},
		{"update with an ID used before", func(p *peer.Peer) {
			r := p.Namespaces("x")
			r.Send(&wire.RequestUpdate{RequestID: r.ID})
		}, 18, 0, wire.SessionInvalidRequestID},
		{"request with the ID of an update", func(p *peer.Peer) {
			r := p.Namespaces("x")
			peer.Expect[*wire.RequestOK](r)
			r.Update(wire.Parameters{})
			peer.Expect[*wire.RequestOK](r)
			status(p, 2)
		}, 18, 0, wire.SessionInvalidRequestID},
		{"update with an ID of the wrong parity", func(p *peer.Peer) {
			r := p.Namespaces("x")
			r.Send(&wire.RequestUpdate{RequestID: 7})
		}, 18, 0, wire.SessionInvalidRequestID},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				if v < x.since || x.until != 0 && v > x.until {
					return
				}
				p := alone(t, v)
				x.do(p)
				if x.want != 0 {
					p.ExpectClose(x.want)
				} else {
					p.ExpectOpen()
				}
			})
		})
	}
}

// TestParameters: unknown, misplaced, repeated and missing ones close the session
// (rules 22, 23, 104).
func TestParameters(t *testing.T) {
	tests := []struct {
		name    string
		bytes   []byte // count, then parameters
		ignored bool   // by draft 16
	}{
		{"unknown", []byte{1, 0x3e, 0}, false},
		{"unknown, odd", []byte{1, 0x3f, 1, 0}, false},
		{"misplaced", []byte{1, 0x22, 1}, true}, // GROUP_ORDER
		{"fewer than counted", []byte{2, 0x03, 4, 3, 0, 'a', 'b'}, false},
		{"more than counted", []byte{0, 0x03, 4, 3, 0, 'a', 'b'}, false},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				m := &wire.TrackStatus{RequestID: p.ID(), Track: video}
				payload := p.Payload(m)
				r := p.RequestAs(m, p.Bytes(m, append(payload[:len(payload)-1], x.bytes...)))
				if x.ignored && v.Has(wire.FeatureControlStream) {
					r.ExpectError(wire.RequestDoesNotExist)
				} else {
					p.ExpectClose(wire.SessionProtocolViolation)
				}
			})
		})
	}
	subscribe := []struct {
		name  string
		bytes []byte
	}{
		{"FORWARD twice", []byte{2, 0x10, 1, 0, 1}},
		{"SUBSCRIBER_PRIORITY twice", []byte{2, 0x20, 1, 0, 1}},
		{"FORWARD 2", []byte{1, 0x10, 2}},
		{"GROUP_ORDER 3", []byte{1, 0x22, 3}},
	}
	for _, x := range subscribe {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				m := &wire.Subscribe{RequestID: p.ID(), Track: video}
				payload := p.Payload(m)
				p.RequestRaw(p.Bytes(m, append(payload[:len(payload)-1], x.bytes...)))
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}

// TestParametersAreHopByHop: what a subscriber asks for stays between it and the
// relay (rules 24, 96, 187).
func TestParametersAreHopByHop(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		publisher := n.connect(v)
		publisher.PublishNamespace("room")
		viewer := n.connect(v)
		viewer.Subscribe(video, wire.Parameters{
			AuthTokens:            []wire.Token{{AliasType: wire.TokenUseValue, TokenType: 1, Value: []byte("secret")}},
			ObjectDeliveryTimeout: wire.Some(time.Second), SubscriberPriority: wire.Some(uint8(3)),
			GroupOrder: wire.Some(wire.GroupOrderDescending),
		})
		_, m := peer.Accept[*wire.Subscribe](publisher)
		if p := m.Params; len(p.AuthTokens) > 0 || p.ObjectDeliveryTimeout.Set || p.SubgroupDeliveryTimeout.Set || p.SubscriberPriority.Set || p.GroupOrder.Set {
			t.Errorf("the relay passed on parameters: %+v", p)
		}
	})
}

// TestParametersKeepPayloads: whatever subscribers ask for, they get the same
// bytes (rules 25, 145).
func TestParametersKeepPayloads(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		asked := []wire.Parameters{
			{}, {SubscriberPriority: wire.Some(uint8(3))}, {GroupOrder: wire.Some(wire.GroupOrderDescending)},
			{ObjectDeliveryTimeout: wire.Some(time.Minute)},
		}
		var viewers []*peer.Peer
		for _, params := range asked {
			viewers = append(viewers, n.connect(v))
			subscribe(viewers[len(viewers)-1], video, params)
		}
		source.group(5, 3)
		for i, viewer := range viewers {
			all := viewer.Stream().Rest()
			if got := peer.Locations(all); got != "5/0 5/1 5/2" {
				t.Errorf("subscriber %d got %s", i, got)
			}
			for _, o := range all {
				if string(o.Payload) != o.Location.String() {
					t.Errorf("subscriber %d: the payload of %s is %q", i, o.Location, o.Payload)
				}
			}
		}
	})
}

// TestUpdates: each has one answer, and leaves alone what it does not name
// (rules 28, 30, 104).
func TestUpdates(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		r, _ := subscribe(viewer, video, wire.Parameters{Forward: wire.Some(false)})
		for priority := range uint8(5) { // none waits for an answer
			r.Update(wire.Parameters{SubscriberPriority: wire.Some(priority)})
		}
		for range 5 {
			peer.Expect[*wire.RequestOK](r)
		}
		r.Quiet()
		source.group(1, 1)
		viewer.Quiet() // it is still held back
		r.Update(wire.Parameters{Forward: wire.Some(true)})
		if ok := peer.Expect[*wire.RequestOK](r); ok.Params.LargestObject != wire.Some(wire.Location{Group: 1}) {
			t.Errorf("largest object %+v, want 1/0", ok.Params.LargestObject)
		}
		r.Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(9))})
		peer.Expect[*wire.RequestOK](r)
		source.group(2, 1)
		if got := peer.Locations(viewer.Stream().Rest()); got != "2/0" {
			t.Errorf("got %s, want 2/0", got)
		}
	})
}

// TestStrayUpdate: REQUEST_UPDATE for what cannot be updated closes the session
// (rule 28).
func TestStrayUpdate(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p := alone(t, v)
		if v.Has(wire.FeatureControlStream) {
			p.SendControl(&wire.RequestUpdate{RequestID: p.ID(), ExistingID: 40})
			p.ExpectClose(wire.SessionProtocolViolation)
			return
		}
		m := &wire.TrackStatus{RequestID: p.ID(), Track: video}
		p.RequestBytes(append(p.Encode(m), p.Encode(&wire.RequestUpdate{RequestID: p.ID()})...))
		p.ExpectClose(wire.SessionProtocolViolation)
	})
}

// TestFailedUpdate: it ends what it was for (rule 29).
func TestFailedUpdate(t *testing.T) {
	t.Run("subscription", func(t *testing.T) {
		forDrafts(t, 0, 19, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := offer(n.connect(v), t)
			viewer := n.connect(v)
			r := watch(viewer)
			source.group(5, 1)
			viewer.Stream().Rest()
			over := wire.Filter{Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 1}, EndGroup: 2}
			r.Update(wire.Parameters{Filter: wire.Some(over)})
			r.ExpectError(wire.RequestInvalidRange)
			r.ExpectDone(wire.DoneUpdateFailed)
			r.ExpectFin()
			source.group(6, 1)
			viewer.Quiet()
		})
	})
	t.Run("namespaces", func(t *testing.T) {
		forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
			p := alone(t, v)
			peer.Expect[*wire.RequestOK](p.Namespaces("a"))
			r := p.Namespaces("b")
			peer.Expect[*wire.RequestOK](r)
			r.Update(wire.Parameters{TrackNamespacePrefix: wire.Some(wire.Namespace{"a", "below"})})
			peer.Expect[*wire.RequestErr](r)
			r.ExpectFin()
			p.ExpectOpen()
		})
	})
}
