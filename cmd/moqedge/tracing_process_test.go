package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// told is a span as a collector gets it.
type told struct {
	*otlp.Span
	service, node, region string
	over                  string // grpc or http
}

func (s told) attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// gathering is a collector that takes OTLP over gRPC and over HTTP, from those who know
// its key.
type gathering struct {
	collector.UnimplementedTraceServiceServer
	grpc, http string // URLs

	mu      sync.Mutex
	spans   []told
	refused int
}

const collectorKey = "correct horse"

func gather(t *testing.T) *gathering {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gathering{grpc: "http://" + l.Addr().String()}
	s := grpc.NewServer()
	collector.RegisterTraceServiceServer(s, g)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) })
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var m collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &m) != nil {
			http.Error(w, "no spans", http.StatusBadRequest)
			return
		}
		g.take(&m, "http", r.Header.Get("X-Key"))
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	g.http = web.URL
	t.Cleanup(func() {
		s.Stop()
		serving.Wait()
		web.Close()
	})
	return g
}

// Export implements the service of OTLP.
func (g *gathering) Export(ctx context.Context, m *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	header, _ := metadata.FromIncomingContext(ctx)
	g.take(m, "grpc", strings.Join(header.Get("x-key"), ","))
	return &collector.ExportTraceServiceResponse{}, nil
}

func (g *gathering) take(m *collector.ExportTraceServiceRequest, over, key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if key != collectorKey {
		g.refused++
		return
	}
	for _, r := range m.ResourceSpans {
		from := told{over: over}
		for _, a := range r.Resource.Attributes {
			switch a.Key {
			case "service.name":
				from.service = a.Value.GetStringValue()
			case "moqedge.node":
				from.node = a.Value.GetStringValue()
			case "moqedge.region":
				from.region = a.Value.GetStringValue()
			}
		}
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				from.Span = span
				g.spans = append(g.spans, from)
			}
		}
	}
}

// of are the spans of a track.
func (g *gathering) of(track string) (all []told) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.spans {
		if s.attribute("moqt.track") == track {
			all = append(all, s)
		}
	}
	return all
}

// encode publishes pictures by SRT until the test ends.
func encode(t *testing.T, to, name string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=10",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-pix_fmt", "yuv420p", "-f", "mpegts", "srt://"+to+"?streamid=publish:"+name)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: this test wants ffmpeg, as of Debian's package", err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the end of the context killed it
}

// viewer is a session of this process, which knows nothing of traces.
func viewer(t *testing.T, at address) *moq.Session {
	t.Helper()
	pins, err := certs.ParseFingerprints(at.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	client := moq.Client{URL: "moqt://" + at.Relay, Dial: transport.DialConfig{Fingerprints: pins}}
	s, err := client.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close(wire.SessionNoError, "")
		s.Wait()
	})
	return s
}

// seen waits until a namespace is known.
type seen struct {
	namespace string
	there     chan struct{}
	once      *sync.Once
}

func (s seen) NamespaceAdded(ns wire.Namespace) {
	if slices.Equal(ns, wire.Namespace{s.namespace}) {
		s.once.Do(func() { close(s.there) })
	}
}

func (seen) NamespaceRemoved(wire.Namespace) {}

// watchTrack has an object of a track come, and returns the track's printable form.
func watchTrack(t *testing.T, s *moq.Session, namespace, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	w := seen{namespace, make(chan struct{}), new(sync.Once)}
	if _, err := s.SubscribeNamespace(ctx, wire.Namespace{}, w); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.there:
	case <-ctx.Done():
		t.Fatalf("%s is not there", namespace)
	}
	track := wire.FullTrackName{Namespace: wire.Namespace{namespace}, Name: name}
	sub, err := s.Subscribe(ctx, track, moq.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	if _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	return track.String()
}

// tracedNode starts a node that tells a collector of requests.
func tracedNode(t *testing.T, folder, name, tracing, more string) (*process, struct {
	address
	SRT string
}) {
	t.Helper()
	file := written(t, folder, name+".yaml", fmt.Sprintf("name: %s\nregion: here\nlisten: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\n%s\ntracing: {%s}\n", name, more, tracing))
	p := start(t, "serve", "--json", "-c", file)
	var a struct {
		address
		SRT string
	}
	p.json("addresses", &a)
	return p, a
}

func upstreamOf(a address) string {
	return fmt.Sprintf("upstream: {url: 'moqt://%s', fingerprint: %s}", a.Relay, a.Fingerprint)
}

