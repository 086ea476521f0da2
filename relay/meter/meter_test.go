package meter

import (
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"moqedge/relay"
	"moqedge/relay/cache"
	"moqedge/relay/limit"
)

// fake is a relay of which everything has happened.
type fake struct {
	figures relay.Figures
	tracks  []relay.TrackStatus
}

func (f *fake) Figures() relay.Figures { return f.figures }
func (f *fake) RTTs(limit int) []time.Duration {
	return []time.Duration{time.Millisecond, 30 * time.Millisecond}
}
func (f *fake) Tracks(limit int) []relay.TrackStatus { return f.tracks[:min(limit, len(f.tracks))] }
func (f *fake) Track(name string) []relay.TrackStatus {
	for _, t := range f.tracks {
		if t.Name == name {
			return []relay.TrackStatus{t}
		}
	}
	return nil
}

func newFake() *fake {
	f := &fake{figures: relay.Figures{
		Stats: relay.Stats{
			Directory: &relay.DirectoryStatus{Connected: true, Relays: 2},
			Links: []relay.LinkStatus{
				{Name: "moqt://up.example?jwt=secret", Dialed: true, Configured: true, State: "connected", RTT: time.Millisecond},
				{Name: "peer\nchosen", State: "connected"},
			},
			Limits: limit.Stats{Refused: []limit.Refused{{Scope: "address", Kind: "sessions", Count: 4}}},
			Cache:  relay.CacheStats{Stats: cache.Stats{Forgotten: map[string]uint64{"evicted": 3}}},
		},
		Traffic: []relay.Traffic{
			{Role: "client", Region: "eu", BytesIn: 1, BytesOut: 2, SkippedLag: 4, SkippedLost: 1},
			{Role: "above", Region: "us", BytesIn: 5, Timeouts: 6}, {Role: "below", SkippedFlooded: 8},
		},
		PerSession: []relay.SessionCount{{Transport: "quic", Draft: "moqt-18", Role: "client", Sessions: 7}},
		PerVerb:    map[string]uint64{"subscribe": 9},
		Rejected:   map[relay.RequestErrors]uint64{{Request: "SUBSCRIBE", Code: "DOES_NOT_EXIST"}: 2},
		Ended:      map[string]uint64{"NO_ERROR": 3},
		Crowded:    6,
	}}
	for i := range 5 {
		f.tracks = append(f.tracks, relay.TrackStatus{Name: fmt.Sprintf("a\"\n/%d", i), Subscribers: 5 - i})
	}
	return f
}

func newMeter(t *testing.T) (*Meter, *prometheus.Registry) {
	t.Helper()
	m := New(Config{
		Build:   Build{"1", "abc", "go"},
		Ingests: func() []Ingests { return []Ingests{{"srt", "live", 2}} },
		Spans:   func() (sent, overflown, failed uint64) { return 3, 4, 5 },
		Certificates: func() []Certificate {
			return []Certificate{{"a.example", "development", time.Unix(86400, 0)}, {"b.example", "given", time.Unix(172800, 0)}}
		},
	})
	m.Watch(newFake())
	r := prometheus.NewPedanticRegistry() // which checks what is collected against what was described
	if err := m.Register(r); err != nil {
		t.Fatal(err)
	}
	return m, r
}

// scrape reads what a handler answers, as text.
func scrape(t *testing.T, h http.Handler, url string) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", url, w.Code, w.Body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value is that of the one metric with labels, as a=b; it has to be there.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
next:
	for _, m := range families[name].GetMetric() {
		have := map[string]bool{}
		for _, l := range m.GetLabel() {
			have[l.GetName()+"="+l.GetValue()] = true
		}
		for _, l := range labels {
			if !have[l] {
				continue next
			}
		}
		switch {
		case m.Counter != nil:
			return m.Counter.GetValue()
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount())
		}
		return m.Gauge.GetValue()
	}
	t.Fatalf("there is no %s with %v", name, labels)
	return 0
}

