package node

import (
	"context"
	"testing"
	"time"

	acmeserver "moqedge/certs/acme/authority"
	"moqedge/cmd/moqedge/config"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// A certificate that the authority gave is renewed while a publisher and two viewers are
// there: nobody is cut off, no object is lost, and who comes then sees the new one.
func TestRenewalUnderSessions(t *testing.T) {
	const life = 9 * time.Second
	address, port := freePort(t)
	a := acmeserver.Start(t, port, port, uint64(life/time.Second))
	c := asking(t, a, config.Config{HTTP: &config.HTTP{Listen: address, TLS: true}})
	c.Certificate.ACME.Check = 200 * time.Millisecond
	n := start(t, c)
	first := n.Certificates()[0]

	name := wire.FullTrackName{Namespace: wire.Namespace{"live"}, Name: "video"}
	track := live.NewTrack(name, live.Options{})
	origin := moq.NewOrigin()
	origin.AddTrack(track)
	publisher := join(t, n, "moqt", "/", moq.Config{Handler: origin})
	if _, err := publisher.PublishNamespace(t.Context(), name.Namespace); err != nil {
		t.Fatal(err)
	}
	sessions := []*moq.Session{publisher}
	var viewers []*moq.Subscription
	for _, scheme := range []string{"moqt", "https"} {
		s := join(t, n, scheme, "/live", moq.Config{})
		x, err := s.Subscribe(t.Context(), name, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sessions, viewers = append(sessions, s), append(viewers, x)
	}
	written := uint64(0)
	publish := func() {
		t.Helper()
		write(t, track, written+1, 1)
		written++
	}
	// Before, during and after: a group every 20 ms all along.
	renewed := func() bool { return n.Certificates()[0].Fingerprint != first.Fingerprint }
	for !renewed() {
		if time.Now().After(first.NotAfter.Add(life)) {
			t.Fatal("not renewed")
		}
		publish()
		time.Sleep(20 * time.Millisecond)
	}
	if time.Now().After(first.NotAfter) {
		t.Error("renewed after its end")
	}
	before := written
	for _, scheme := range []string{"moqt", "https", "tcp"} {
		if got := showing(t, n, scheme, "live.media.example", a.Roots); !got.NotAfter.After(first.NotAfter) {
			t.Errorf("%s: new connections see the certificate of before", scheme)
		}
	}
	for time.Now().Before(first.NotAfter.Add(500 * time.Millisecond)) { // that of before has ended
		publish()
		time.Sleep(20 * time.Millisecond)
	}
	for _, x := range viewers {
		eventually(t, "all that was published", func() bool { _, got := x.Received(); return got == written })
	}
	for i, s := range sessions {
		if s.Context().Err() != nil {
			t.Errorf("session %d was cut off: %v", i, context.Cause(s.Context()))
		}
	}
	t.Logf("%d objects, %d of them after the renewal, to each of %d viewers", written, written-before, len(viewers))
}
