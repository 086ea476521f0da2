package trace

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"

	"moqedge/moq/wire"
	"moqedge/relay"
)

// Config of a Tracer. Exporter is required; the zero value of everything else works.
type Config struct {
	// Exporter is where spans go. The tracer shuts it down.
	Exporter sdk.SpanExporter
	// Service is the service.name; "" is what OTEL_SERVICE_NAME says, or moqedge.
	// Version is that of the program; "" is not told.
	Service, Version string
	// Node, ID and Region are those of the relay; "" are not told.
	Node, ID, Region string
	// Attributes are told of the process besides, as are those of OTEL_RESOURCE_ATTRIBUTES.
	Attributes map[string]string
	// Sample is the share of the traces begun here that is kept, 0 to 1. See Tracer.Set.
	Sample float64
	// Trust says whose word on traces is followed. See Tracer.Set.
	Trust Trust
	// Patience is how long the first object of a subscription is waited for before its
	// span ends; 0 means 10 s.
	Patience time.Duration
	// Queue is how many spans may wait for the exporter; 0 means 4096.
	Queue int
	// Logger is told of exporters that fail, at most once a minute; nil means
	// slog.Default.
	Logger *slog.Logger
}

// Trust says which peers' trace contexts are followed: the trace goes on, and whether it
// is kept is decided already. The context of others is linked to.
type Trust uint8

const (
	// TrustVouched are relays that this one connects to, those that showed a certificate
	// and the process itself (relay.VouchedHere).
	TrustVouched Trust = iota
	// TrustRelays are also those that say that they are relays, as anybody can.
	TrustRelays
	// TrustAll is everybody, TrustNone nobody.
	TrustAll
	TrustNone
)

// trusts are the words for them.
var trusts = [...]string{"vouched", "relays", "all", "none"}

// String returns the word of the configuration.
func (t Trust) String() string { return trusts[t] }

// ParseTrust is the inverse of String.
func ParseTrust(word string) (Trust, error) {
	i := slices.Index(trusts[:], word)
	if i < 0 {
		return 0, errors.New("there is no trust " + quoted(word) + ", but " + strings.Join(trusts[:], ", "))
	}
	return Trust(i), nil
}

// covers reports whether a peer's word is followed.
func (t Trust) covers(v relay.Vouched) bool {
	switch t {
	case TrustVouched:
		return v == relay.VouchedHere
	case TrustRelays:
		return v != relay.VouchedByNobody
	}
	return t == TrustAll
}

// Tracer makes spans of requests. Its methods are safe for concurrent use, and but
// Shutdown none blocks.
type Tracer struct {
	config   Config
	provider *sdk.TracerProvider
	tracer   otel.Tracer
	queue    *queue
	sampler  sampler
	trust    atomic.Uint32
}

var _ relay.Tracer = (*Tracer)(nil)

// scope is what spans are said to be made by.
const scope = "moqedge/relay/trace"

// New returns a tracer, which the caller shuts down.
func New(c Config) (*Tracer, error) {
	c.Patience = cmp.Or(c.Patience, 10*time.Second)
	c.Queue = cmp.Or(c.Queue, 4096)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	about, err := resource.New(context.Background(), resource.WithAttributes(attribute.String("service.name", "moqedge")),
		resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithAttributes(c.about()...))
	if err != nil {
		return nil, err
	}
	t := &Tracer{config: c, queue: newQueue(c.Exporter, c.Queue, c.Logger)}
	t.Set(c.Sample, c.Trust)
	t.provider = sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithSampler(sdk.ParentBased(&t.sampler)), sdk.WithSpanProcessor(t.queue), sdk.WithRawSpanLimits(sdk.SpanLimits{
		AttributeValueLengthLimit: maxText, AttributeCountLimit: 32, AttributeValueDepthLimit: 1, EventCountLimit: 16, LinkCountLimit: 16,
		AttributePerEventCountLimit: 4, AttributePerLinkCountLimit: 4,
	}))
	t.tracer = t.provider.Tracer(scope, otel.WithInstrumentationVersion(c.Version))
	return t, nil
}

// Set changes Config.Sample and Config.Trust.
func (t *Tracer) Set(sample float64, trust Trust) {
	t.sampler.inner.Store(&ratio{sdk.TraceIDRatioBased(sample)})
	t.trust.Store(uint32(trust))
}

