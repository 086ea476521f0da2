package trace

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	otel "go.opentelemetry.io/otel/trace"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

var camera = wire.FullTrackName{Namespace: wire.Namespace{"cam.loc"}, Name: "video"}

// kept is an exporter that keeps what it gets until it is shut down, unlike the one of
// tracetest also after it.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

// place is a relay, or the bridge, with its tracer.
type place struct {
	tracer *Tracer
	kept   kept
	relay  *relay.Relay // nil for the bridge
	url    string
	pins   [][32]byte
}

func newTracer(t *testing.T, change func(*Config)) (*Tracer, kept) {
	t.Helper()
	e := kept{tracetest.NewInMemoryExporter()}
	c := Config{Exporter: e, Sample: 1, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	tracer, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tracer.Shutdown(context.Background()) })
	return tracer, e
}

// newPlace is a relay on loopback; without a tracer when change says so.
func newPlace(t *testing.T, above *place, change func(*Config), off bool) *place {
	t.Helper()
	p := &place{}
	c := relay.Config{Logger: slog.New(slog.DiscardHandler)}
	if !off {
		p.tracer, p.kept = newTracer(t, change)
		c.Tracer = p.tracer
	}
	if above != nil {
		c.Upstreams = []relay.Upstream{{Name: "above", URL: above.url, Dial: transport.DialConfig{Fingerprints: above.pins}}}
	}
	source, err := certs.Development("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	p.url, p.pins = "moqt://"+l.Addr().String(), [][32]byte{source.Fingerprint()}
	p.relay = relay.New(c)
	var serving sync.WaitGroup
	serving.Go(func() { _ = p.relay.Serve(l) })
	t.Cleanup(func() {
		p.relay.Close()
		_ = l.Close()
		serving.Wait()
		source.Close()
	})
	return p
}

// client is a session with a relay.
func client(t *testing.T, at *place, c moq.Config) *moq.Session {
	t.Helper()
	client := moq.Client{URL: at.url, Dial: transport.DialConfig{Fingerprints: at.pins}, Config: c}
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

// publish is a bridge with a track that gets an object every 20 ms.
func publish(t *testing.T, at *place) *place {
	t.Helper()
	p := &place{}
	p.tracer, p.kept = newTracer(t, nil)
	origin, track := moq.NewOrigin(), live.NewTrack(camera, live.Options{})
	origin.AddTrack(track)
	handler := p.tracer.Publisher(origin, func(track wire.FullTrackName) (string, string, bool) {
		return "srt", "192.0.2.1:9", track.Equal(camera)
	})
	s := client(t, at, moq.Config{Handler: handler, TraceContext: true})
	if _, err := s.PublishNamespace(t.Context(), camera.Namespace); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var producing sync.WaitGroup
	producing.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for group := uint64(0); ctx.Err() == nil; group++ {
			if sg, err := track.OpenSubgroup(live.SubgroupInfo{Group: group, EndOfGroup: true, FirstObject: true}); err == nil {
				_ = sg.Append(live.WholeObject{Payload: []byte("x")})
				_ = sg.Close()
			}
			<-tick.C
		}
	})
	t.Cleanup(func() { cancel(); producing.Wait() })
	return p
}

// spans waits until places have made the given number of spans of a request and track.
func spans(t *testing.T, name string, want int, at ...*place) []tracetest.SpanStub {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var found []tracetest.SpanStub
		for _, p := range at {
			if err := p.tracer.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, s := range p.kept.GetSpans() {
				if strings.HasPrefix(s.Name, name) {
					found = append(found, s)
				}
			}
		}
		if len(found) >= want || time.Now().After(deadline) {
			if len(found) != want {
				t.Fatalf("%d spans of %s, want %d: %v", len(found), name, want, found)
			}
			return found
		}
	}
}

func valueOf(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.Emit()
		}
	}
	return ""
}

func eventsOf(s tracetest.SpanStub) (all []string) {
	for _, e := range s.Events {
		all = append(all, e.Name)
	}
	return all
}

