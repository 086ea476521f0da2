package node

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/config"
	"moqedge/moq/wire"
)

// What share of traces is kept, and whose go on, changes while the node runs; where they
// go does not. Spans are counted in the metrics.
func TestTracing(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	c := config.Config{
		Listen: "127.0.0.1:0", Certificate: config.Certificate{Development: true}, Admin: &config.Admin{Listen: "127.0.0.1:0"},
		Tracing: config.Tracing{Endpoint: "http://" + closed.Addr().String()},
	}
	n := start(t, c)
	if n.tracer == nil {
		t.Fatal("nothing is traced")
	}
	next := c.Clone()
	next.Tracing.Sample, next.Tracing.Trust, next.Tracing.Endpoint = 0.5, "relays", "http://127.0.0.1:2"
	change, err := n.Apply(next)
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]config.Class{}
	for _, d := range change {
		classes[d.Key] = d.Class
	}
	if len(classes) != 3 || classes["tracing.sample"] != config.Live || classes["tracing.trust"] != config.Live || classes["tracing.endpoint"] != config.Restart {
		t.Errorf("changed: %v", classes)
	}
	if running := n.Config().Tracing; running.Sample != 0.5 || running.Trust != "relays" || running.Endpoint != c.Tracing.Endpoint {
		t.Errorf("running: %+v", running)
	}
	families := scrape(t, n, "/metrics")
	for _, reason := range []string{"queue", "export"} {
		if got := reading(families, "moqedge_trace_spans_dropped_total", "reason="+reason); got != 0 {
			t.Errorf("%s: %v dropped", reason, got)
		}
	}
}

// A node without tracing does not know what a trace context is.
func TestNotTracing(t *testing.T) {
	c := config.Config{Listen: "127.0.0.1:0", Certificate: config.Certificate{Development: true}}
	n := start(t, c)
	sent, overflown, failed := n.countSpans()
	if n.tracer != nil || sent+overflown+failed != 0 {
		t.Error("something is traced")
	}
}

func TestCheckTracing(t *testing.T) {
	base := config.Config{Listen: "127.0.0.1:0", Certificate: config.Certificate{Development: true}}
	for _, c := range []struct {
		tracing config.Tracing
		want    string
		warning bool
	}{
		{config.Tracing{}, "", false},
		{config.Tracing{Endpoint: "https://c"}, "", false},
		{config.Tracing{Endpoint: "https://c", CA: filepath.Join(t.TempDir(), "none.pem")}, "tracing.ca: ", false},
		{config.Tracing{Endpoint: "http://c", Headers: map[string]string{"authorization": "x"}}, "tracing.headers: ", true},
	} {
		base.Tracing = c.tracing
		found := checkTracing(base, time.Now())
		switch {
		case c.want == "" && len(found) > 0:
			t.Errorf("%+v: %v", c.tracing, found)
		case c.want != "" && (len(found) != 1 || !strings.HasPrefix(found[0].Err.Error(), c.want) || found[0].Warning != c.warning):
			t.Errorf("%+v: %v, want %q", c.tracing, found, c.want)
		}
	}
}

// The bridge tells where its tracks come from.
func TestIngestOf(t *testing.T) {
	c := config.Config{Listen: "127.0.0.1:0", Certificate: config.Certificate{Development: true}, Bridge: &config.Bridge{SRT: &config.SRT{Listen: "127.0.0.1:0"}}}
	n := start(t, c)
	if _, err := n.Hub().Publish("cam", bridge.Ingest{Protocol: "srt", Remote: "192.0.2.1:5"}); err != nil {
		t.Fatal(err)
	}
	for ns, want := range map[string]bool{"cam.loc": true, "cam.msf": true, "cam": false, "other.loc": false, "": false} {
		protocol, remote, ok := n.ingestOf(wire.FullTrackName{Namespace: wire.Namespace{ns}, Name: "catalog"})
		if ok != want || ok && (protocol != "srt" || remote != "192.0.2.1:5") {
			t.Errorf("%s: %s, %s, %v", ns, protocol, remote, ok)
		}
	}
}
