package moq_test

import (
	"testing"
	"testing/synctest"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestRoles: in draft 16 only one side of a request may say each thing about it.
func TestRoles(t *testing.T) {
	subscribe := func(t *testing.T, p *peer.Peer, s *moq.Session) {
		subscribing(t, s, moq.SubscribeOptions{})
		r, _ := peer.Accept[*wire.Subscribe](p)
		r.AcceptSubscribe(3, wire.Option[wire.Location]{}, nil)
	}
	publish := func(t *testing.T, p *peer.Peer, s *moq.Session) {
		go func() { _, _ = s.Publish(t.Context(), live.NewTrack(clock, live.Options{}), moq.PublishOptions{}) }()
		peer.Accept[*wire.Publish](p)
	}
	namespace := func(t *testing.T, p *peer.Peer, s *moq.Session) {
		go func() { _, _ = s.PublishNamespace(t.Context(), clock.Namespace) }()
		r, _ := peer.Accept[*wire.PublishNamespace](p)
		r.Send(&wire.RequestOK{})
	}
	for _, x := range []struct {
		name  string
		ask   func(t *testing.T, p *peer.Peer, s *moq.Session) // makes request 0 of the session
		wrong wire.Message
	}{
		{"UNSUBSCRIBE by the publisher", subscribe, &wire.Unsubscribe{}},
		{"REQUEST_UPDATE by the publisher", subscribe, &wire.RequestUpdate{RequestID: 1}},
		{"PUBLISH_DONE by the subscriber", publish, &wire.PublishDone{}},
		{"REQUEST_OK for PUBLISH", publish, &wire.RequestOK{}},
		{"PUBLISH_NAMESPACE_DONE by the subscriber", namespace, &wire.PublishNamespaceDone{}},
		{"FETCH_CANCEL by the publisher", func(t *testing.T, p *peer.Peer, s *moq.Session) {
			s.Fetch(moq.FetchOptions{Into: live.NewTrack(clock, live.Options{}), Last: wire.Location{Group: 1}})
			peer.Accept[*wire.Fetch](p)
		}, &wire.FetchCancel{}},
		{"PUBLISH_OK for TRACK_STATUS", func(t *testing.T, p *peer.Peer, s *moq.Session) {
			go func() { _, _ = s.TrackStatus(t.Context(), clock) }()
			peer.Accept[*wire.TrackStatus](p)
		}, &wire.PublishOK{}},
	} {
		t.Run(x.name, func(t *testing.T) {
			withFeature(t, wire.FeatureControlStream, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, s := against(t, moq.Config{}, true)
					x.ask(t, p, s)
					synctest.Wait()
					p.SendControl(x.wrong)
					p.ExpectClose(wire.SessionProtocolViolation)
				})
			})
		})
	}
}