// A viewer's SUBSCRIBE is one trace through the processes of an edge, a shield, an origin
// and a bridge that an encoder publishes to by SRT. What an edge does not sample none of
// them tells of.
func TestTraceProcesses(t *testing.T) {
	t.Parallel()
	g, folder := gather(t), t.TempDir()
	overGRPC := fmt.Sprintf("endpoint: '%s', headers: {x-key: %s}, trust: relays", g.grpc, collectorKey)
	overHTTP := fmt.Sprintf("endpoint: '%s', protocol: http, headers: {x-key: %s}, trust: relays, service: tv", g.http, collectorKey)
	_, origin := tracedNode(t, folder, "origin", overGRPC, "")
	_, shield := tracedNode(t, folder, "shield", overHTTP, upstreamOf(origin.address))
	_, edge := tracedNode(t, folder, "edge", overGRPC, upstreamOf(shield.address))
	_, silent := tracedNode(t, folder, "silent", overGRPC+", sample: 0", upstreamOf(shield.address))
	_, ingest := tracedNode(t, folder, "ingest", overHTTP,
		fmt.Sprintf("bridge: {srt: {listen: '127.0.0.1:0'}, publishTo: {url: 'moqt://%s', fingerprint: %s}}", origin.Relay, origin.Fingerprint))
	encode(t, ingest.SRT, "cam1")

	unsampled := watchTrack(t, viewer(t, silent.address), "cam1.msf", "catalog")
	track := watchTrack(t, viewer(t, edge.address), "cam1.loc", "catalog")
	chain := []struct{ node, kind, over, service, source string }{
		{"edge", "SERVER", "grpc", "moqedge", "upstream"}, {"edge", "CLIENT", "grpc", "moqedge", ""},
		{"shield", "SERVER", "http", "tv", "upstream"}, {"shield", "CLIENT", "http", "tv", ""},
		{"origin", "SERVER", "grpc", "moqedge", "publisher"}, {"origin", "CLIENT", "grpc", "moqedge", ""},
		{"ingest", "SERVER", "http", "tv", ""},
	}
	var spans []told
	for deadline := time.Now().Add(20 * time.Second); len(spans) < len(chain) && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		spans = slices.DeleteFunc(g.of(track), func(s told) bool { return s.attribute("moqt.request") != "SUBSCRIBE" })
	}
	if len(spans) != len(chain) {
		t.Fatalf("%d spans came, want %d: %v; %d were sent without the key", len(spans), len(chain), spans, g.refused)
	}
	parent := ""
	for i, want := range chain {
		at := slices.IndexFunc(spans, func(s told) bool { return string(s.ParentSpanId) == parent })
		if at < 0 {
			t.Fatalf("span %d: nobody has the parent %x", i, parent)
		}
		s := spans[at]
		if s.node != want.node || !strings.HasSuffix(s.Kind.String(), want.kind) || s.over != want.over || s.service != want.service || s.attribute("moqedge.source") != want.source || s.region != "here" {
			t.Errorf("span %d is of %s in %s, %v, over %s, service %s, source %q, want %+v", i, s.node, s.region, s.Kind, s.over, s.service, s.attribute("moqedge.source"), want)
		}
		if string(s.TraceId) != string(spans[0].TraceId) {
			t.Errorf("span %d is of the trace %x", i, s.TraceId)
		}
		if s.Name != "SUBSCRIBE "+track || s.attribute("moqt.result") != "OK" {
			t.Errorf("span %d is %q with the result %q", i, s.Name, s.attribute("moqt.result"))
		}
		parent = string(s.SpanId)
		t.Logf("%s%-8s %-7s %s %v", strings.Repeat("  ", i), s.node, want.kind, hex.EncodeToString(s.SpanId), time.Duration(s.EndTimeUnixNano-s.StartTimeUnixNano))
	}
	if last := spans[slices.IndexFunc(spans, func(s told) bool { return s.node == "ingest" })]; last.attribute("moqedge.ingest") != "srt" {
		t.Errorf("the trace ends at an ingest by %q", last.attribute("moqedge.ingest"))
	}
	if spans := slices.DeleteFunc(g.of(unsampled), func(s told) bool { return s.attribute("moqt.request") != "SUBSCRIBE" }); len(spans) > 0 {
		t.Errorf("what was not sampled is told of: %v", spans)
	}
}

// A collector that is not there, and one that never answers, harm nobody: viewers have
// what they want, the node ends when it is told to, and says once what is lost.
func TestTraceWithoutCollector(t *testing.T) {
	t.Parallel()
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deaf.Close() }) // it accepts, as the system does, and says nothing
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	tr, folder := plantTree(t), t.TempDir()
	for name, endpoint := range map[string]string{"gone": gone.Addr().String(), "deaf": deaf.Addr().String()} {
		for _, protocol := range []string{"grpc", "http"} {
			t.Run(name+"-"+protocol, func(t *testing.T) {
				t.Parallel()
				p, a := tracedNode(t, folder, name+"-"+protocol, fmt.Sprintf("endpoint: 'http://%s', protocol: %s", endpoint, protocol), upstreamOf(tr.origin))
				watchTrack(t, viewer(t, a.address), "cam1.loc", "catalog")
				if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
				if code, _ := p.ended(time.Now()); code != 0 {
					t.Errorf("it ends with %d: %s", code, p.stderr)
				}
				if n := strings.Count(p.stderr.String(), "traces can not be exported"); n > 1 {
					t.Errorf("it is said %d times: %s", n, p.stderr)
				}
			})
		}
	}
}
