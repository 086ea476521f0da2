package trace

import (
	"testing"

	"moqedge/moq/wire"
	"moqedge/relay"
)

// discard is an exporter that takes everything.
type discard struct{ faulty }

// BenchmarkRequest is what a viewer's SUBSCRIBE that an upstream is asked for costs: two
// spans, kept or not.
func BenchmarkRequest(b *testing.B) {
	for name, sample := range map[string]float64{"kept": 1, "not-kept": 0} {
		b.Run(name, func(b *testing.B) {
			tracer, err := New(Config{Exporter: &discard{}, Sample: sample, Queue: 1 << 20})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = tracer.Shutdown(b.Context()) }()
			b.ReportAllocs()
			for b.Loop() {
				ctx, options := tracer.parent(nil, false)
				viewer := tracer.begin(ctx, wire.MsgSubscribe, camera, options)
				asks := tracer.Asks(relay.Asks{Request: wire.MsgSubscribe, Link: "shield", Track: camera, Cause: viewer})
				asks.Accepted(true)
				asks.Began()
				viewer.From(relay.SourceUpstream)
				viewer.Accepted(true)
				viewer.Began()
			}
		})
	}
}
