// Package trace follows requests through relays with OpenTelemetry: a viewer's SUBSCRIBE
// is one trace through every relay that it makes ask another one, up to the publisher.
//
// It must not know what is configured where, nor do anything per object. It is what a
// relay tells of requests (relay.Tracer), and stands before what answers them at a
// publisher (Tracer.Publisher); what it makes goes to an exporter that it is given, or
// to a collector by OTLP (Collector).
//
// Start reading at Tracer (trace.go). span.go is one request: from where it is asked
// until its first object, or the reason why there is none. attributes.go names what is
// told of it; queue.go brings spans to the exporter without anybody waiting for that,
// and drops and counts what does not fit; collector.go makes exporters.
//
// # Whom to believe
//
// Relays tell each other the trace context of requests (wire.TraceContext) after both
// said in SETUP that they understand it. Whoever sends one decides what is recorded
// here, so that of peers that nobody vouches for is not followed unless Config.Trust says
// so: their request begins a trace of its own, sampled like any other, with a link to
// what they named.
package trace