// TestMetrics: every metric of the table is told, with its type, and what the relay
// counts is in its place.
func TestMetrics(t *testing.T) {
	_, r := newMeter(t)
	families := scrape(t, Handler(r), "/metrics")
	for _, m := range table() {
		f := families[m.Name]
		if f == nil {
			t.Errorf("%s is not told", m.Name)
			continue
		}
		if kind := strings.ToLower(f.GetType().String()); kind != m.Type {
			t.Errorf("%s is a %s, want %s", m.Name, kind, m.Type)
		}
		if f.GetHelp() != m.Help {
			t.Errorf("%s: help is %q", m.Name, f.GetHelp())
		}
	}
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"moqedge_received_bytes_total", []string{"role=publisher", "region=eu"}, 1},
		{"moqedge_received_bytes_total", []string{"role=relay_above", "region=us"}, 5},
		{"moqedge_sent_bytes_total", []string{"role=subscriber", "region=eu"}, 2},
		{"moqedge_skipped_groups_total", []string{"reason=lag"}, 4},
		{"moqedge_skipped_groups_total", []string{"reason=bytes"}, 8},
		{"moqedge_skipped_groups_total", []string{"reason=lost"}, 1},
		{"moqedge_skipped_groups_total", []string{"reason=timeout"}, 6},
		{"moqedge_sessions", []string{"transport=quic", "draft=moqt-18", "role=client"}, 7},
		{"moqedge_requests_total", []string{"type=subscribe"}, 9},
		{"moqedge_request_errors_total", []string{"type=SUBSCRIBE", "code=DOES_NOT_EXIST"}, 2},
		{"moqedge_limit_refusals_total", []string{"scope=address", "limit=sessions"}, 4},
		{"moqedge_limit_refusals_total", []string{"scope=session", "limit=matches"}, 6},
		{"moqedge_links", []string{"direction=below", "state=connected"}, 1},
		{"moqedge_upstream_up", []string{"upstream=moqt://up.example"}, 1},
		{"moqedge_cache_evictions_total", []string{"reason=evicted"}, 3},
		{"moqedge_certificate_not_after_seconds", []string{"name=b.example", "source=given"}, 172800},
		{"moqedge_ingests", []string{"protocol=srt", "state=live"}, 2},
		{"moqedge_trace_spans_total", nil, 3},
		{"moqedge_trace_spans_dropped_total", []string{"reason=queue"}, 4},
		{"moqedge_trace_spans_dropped_total", []string{"reason=export"}, 5},
	} {
		if got := value(t, families, c.name, c.labels...); got != c.want {
			t.Errorf("%s%v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.Contains(l.GetValue(), "chosen") || strings.Contains(l.GetValue(), "secret") {
					t.Errorf("%s has a label that a peer chose, or a secret: %q", f.GetName(), l.GetValue())
				}
			}
		}
	}
}

// TestNames: the names and texts are as Prometheus wants them.
func TestNames(t *testing.T) {
	m, r := newMeter(t)
	tracks := httptest.NewRecorder()
	m.TrackHandler().ServeHTTP(tracks, httptest.NewRequest(http.MethodGet, "/metrics/track", nil))
	all := httptest.NewRecorder()
	Handler(r).ServeHTTP(all, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, body := range []io.Reader{tracks.Body, all.Body} {
		problems, err := promlint.New(body).Lint()
		if err != nil {
			t.Error(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	problems, err := promlint.New(strings.NewReader("# TYPE things counter\nthings 1\n")).Lint()
	if err != nil || len(problems) == 0 {
		t.Errorf("a counter without a text and _total passes: %v", err)
	}
}

// TestTracks: what there is of each track is bounded, one can be asked for, and names
// are escaped.
func TestTracks(t *testing.T) {
	m, _ := newMeter(t)
	m.SetMaxTracks(3)
	families := scrape(t, m.TrackHandler(), "/metrics/track")
	if n := len(families["moqedge_track_subscribers"].GetMetric()); n != 3 {
		t.Errorf("%d tracks, want 3", n)
	}
	if len(families) != len(trackTable()) {
		t.Errorf("%d metrics, want %d", len(families), len(trackTable()))
	}
	one := scrape(t, m.TrackHandler(), "/metrics/track?name=a%22%0A/4")
	if got := value(t, one, "moqedge_track_subscribers", "track=a\"\n/4"); got != 1 || len(one["moqedge_track_subscribers"].GetMetric()) != 1 {
		t.Errorf("the track that was asked for has %v subscribers, want 1", got)
	}
	w := httptest.NewRecorder()
	m.TrackHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics/track?name=none", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a track that there is not: %d, want 404", w.Code)
	}
}

// TestFormats: clients that ask for it get OpenMetrics, and gzip.
func TestFormats(t *testing.T) {
	_, r := newMeter(t)
	req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	req.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	Handler(r).ServeHTTP(w, req)
	if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "application/openmetrics-text") {
		t.Errorf("content is %q", kind)
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || !strings.HasSuffix(string(text), "# EOF\n") {
		t.Errorf("%v, ends with %q", err, text[max(0, len(text)-20):])
	}
}

// TestRTTs: round-trip times are looked at every 10 s.
func TestRTTs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Config{})
		m.Watch(newFake())
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { m.Run(ctx) })
		time.Sleep(2*rttEvery + time.Second)
		var got dto.Metric
		if err := m.rtt.metric(m.descriptions[roundTrip].desc).Write(&got); err != nil {
			t.Fatal(err)
		}
		if n := got.GetHistogram().GetSampleCount(); n != 4 {
			t.Errorf("%d were observed, want 4", n)
		}
		stop()
		running.Wait()
	})
}

var update = flag.Bool("update", false, "write the tables of docs/observing.md")

// TestDocumentation: the page lists all metrics.
func TestDocumentation(t *testing.T) {
	const page = "../../docs/observing.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for _, x := range []struct {
		name  string
		table []metric
	}{{"metrics", table()}, {"track metrics", trackTable()}} {
		begin, end := "<!-- "+x.name+" -->\n", "<!-- end of "+x.name+" -->"
		before, rest, ok := strings.Cut(want, begin)
		_, after, ended := strings.Cut(rest, end)
		if !ok || !ended {
			t.Fatalf("%s lacks %q or %q", page, begin, end)
		}
		var b strings.Builder
		b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
		for _, m := range x.table {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Type, strings.Join(m.Labels, ", "), m.Help)
		}
		want = before + begin + b.String() + end + after
	}
	if want == string(text) {
		return
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not what the table says: go test ./relay/meter -run TestDocumentation -update", page)
}
