package conformance_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestUnknownErrorCodes: a code that nobody knows refuses the request like any
// other, and closes nothing (rule 16).
func TestUnknownErrorCodes(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, session := client(t, v, moq.Config{})
		p.Hello()
		s := session()
		for _, code := range []wire.RequestError{wire.RequestError(grease(0)), wire.RequestError(grease(9)), 0x3fff} {
			asked := make(chan error, 1)
			go func() {
				_, err := s.TrackStatus(t.Context(), video)
				asked <- err
			}()
			r, _ := peer.Accept[*wire.TrackStatus](p)
			r.Send(&wire.RequestErr{Code: code, Reason: "because"})
			r.Finish()
			var refused *moq.RequestError
			if err := <-asked; !errors.As(err, &refused) || refused.Reason != "because" {
				t.Errorf("code %v: got %v, want a refusal", code, err)
			}
		}
		p.ExpectOpen()
	})
}

// TestGreaseInProperties: reserved properties of tracks and objects pass (rule 16).
func TestGreaseInProperties(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		properties := wire.AppendProperties(nil, wire.KeyValue{Type: grease(0), Bytes: []byte("odd")}, wire.KeyValue{Type: grease(1), Value: 1})
		source := publish(n.connect(v), t, video, 1, wire.Parameters{}, properties)
		viewer := n.connect(v)
		_, ok := subscribe(viewer, video, wire.Parameters{})
		if string(ok.TrackProperties) != string(properties) {
			t.Errorf("track properties %x, want %x", ok.TrackProperties, properties)
		}
		s := source.open(wire.SubgroupHeader{HasProperties: true})
		s.Send(wire.Object{Properties: properties, PayloadLen: 1}, "x")
		if got := viewer.Stream().Next(); string(got.Properties) != string(properties) {
			t.Errorf("object properties %x, want %x", got.Properties, properties)
		}
	})
}

// TestEveryRequestIsAnswered: by a relay that has nothing, and by a session that
// serves nothing (rules 18, 26, 27).
func TestEveryRequestIsAnswered(t *testing.T) {
	requests := []struct {
		name  string
		ask   func(p *peer.Peer) *peer.Request
		relay wire.RequestError // 0: accepted
	}{
		{"SUBSCRIBE", func(p *peer.Peer) *peer.Request { return p.Subscribe(video, wire.Parameters{}) }, wire.RequestDoesNotExist},
		{"TRACK_STATUS", func(p *peer.Peer) *peer.Request { return p.Status(video) }, wire.RequestDoesNotExist},
		{"FETCH", func(p *peer.Peer) *peer.Request {
			return p.FetchRange(video, wire.Location{}, wire.Location{Group: 1}, wire.Parameters{})
		}, wire.RequestDoesNotExist},
		{"PUBLISH", func(p *peer.Peer) *peer.Request { return p.Publish(video, 1, wire.Parameters{}, nil) }, 0},
		{"PUBLISH_NAMESPACE", func(p *peer.Peer) *peer.Request {
			return p.Request(&wire.PublishNamespace{RequestID: p.ID(), Namespace: room})
		}, 0},
		{"SUBSCRIBE_NAMESPACE", func(p *peer.Peer) *peer.Request { return p.Namespaces("other") }, 0},
		{"SUBSCRIBE_TRACKS", func(p *peer.Peer) *peer.Request { return p.Tracks(wire.Parameters{}, "other") }, 0},
	}
	for _, x := range requests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				r := x.ask(alone(t, v))
				if x.relay != 0 {
					r.ExpectError(x.relay)
					r.ExpectFin()
				} else if m, refused := r.Receive().(*wire.RequestErr); refused {
					t.Fatalf("refused: %+v", m)
				}
				r.Quiet() // not twice
			})
		})
		t.Run(x.name+" without a handler", func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := served(t, v, moq.Config{})
				r := x.ask(p)
				r.ExpectError(wire.RequestNotSupported)
				r.ExpectFin()
				p.ExpectOpen()
			})
		})
	}
}

// TestOffencesStay: what closes a session is not seen in another (rule 19).
func TestOffencesStay(t *testing.T) {
	t.Run("of a bystander", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := offer(n.connect(v), t)
			viewer := n.connect(v)
			watch(viewer)
			for _, offence := range [][]byte{{0x3e, 0, 0}, {0xff}} {
				bad := n.connect(v)
				watch(bad)
				bad.WriteControl(append(offence, make([]byte, 100)...))
				bad.ExpectClose(wire.SessionProtocolViolation)
			}
			source.group(3, 2)
			if got := peer.Locations(viewer.Stream().Rest()); got != "3/0 3/1" {
				t.Errorf("got %s, want 3/0 3/1", got)
			}
			source.Quiet()
		})
	})
	t.Run("of the publisher", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := offer(n.connect(v), t)
			viewer := n.connect(v)
			watch(viewer)
			s := source.open(wire.SubgroupHeader{Group: 1})
			s.Object(0, "good")
			stream := viewer.Stream()
			if got := stream.Next(); string(got.Payload) != "good" {
				t.Errorf("got %q", got.Payload)
			}
			s.Send(wire.Object{ID: 1, Status: 9}, "")
			source.ExpectClose(wire.SessionProtocolViolation)
			synctest.Wait()
			viewer.ExpectOpen()
			stream.Quiet() // neither the object nor FIN: the publisher may come back
		})
	})
}