// Counts are how many spans the exporter took, how many were dropped because too many
// waited for it, and how many because it failed.
func (t *Tracer) Counts() (exported, overflown, failed uint64) {
	return t.queue.exported.Load(), t.queue.overflown.Load(), t.queue.failed.Load()
}

// Flush hands over what waits, as long as ctx.
func (t *Tracer) Flush(ctx context.Context) error { return t.queue.ForceFlush(ctx) }

// Shutdown hands over what waits and shuts the exporter down; what is not done when ctx
// is, is dropped. Spans that end later are dropped, too.
func (t *Tracer) Shutdown(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// sampler decides about traces that begin here, and may be changed.
type sampler struct{ inner atomic.Pointer[ratio] }

type ratio struct{ sdk.Sampler }

// ShouldSample implements sdk.Sampler.
func (s *sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	return s.inner.Load().ShouldSample(p)
}

// Description implements sdk.Sampler.
func (s *sampler) Description() string { return s.inner.Load().Description() }

// Asked implements relay.Tracer.
func (t *Tracer) Asked(a relay.Asked) relay.Span {
	ctx, options := t.parent(a.Context, Trust(t.trust.Load()).covers(a.Peer))
	s := t.begin(ctx, a.Request, a.Track, append(options, otel.WithSpanKind(otel.SpanKindServer)))
	if s.sampled {
		s.span.SetAttributes(attribute.String(attrRole, a.Role))
		s.describe(a.Session)
	}
	return s
}

// parent is what a span of a request goes on with, or what it is linked to instead.
func (t *Tracer) parent(c *wire.TraceContext, trusted bool) (context.Context, []otel.SpanStartOption) {
	ctx := context.Background()
	if c == nil {
		return ctx, nil
	}
	remote := spanContextOf(c)
	switch {
	case !remote.IsValid():
		return ctx, nil
	case trusted:
		return otel.ContextWithRemoteSpanContext(ctx, remote), nil
	}
	return ctx, []otel.SpanStartOption{otel.WithLinks(otel.Link{SpanContext: remote, Attributes: []attribute.KeyValue{attribute.String(attrLink, "not trusted")}})}
}

// Asks implements relay.Tracer.
func (t *Tracer) Asks(a relay.Asks) relay.Span {
	ctx := context.Background()
	if cause, ok := a.Cause.(*span); ok {
		ctx = otel.ContextWithSpanContext(ctx, cause.span.SpanContext())
	}
	s := t.begin(ctx, a.Request, a.Track, []otel.SpanStartOption{otel.WithSpanKind(otel.SpanKindClient)})
	if s.sampled {
		if a.Link != "" {
			s.span.SetAttributes(attribute.String(attrUpstream, quoted(a.Link)))
		}
		if a.Cause == nil {
			s.span.SetAttributes(attribute.Bool(attrRecovery, true))
		}
	}
	return s
}

func (t *Tracer) begin(ctx context.Context, request wire.MessageType, track wire.FullTrackName, options []otel.SpanStartOption) *span {
	name := track.String()
	_, s := t.tracer.Start(ctx, request.String()+" "+shortened(name, maxName), options...)
	x := &span{tracer: t, span: s, context: contextOf(s.SpanContext()), sampled: s.IsRecording()}
	if x.sampled {
		s.SetAttributes(attribute.String(attrRequest, request.String()), attribute.String(attrTrack, shortened(name, maxText)))
	}
	return x
}

// spanContextOf is what a peer said; malformed parts of it are left out.
func spanContextOf(c *wire.TraceContext) otel.SpanContext {
	state, err := otel.ParseTraceState(c.State)
	if err != nil {
		state = otel.TraceState{}
	}
	return otel.NewSpanContext(otel.SpanContextConfig{
		TraceID: c.TraceID, SpanID: c.SpanID, TraceFlags: otel.TraceFlags(c.Flags) & (otel.FlagsSampled | otel.FlagsRandom), TraceState: state, Remote: true,
	})
}

// contextOf is what a peer is told.
func contextOf(c otel.SpanContext) *wire.TraceContext {
	x := &wire.TraceContext{TraceID: c.TraceID(), SpanID: c.SpanID(), Flags: byte(c.TraceFlags()), State: c.TraceState().String()}
	if len(x.State) > wire.MaxTraceState {
		x.State = ""
	}
	return x
}
