package trace

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	otel "go.opentelemetry.io/otel/trace"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// Events of spans.
const (
	eventAccepted = "SUBSCRIBE_OK"
	eventObject   = "first object"
	eventNone     = "no object yet"
)

// span is one request. It ends with its first object, when it is refused, or when it is
// over; a timer ends that of a subscription that no object comes of.
type span struct {
	tracer  *Tracer
	span    otel.Span
	context *wire.TraceContext
	sampled bool // else its context alone is of use

	mu       sync.Mutex // no other lock of this package is taken while it is held
	accepted bool
	began    bool
	ended    bool
	patience *time.Timer // with accepted, while objects are waited for
}

// Context implements relay.Span.
func (s *span) Context() *wire.TraceContext { return s.context }

// Sampled implements relay.Span.
func (s *span) Sampled() bool { return s.sampled }

// Link implements relay.Span.
func (s *span) Link(to relay.Span) {
	other, ok := to.(*span)
	if !ok || !s.sampled || !other.sampled || other.span.SpanContext().TraceID() == s.span.SpanContext().TraceID() {
		return // in one trace it is seen anyway
	}
	s.span.AddLink(otel.Link{SpanContext: other.span.SpanContext(), Attributes: []attribute.KeyValue{attribute.String(attrLink, "shared upstream subscription")}})
}

// To implements relay.Span.
func (s *span) To(session *moq.Session) {
	if s.sampled {
		s.describe(session)
	}
}

// From implements relay.Span.
func (s *span) From(source relay.Source) {
	if s.sampled {
		s.span.SetAttributes(attribute.String(attrSource, source.String()))
	}
}

// Accepted implements relay.Span.
func (s *span) Accepted(awaits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sampled || s.accepted || s.ended {
		return
	}
	s.accepted = true
	s.span.AddEvent(eventAccepted)
	if s.began || !awaits {
		s.end(nil)
		return
	}
	s.patience = time.AfterFunc(s.tracer.config.Patience, s.tire)
}

// Began implements relay.Span.
func (s *span) Began() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sampled || s.began || s.ended {
		return
	}
	s.began = true
	s.span.AddEvent(eventObject)
	if s.accepted { // else that is about to be told
		s.end(nil)
	}
}

// tire ends a span that waited long enough for an object.
func (s *span) tire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.span.AddEvent(eventNone)
		s.end(nil)
	}
}

// End implements relay.Span.
func (s *span) End(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sampled && !s.ended {
		s.end(err)
	}
}

// end ends the span. The caller holds mu.
func (s *span) end(err error) {
	s.ended = true
	if s.patience != nil {
		s.patience.Stop()
	}
	result := "OK"
	if err != nil {
		result = resultOf(err)
		s.span.SetStatus(codes.Error, wordsOf(err))
		s.span.SetAttributes(attribute.String(attrErrorType, result))
	}
	s.span.SetAttributes(attribute.String(attrResult, result))
	s.span.End()
}

// resultOf is a word for an error; what a peer can choose is bounded.
func resultOf(err error) string {
	var refused *moq.RequestError
	switch {
	case errors.As(err, &refused):
		if name := refused.Code.String(); len(name) < 2 || name[:2] != "0x" {
			return name
		}
		return otherResult
	case errors.Is(err, relay.ErrGivenUp), errors.Is(err, context.Canceled):
		return "CANCELLED"
	case errors.Is(err, context.DeadlineExceeded):
		return wire.RequestTimeout.String()
	}
	return otherResult
}

// otherResult is what semantic conventions have for errors that are not classified.
const otherResult = "_OTHER"

func wordsOf(err error) string {
	var refused *moq.RequestError
	if errors.As(err, &refused) {
		return quoted(refused.Reason)
	}
	return quoted(err.Error())
}