// A viewer's SUBSCRIBE is one trace from the edge to the bridge; that of a second viewer
// is linked to what the first one had opened; a FETCH is a trace as well.
func TestTree(t *testing.T) {
	trusting := func(c *Config) { c.Trust = TrustRelays }
	origin := newPlace(t, nil, trusting, false)
	shield := newPlace(t, origin, trusting, false)
	edge := newPlace(t, shield, nil, false)
	bridge := publish(t, origin)

	viewer := client(t, edge, moq.Config{})
	sub := subscribe(t, viewer, camera)
	defer sub.Close()
	name := "SUBSCRIBE " + camera.String()
	all := slices.Concat(spans(t, name, 2, edge), spans(t, name, 2, shield), spans(t, name, 2, origin), spans(t, name, 1, bridge))
	chain := ordered(t, all)
	for i, s := range chain {
		if kind := []otel.SpanKind{otel.SpanKindServer, otel.SpanKindClient}[i%2]; s.SpanKind != kind {
			t.Errorf("span %d is a %v", i, s.SpanKind)
		}
		if i > 0 && s.Parent.IsRemote() != (i%2 == 0) {
			t.Errorf("span %d: its parent is remote: %v", i, s.Parent.IsRemote())
		}
		if len(s.Links) > 0 {
			t.Errorf("span %d has links: %v", i, s.Links)
		}
		if got := eventsOf(s); !slices.Contains(got, eventAccepted) || !slices.Contains(got, eventObject) {
			t.Errorf("span %d: events %q", i, got)
		}
		for key, want := range map[string]string{attrResult: "OK", attrTransport: "quic", "network.protocol.name": "moqt", "network.protocol.version": "18", "network.peer.address": "127.0.0.1", attrTrack: camera.String()} {
			if got := valueOf(s, key); got != want {
				t.Errorf("span %d: %s is %q, want %q", i, key, got, want)
			}
		}
	}
	for i, want := range []struct{ source, role, upstream, ingest string }{
		{"upstream", "client", "", ""}, {"", "", "above", ""}, {"upstream", "below", "", ""}, {"", "", "above", ""}, {"publisher", "below", "", ""}, {}, {"", "above", "", "srt"},
	} {
		s := chain[i]
		if a, b, c, d := valueOf(s, attrSource), valueOf(s, attrRole), valueOf(s, attrUpstream), valueOf(s, attrIngest); a != want.source || b != want.role || c != want.upstream || d != want.ingest {
			t.Errorf("span %d: source %q, role %q, upstream %q, ingest %q, want %+v", i, a, b, c, d, want)
		}
	}

	for _, s := range slices.Concat(shield.kept.GetSpans(), origin.kept.GetSpans()) { // the FETCH that goes with a SUBSCRIBE is in its trace
		if s.SpanContext.TraceID() != chain[0].SpanContext.TraceID() || len(s.Links) > 0 {
			t.Errorf("%s has the links %v, or is not in the trace", s.Name, s.Links)
		}
	}
	fetched(t, viewer)
	for _, s := range spans(t, "FETCH "+camera.String(), 1, edge) { // of the same viewer, in a trace of its own
		if len(s.Links) != 1 {
			t.Errorf("the FETCH has the links %v", s.Links)
		}
	}
	edge.kept.Reset()
	again := subscribe(t, client(t, edge, moq.Config{}), camera)
	defer again.Close()
	second := spans(t, name, 1, edge)[0]
	if second.SpanContext.TraceID() == chain[0].SpanContext.TraceID() || second.Parent.IsValid() {
		t.Error("the second viewer is in the trace of the first one")
	}
	if len(second.Links) != 1 || second.Links[0].SpanContext.SpanID() != chain[1].SpanContext.SpanID() || valueOf(second, attrSource) != "cache" {
		t.Errorf("the second viewer has the links %v and the source %q", second.Links, valueOf(second, attrSource))
	}

	fetched(t, viewer)
	fetch := spans(t, "FETCH "+camera.String(), 1, edge)[0]
	if fetch.Parent.IsValid() || valueOf(fetch, attrResult) != "OK" || valueOf(fetch, attrSource) != "cache" {
		t.Errorf("the FETCH is %+v", fetch)
	}
	spans(t, "TRACK_STATUS "+camera.String(), 1, edge)
}

