package node

import (
	"testing"
	"time"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
)

// A node is touched as long as nothing in it holds a lock for good.
func TestTouch(t *testing.T) {
	n := start(t, everything())
	n.Touch()
	b, err := n.Hub().Publish("camera", bridge.Ingest{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(nil)
	stuck, release, touched := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go n.Hub().Expel(func(bridge.Ingest) bool { // it is asked with the locks of the hub held
		close(stuck)
		<-release
		return true
	}, nil)
	<-stuck
	go func() {
		n.Touch()
		close(touched)
	}()
	select {
	case <-touched:
		t.Error("a node that is stuck was touched")
	case <-time.After(50 * time.Millisecond): // it never will be
	}
	close(release)
	<-touched
}

// The summary says what people look for first.
func TestSummary(t *testing.T) {
	c := everything()
	if got := start(t, config.Config{Listen: anyPort}).Summary(); got != "0 sessions, 0 tracks" {
		t.Errorf("%q", got)
	}
	above := start(t, config.Config{Listen: anyPort})
	c.Upstream = &config.Upstream{Config: peer.Config{URL: "moqt://" + above.Addresses().Relay, Fingerprint: above.Fingerprint()}}
	n := start(t, c)
	const want = "1 session, 0 tracks, 1 of 1 upstreams connected" // that of the bridge
	eventually(t, want, func() bool { return n.Summary() == want })
	if err := n.Drain("", time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if got := n.Summary(); got != "draining, "+want {
		t.Errorf("%q", got)
	}
}

// Nobody waits for a start but who asks an authority.
func TestLimitsOfPhases(t *testing.T) {
	if d := StartLimit(everything()); d != 0 {
		t.Errorf("a start may take %v", d)
	}
	c := everything()
	c.Certificate.ACME = &config.ACME{}
	if d := StartLimit(c); d < obtainLimit {
		t.Errorf("a start may take %v", d)
	}
	c = everything()
	c.Drain.Timeout = time.Minute
	if d := start(t, c).StopLimit(); d < time.Minute+drainGrace {
		t.Errorf("an end may take %v", d)
	}
}
