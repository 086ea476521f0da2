package relay

import (
	"context"
	"errors"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// handler answers the requests of all sessions of a relay, the parent included.
type handler struct{ relay *Relay }

// Serve implements moq.Handler.
func (h handler) Serve(ctx context.Context, r moq.Request) {
	h.relay.served.requests.Add(1)
	switch r := r.(type) {
	case *moq.SubscribeRequest:
		h.subscribe(ctx, r)
	case *moq.FetchRequest:
		h.fetch(ctx, r)
	case *moq.TrackStatusRequest:
		h.trackStatus(ctx, r)
	case *moq.PublishRequest:
		h.publish(ctx, r)
	case *moq.PublishNamespaceRequest:
		h.publishNamespace(ctx, r)
	case *moq.SubscribeNamespaceRequest:
		if !r.Accept() {
			return
		}
		queue := moq.NewNamespaceQueue(r.Prefix)
		defer h.relay.all.Watch(queue)()
		queue.Run(ctx, r.Add, r.Remove)
	case *moq.SubscribeTracksRequest:
		if r.Accept() {
			h.relay.offer(ctx, r)
		}
	}
}

// subscribe serves a subscription until it is over.
func (h handler) subscribe(ctx context.Context, r *moq.SubscribeRequest) {
	e, err := h.find(ctx, r.Session(), r.Track, r.Params.RendezvousTimeout.Value)
	if err != nil {
		h.relay.served.refused.Add(1)
		r.RejectWith(err)
		return
	}
	defer h.release(e, r.Session())
	h.relay.served.subscriptions.Add(1)
	defer h.relay.served.subscriptions.Add(-1)
	r.Fill = func(first, last wire.Location) { e.backfill(live.Range{From: first, To: last.Next()}) }
	r.Accept(e.live)
	<-ctx.Done()
}

// release ends what find began.
func (h handler) release(e *trackEntry, asker *moq.Session) {
	e.leave(asker)
	h.relay.release(e)
}

// find returns an established track, in use by the caller. A track that nobody
// publishes is waited for as long as rendezvous (moqt-18 §10.2.6).
func (h handler) find(ctx context.Context, asker *moq.Session, name wire.FullTrackName, rendezvous time.Duration) (*trackEntry, error) {
	deadline := time.NewTimer(min(rendezvous, maxRendezvous))
	defer deadline.Stop()
	for {
		moved := h.relay.publishes.wait()
		e := h.relay.track(name, false)
		e.join(asker)
		err := e.wait(ctx, asker)
		if err == nil {
			return e, nil
		}
		h.release(e, asker)
		if rendezvous == 0 || !errors.Is(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			return nil, err
		}
		select {
		case <-moved:
		case <-deadline.C:
			return nil, &moq.RequestError{Request: wire.MsgSubscribe, Code: wire.RequestTimeout, Reason: "no publisher came"}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// maxRendezvous bounds how long a SUBSCRIBE is held (moqt-18 §10.2.6 lets a relay shorten it).
const maxRendezvous = 60 * time.Second

func (h handler) fetch(ctx context.Context, r *moq.FetchRequest) {
	e, err := h.find(ctx, r.Session(), r.Track, 0)
	if err != nil {
		r.RejectWith(err)
		return
	}
	defer h.release(e, r.Session())
	h.relay.served.fetches.Add(1)
	if t := r.Params.FillTimeout; r.Resolve(e.live) && (!t.Set || t.Value > 0) {
		e.backfill(live.Range{From: r.First, To: r.Last.Next()})
	}
	r.Accept(e.live)
}

func (h handler) trackStatus(ctx context.Context, r *moq.TrackStatusRequest) {
	e, err := h.find(ctx, r.Session(), r.Track, 0)
	if err != nil {
		r.RejectWith(err)
		return
	}
	defer h.release(e, r.Session())
	r.Accept(e.live)
}

// publishNamespace keeps a namespace in the table while it is announced.
func (h handler) publishNamespace(ctx context.Context, r *moq.PublishNamespaceRequest) {
	s := r.Session()
	r.Accept()
	h.relay.log.Info("namespace announced", "namespace", r.Namespace.String(), "remote", s.Conn().Info().RemoteAddr.String())
	h.relay.local.Add(r.Namespace, s)
	h.relay.all.Add(r.Namespace, source{session: s})
	h.relay.publishes.announce()
	<-ctx.Done()
	h.relay.local.Remove(r.Namespace, s)
	h.relay.all.Remove(r.Namespace, source{session: s})
	h.relay.log.Info("namespace withdrawn", "namespace", r.Namespace.String())
}