// What is not there is an error, from the edge on up to who says so; who leaves before
// there is an answer, and who is not asked, end their spans as well.
func TestRefused(t *testing.T) {
	origin := newPlace(t, nil, func(c *Config) { c.Trust = TrustRelays }, false)
	edge := newPlace(t, origin, nil, false)
	missing := wire.FullTrackName{Namespace: wire.Namespace{strings.Repeat("a\xff", 1000)}, Name: "none"}
	bridge := publish(t, origin)
	viewer := client(t, edge, moq.Config{})
	defer subscribe(t, viewer, camera).Close() // the edge has its upstream
	for _, p := range []*place{origin, edge, bridge} {
		spans(t, "SUBSCRIBE ", map[*place]int{origin: 2, edge: 2, bridge: 1}[p], p)
		p.kept.Reset()
	}
	if _, err := viewer.Subscribe(t.Context(), missing, moq.SubscribeOptions{}); !errors.Is(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
		t.Fatal(err)
	}
	chain := ordered(t, slices.Concat(spans(t, "SUBSCRIBE a.ffa", 2, edge), spans(t, "SUBSCRIBE a.ffa", 1, origin)))
	for i, s := range chain {
		if s.Status.Code != codes.Error || valueOf(s, attrErrorType) != "DOES_NOT_EXIST" || valueOf(s, attrResult) != "DOES_NOT_EXIST" {
			t.Errorf("span %d: %v, %q", i, s.Status, valueOf(s, attrErrorType))
		}
		if len(s.Name) > len("SUBSCRIBE ")+maxName || len(valueOf(s, attrTrack)) > maxText {
			t.Errorf("span %d: %d bytes of name, %d of track", i, len(s.Name), len(valueOf(s, attrTrack)))
		}
	}
}

// A relay that is not told of traces ends one, and sees nothing of it.
func TestUntracedRelay(t *testing.T) {
	origin := newPlace(t, nil, func(c *Config) { c.Trust = TrustAll }, false)
	shield := newPlace(t, origin, nil, true)
	edge := newPlace(t, shield, nil, false)
	publish(t, origin)
	defer subscribe(t, client(t, edge, moq.Config{}), camera).Close()
	above, below := spans(t, "SUBSCRIBE", 2, origin), spans(t, "SUBSCRIBE", 2, edge)
	if above[0].SpanContext.TraceID() == below[0].SpanContext.TraceID() {
		t.Error("the trace goes on behind a relay that does not know of it")
	}
}

