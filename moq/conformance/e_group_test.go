package conformance_test

import (
	"context"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// uninterested refuses every PUBLISH.
type uninterested struct{}

func (uninterested) Serve(_ context.Context, r moq.Request) {
	r.Reject(wire.RequestUninterested, "no", moq.NoRetry())
}

// TestUnwantedPublish: it is refused, and its streams are stopped (rule 92).
func TestUnwantedPublish(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p := served(t, v, moq.Config{Handler: uninterested{}, AliasTimeout: time.Second})
		r := p.Publish(video, 7, wire.Parameters{}, nil)
		s := p.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 7})
		s.Object(0, "x")
		r.ExpectError(wire.RequestUninterested)
		r.ExpectFin()
		time.Sleep(2 * time.Second)
		if s.Stream.Context().Err() == nil {
			t.Error("its stream is not stopped")
		}
		p.ExpectOpen()
	})
}

// TestRangePassed: from draft 20 on a subscription whose range has passed stays
// (rule 93).
func TestRangePassed(t *testing.T) {
	forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		r, _ := subscribe(viewer, video, wire.Parameters{Filter: wire.Some(peer.Range(wire.Location{}, wire.Location{Group: 2, Object: peer.WholeGroup}))})
		for g := range uint64(5) {
			source.group(g, 1)
		}
		if got := streams(viewer, 3); got != "0/0 1/0 2/0" {
			t.Errorf("got %s", got)
		}
		time.Sleep(time.Minute)
		r.Quiet()
	})
}

// TestNewGroupRequest: what goes upstream of it (rules 94, 95).
func TestNewGroupRequest(t *testing.T) {
	dynamic := wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropDynamicGroups, Value: 1})
	tests := []struct {
		name       string
		properties wire.Properties
		asked      []uint64 // by one subscriber after the other; the largest group is 5
		want       []uint64 // that go upstream
	}{
		{"any", dynamic, []uint64{0}, []uint64{0}},
		{"beyond the largest", dynamic, []uint64{6}, []uint64{6}},
		{"there already", dynamic, []uint64{5}, nil},
		{"outstanding", dynamic, []uint64{6, 6, 0}, []uint64{6}},
		{"greater than outstanding", dynamic, []uint64{6, 9, 7}, []uint64{6, 9}},
		{"not dynamic", nil, []uint64{0, 9}, nil},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				source := publish(n.connect(v), t, video, 7, wire.Parameters{}, x.properties)
				source.group(5, 1)
				viewer := n.connect(v)
				r := watch(viewer)
				source.settle()
				for _, group := range x.asked {
					r.Update(wire.Parameters{NewGroupRequest: wire.Some(group)})
					peer.Expect[*wire.RequestOK](r)
					viewer.ExpectOpen() // what goes upstream does not wait for the answer
				}
				var got []uint64
				for u := source.request.Changed(); u != nil; u = source.request.Changed() {
					if g := u.Params.NewGroupRequest; g.Set {
						got = append(got, g.Value)
					}
				}
				if len(got) != len(x.want) {
					t.Fatalf("requests for %v went upstream, want %v", got, x.want)
				}
				for i := range got {
					if got[i] != x.want[i] {
						t.Errorf("requests for %v went upstream, want %v", got, x.want)
					}
				}
			})
		})
	}
	t.Run("with SUBSCRIBE", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			p := n.connect(v)
			p.PublishNamespace("room")
			n.connect(v).Subscribe(video, wire.Parameters{NewGroupRequest: wire.Some(uint64(3))})
			if _, m := peer.Accept[*wire.Subscribe](p); m.Params.NewGroupRequest != wire.Some(uint64(3)) {
				t.Errorf("SUBSCRIBE has NEW_GROUP_REQUEST %+v", m.Params.NewGroupRequest)
			}
		})
	})
}

// TestStateNotify: it comes from publishers on a subscription, and is not
// answered (rule 98).
func TestStateNotify(t *testing.T) {
	largest := wire.StateNotify{Params: wire.Parameters{LargestObject: wire.Some(wire.Location{Group: 40, Object: 2})}}
	t.Run("of a publisher", func(t *testing.T) {
		forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := offer(n.connect(v), t)
			source.settle()
			source.request.Send(&largest)
			source.ExpectOpen()
			source.request.Quiet()
			ok := peer.Expect[*wire.RequestOK](n.connect(v).Status(video))
			if ok.Params.LargestObject != largest.Params.LargestObject {
				t.Errorf("largest object %+v, want 40/2", ok.Params.LargestObject)
			}
		})
	})
	t.Run("of a subscriber", func(t *testing.T) {
		forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			offer(n.connect(v), t)
			viewer := n.connect(v)
			watch(viewer).Send(&largest)
			viewer.ExpectClose(wire.SessionProtocolViolation)
		})
	})
	t.Run("for namespaces", func(t *testing.T) {
		forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
			p := alone(t, v)
			p.Namespaces("x").Send(&largest)
			p.ExpectClose(wire.SessionProtocolViolation)
		})
	})
}

// TestIncludeProperties: 0 leaves them out, other values than 0 and 1 close the
// session (rule 99).
func TestIncludeProperties(t *testing.T) {
	forDrafts(t, 20, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		properties := wire.AppendProperties(nil, wire.KeyValue{Type: 0x3802, Value: 1})
		publish(n.connect(v), t, video, 1, wire.Parameters{}, properties)
		for _, include := range []bool{false, true} {
			viewer := n.connect(v)
			params := wire.Parameters{IncludeProperties: wire.Some(include)}
			_, ok := subscribe(viewer, video, params)
			if got := len(ok.TrackProperties) > 0; got != include {
				t.Errorf("INCLUDE_PROPERTIES %v: SUBSCRIBE_OK has %x", include, ok.TrackProperties)
			}
			status := viewer.Request(&wire.TrackStatus{RequestID: viewer.ID(), Track: video, Params: params})
			if got := len(peer.Expect[*wire.RequestOK](status).TrackProperties) > 0; got != include {
				t.Errorf("INCLUDE_PROPERTIES %v: the answer to TRACK_STATUS differs", include)
			}
		}
		p := n.connect(v)
		m := &wire.Subscribe{RequestID: p.ID(), Track: video}
		payload := p.Payload(m)
		p.RequestRaw(p.Bytes(m, append(payload[:len(payload)-1], 1, 0x35, 2)))
		p.ExpectClose(wire.SessionProtocolViolation)
	})
}
