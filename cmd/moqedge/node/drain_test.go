package node

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// visitor keeps one session with a node and tells of its GOAWAY.
func visitor(t *testing.T, n *Node) (*moq.Session, <-chan moq.Goaway) {
	t.Helper()
	told := make(chan moq.Goaway, 1)
	c, err := peer.Config{URL: "moqt://" + n.Addresses().Relay, Pins: n.Pins}.Client(moq.Config{OnGoaway: func(g moq.Goaway) { told <- g }})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close(wire.SessionNoError, "")
		s.Wait()
	})
	return s, told
}

// A node that drains is alive and not ready, lets nobody in, neither viewers
// nor publications, tells those who are there where to go, and is drained when
// they have left: its own bridge is not waited for.
func TestDrain(t *testing.T) {
	n := start(t, everything())
	admin := "http://" + n.Addresses().Admin
	if rsp, text := get(t, admin+"/readyz", nil); rsp.StatusCode != http.StatusOK || !strings.Contains(text, `"ready": true`) {
		t.Errorf("before: %s %q", rsp.Status, text)
	}
	sessions(t, n, 1) // that of the bridge
	live, err := n.Hub().Publish("cam1", bridge.Ingest{Protocol: "file"})
	if err != nil {
		t.Fatal(err)
	}
	s, told := visitor(t, n)
	sessions(t, n, 2)
	drained := make(chan error, 1)
	go func() { drained <- n.Drain("moqt://other.example:4443", time.Minute) }()
	if g := <-told; g.URI != "moqt://other.example:4443" || g.Timeout != time.Minute {
		t.Errorf("told %+v", g)
	}
	if rsp, text := get(t, admin+"/readyz", nil); rsp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, `"draining"`) {
		t.Errorf("readyz: %s %q", rsp.Status, text)
	}
	if rsp, _ := get(t, admin+"/healthz", nil); rsp.StatusCode != http.StatusOK {
		t.Errorf("healthz: %s", rsp.Status)
	}
	late := peer.Options{Logger: slog.New(slog.DiscardHandler)}
	err = peer.Keep(t.Context(), peer.Config{URL: "https://" + n.Addresses().Relay, Pins: n.Pins}, late, func(context.Context, *moq.Session, <-chan struct{}) error { return nil })
	if err == nil {
		t.Error("a new session was let in")
	}
	if _, err := n.Hub().Publish("cam2", bridge.Ingest{Protocol: "file"}); !errors.Is(err, bridge.ErrClosed) {
		t.Errorf("a new publication: %v", err)
	}
	select {
	case err := <-drained:
		t.Fatalf("drained while somebody is there: %v", err)
	case <-live.Done():
		t.Fatal("the ingest ended before its viewers left")
	default:
	}
	s.Close(wire.SessionNoError, "")
	if err := <-drained; err != nil {
		t.Errorf("drained: %v", err)
	}
	select {
	case <-live.Done():
		t.Error("draining ended the ingest: Close does")
	default:
	}
}

// Who does not leave is closed at the limit, which is told.
func TestDrainLimit(t *testing.T) {
	n := start(t, config.Config{Listen: anyPort})
	s, told := visitor(t, n)
	sessions(t, n, 1)
	if err := n.Drain("", 50*time.Millisecond); !errors.Is(err, errLimit) {
		t.Errorf("drained: %v", err)
	}
	if g := <-told; g.URI != "" {
		t.Errorf("told %+v", g)
	}
	<-s.Context().Done()
	closed, ok := errors.AsType[*transport.CloseError](context.Cause(s.Context()))
	if !ok || closed.Code != uint64(wire.SessionGoawayTimeout) {
		t.Errorf("closed with %v", closed)
	}
}