// What nobody vouches for says of a trace is not followed unless that is wanted: neither
// is what it wants to have kept, nor is it left out that it wants to have left out. What
// was not to be kept is not kept in relays above either, whatever their share.
func TestTrust(t *testing.T) {
	parent := &wire.TraceContext{TraceID: [16]byte{1}, SpanID: [8]byte{2}, State: "a=b"}
	for _, c := range []struct {
		trust  Trust
		sample float64
		flags  byte
		relay  bool
		spans  int
		joined bool
	}{
		{TrustVouched, 0, 1, false, 0, false},
		{TrustVouched, 0, 1, true, 0, false},
		{TrustVouched, 1, 0, true, 1, false},
		{TrustRelays, 0, 1, false, 0, false},
		{TrustRelays, 0, 1, true, 1, true},
		{TrustRelays, 1, 0, true, 0, false},
		{TrustAll, 0, 1, false, 1, true},
		{TrustNone, 0, 1, true, 0, false},
		{TrustNone, 1, 1, true, 1, false},
	} {
		t.Run(c.trust.String(), func(t *testing.T) {
			node := newPlace(t, nil, func(x *Config) { x.Trust, x.Sample = TrustAll, 1 }, false)
			node.tracer.Set(c.sample, c.trust) // while it runs
			bridge := publish(t, node)
			config := moq.Config{TraceContext: true}
			if c.relay {
				config.Relay.ID = "stranger"
			}
			p := *parent
			p.Flags = c.flags
			sub, err := client(t, node, config).Subscribe(t.Context(), camera, moq.SubscribeOptions{Params: wire.Parameters{TraceContext: &p}})
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			first(t, sub)
			found := spans(t, "SUBSCRIBE", 2*c.spans, node)
			spans(t, "SUBSCRIBE", c.spans, bridge)
			for _, s := range found {
				if s.SpanKind != otel.SpanKindServer {
					continue
				}
				if joined := s.SpanContext.TraceID() == p.TraceID && s.Parent.SpanID() == p.SpanID; joined != c.joined {
					t.Errorf("joined: %v", joined)
				}
				if state := s.SpanContext.TraceState().String(); c.joined != (state == "a=b") {
					t.Errorf("the state is %q", state)
				}
				if c.joined == (len(s.Links) == 1) {
					t.Errorf("links: %v", s.Links)
				}
			}
		})
	}
}

func subscribe(t *testing.T, s *moq.Session, name wire.FullTrackName) *moq.Subscription {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		sub, err := s.Subscribe(ctx, name, moq.SubscribeOptions{Params: wire.Parameters{RendezvousTimeout: wire.Some(10 * time.Second)}})
		if err != nil {
			t.Fatal(err)
		}
		first(t, sub)
		return sub
	}
}

// first waits for an object.
func first(t *testing.T, sub *moq.Subscription) {
	t.Helper()
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
}

// fetched fetches an object that the relay has.
func fetched(t *testing.T, s *moq.Session) {
	t.Helper()
	status, err := s.TrackStatus(t.Context(), camera)
	if err != nil {
		t.Fatal(err)
	}
	into := live.NewTrack(camera, live.Options{})
	f := s.Fetch(moq.FetchOptions{Into: into, First: status.Largest.Value, Last: status.Largest.Value})
	if err := f.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ordered are the spans of one trace from its root on, each but the last the parent of
// one.
func ordered(t *testing.T, all []tracetest.SpanStub) []tracetest.SpanStub {
	t.Helper()
	var chain []tracetest.SpanStub
	var parent otel.SpanID
	for range all {
		i := slices.IndexFunc(all, func(s tracetest.SpanStub) bool { return s.Parent.SpanID() == parent })
		if i < 0 || all[i].SpanContext.TraceID() != all[0].SpanContext.TraceID() {
			t.Fatalf("no trace: nothing has the parent %v in %v", parent, all)
		}
		chain = append(chain, all[i])
		parent = all[i].SpanContext.SpanID()
	}
	return chain
}

// What tells of the process is that of the configuration.
func TestResource(t *testing.T) {
	tracer, e := newTracer(t, func(c *Config) {
		c.Service, c.Version, c.Node, c.ID, c.Region, c.Attributes = "tv", "1", "edge\n1", "id", "eu", map[string]string{"deployment.environment.name": "test"}
	})
	tracer.begin(context.Background(), wire.MsgSubscribe, camera, nil).End(nil)
	if err := tracer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	set := e.GetSpans()[0].Resource.Set()
	for key, want := range map[string]string{
		"service.name": "tv", "service.version": "1", "service.instance.id": `"edge\n1"`, "moqedge.node": `"edge\n1"`, "moqedge.id": "id", "moqedge.region": "eu",
		"deployment.environment.name": "test", "telemetry.sdk.language": "go",
	} {
		if got, _ := set.Value(attribute.Key(key)); got.Emit() != want {
			t.Errorf("%s is %q, want %q", key, got.Emit(), want)
		}
	}
}
