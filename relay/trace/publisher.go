package trace

import (
	"context"

	"go.opentelemetry.io/otel/attribute"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// Ingest says who publishes a track: by which protocol, such as srt, and from where;
// false means that it is not known.
type Ingest func(track wire.FullTrackName) (protocol, remote string, ok bool)

// Publisher stands before what answers requests at a publisher, where a trace ends. Its
// sessions have moq.Config.TraceContext set, and are with relays that it connected to,
// whose word is followed unless nobody's is. ingest may be nil.
func (t *Tracer) Publisher(next moq.Handler, ingest Ingest) moq.Handler {
	return publisher{t, next, ingest}
}

type publisher struct {
	tracer *Tracer
	next   moq.Handler
	ingest Ingest
}

// Serve implements moq.Handler.
func (p publisher) Serve(ctx context.Context, r moq.Request) {
	switch r := r.(type) {
	case *moq.SubscribeRequest:
		s := p.begin(r, wire.MsgSubscribe, r.Track, r.Params.TraceContext)
		if s.sampled {
			r.Begun = s.Began
		}
		p.next.Serve(ctx, r)
		relay.Left(ctx, s, r)
		s.Accepted(r.Forward()) // unless it ended
		context.AfterFunc(ctx, func() { s.End(nil) })
	case *moq.FetchRequest:
		p.serve(ctx, r, p.begin(r, wire.MsgFetch, r.Track, r.Params.TraceContext))
	case *moq.TrackStatusRequest:
		p.serve(ctx, r, p.begin(r, wire.MsgTrackStatus, r.Track, r.Params.TraceContext))
	default:
		p.next.Serve(ctx, r)
	}
}

// serve is Serve of a request that is over with it.
func (p publisher) serve(ctx context.Context, r moq.Request, s *span) {
	p.next.Serve(ctx, r)
	relay.Left(ctx, s, r)
}

func (p publisher) begin(r moq.Request, request wire.MessageType, track wire.FullTrackName, c *wire.TraceContext) *span {
	peer := relay.VouchedByNobody
	if r.Session().Conn().Info().Client {
		peer = relay.VouchedHere
	}
	s := p.tracer.Asked(relay.Asked{Request: request, Session: r.Session(), Role: "above", Peer: peer, Track: track, Context: c}).(*span)
	if !s.sampled || p.ingest == nil {
		return s
	}
	if protocol, remote, ok := p.ingest(track); ok {
		s.span.SetAttributes(attribute.String(attrIngest, protocol), attribute.String(attrEncoder, quoted(remote)))
	}
	return s
}
