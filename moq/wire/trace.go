package wire

import "slices"

// The trace context of a request: which trace of a distributed tracing system it is a
// part of, as W3C Trace Context has it. Nothing of it is registered with MOQT: who
// understands it says so by a Setup Option, which others ignore (moqt-18 §10.3), and the
// Message Parameter is written to, and read from, only those who said so: of a parameter
// that is not known the session would end (moqt-18 §10.2).
const (
	// setupTrace is the Setup Option: ASCII "moqw", which is odd, so its value has
	// bytes, of which there are none yet, and no grease (moqt-18 §14).
	setupTrace = 0x6D6F7177
	// paramTraceContext is the Message Parameter TRACE_CONTEXT, of bytes as well.
	paramTraceContext = 0x6D6F7177
)

// MaxTraceState is how many bytes of tracestate are carried.
const MaxTraceState = 512

// traced marks a Version.
const traced Version = 0x40

// WithTraceContext is the draft with TRACE_CONTEXT.
func (v Version) WithTraceContext() Version { return v | traced }

// TraceContext is the value of TRACE_CONTEXT: a W3C traceparent in its binary form
// and a tracestate as it is. The peer chose them: IDs may be zero, which are none, and
// State may be malformed; quote it.
type TraceContext struct {
	TraceID [16]byte // of the whole trace
	SpanID  [8]byte  // of the span that the request was sent by
	Flags   byte     // 1: sampled
	State   string   // at most MaxTraceState bytes
}

// traceParent is how many bytes come before the state.
const traceParent = 16 + 8 + 1

// TraceOption is the Setup Option that says that the sender understands TRACE_CONTEXT.
func TraceOption() KeyValue { return KeyValue{Type: setupTrace} }

// Traces reports whether the sender understands TRACE_CONTEXT.
func (m *Setup) Traces() bool {
	return slices.ContainsFunc(m.Unknown, func(o KeyValue) bool { return o.Type == setupTrace })
}

// addTraceContext gives a draft TRACE_CONTEXT.
func addTraceContext(d *draft) {
	d.parameters = append(slices.Clone(d.parameters), parameter{
		typ: paramTraceContext, name: "TRACE_CONTEXT", allowed: inSubscribe | inTrackStatus | inFetch,
		count: func(p *Parameters) int {
			if p.TraceContext != nil {
				return 1
			}
			return 0
		},
		encode: func(e *encoder, p *Parameters, _ int) { e.traceContext(p.TraceContext) },
		decode: func(d *decoder, p *Parameters) { p.TraceContext = d.traceContext() },
		clear:  func(p *Parameters) { p.TraceContext = nil },
	})
}

func (e *encoder) traceContext(c *TraceContext) {
	if len(c.State) > MaxTraceState {
		e.fail("tracestate has %d bytes, more than %d", len(c.State), MaxTraceState)
	}
	b := make([]byte, 0, traceParent+len(c.State))
	b = append(b, c.TraceID[:]...)
	b = append(b, c.SpanID[:]...)
	b = append(b, c.Flags)
	e.prefixed(append(b, c.State...))
}

func (d *decoder) traceContext() *TraceContext {
	b := d.prefixed("TRACE_CONTEXT", traceParent+MaxTraceState)
	if d.err != nil {
		return nil
	}
	if len(b) < traceParent {
		d.fail(violation("trace context of %d bytes, want %d or more", len(b), traceParent))
		return nil
	}
	c := &TraceContext{Flags: b[traceParent-1], State: string(b[traceParent:])}
	copy(c.TraceID[:], b)
	copy(c.SpanID[:], b[len(c.TraceID):])
	return c
}
