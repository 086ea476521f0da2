package relay

import (
	"context"
	"errors"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// handler answers the requests of all sessions of a relay, those of links included.
type handler struct {
	relay *Relay
	link  *link // nil for sessions with publishers and subscribers
}

// Serve implements moq.Handler.
func (h handler) Serve(ctx context.Context, r moq.Request) {
	h.relay.served.ask(r)
	if span := h.relay.follow(r); span != nil {
		ctx = withSpan(ctx, span)
		defer func() { Left(ctx, span, r) }()
	}
	if h.link != nil {
		h.relay.links.adopt(r.Session(), h.link)
	} else if _, ok := r.Session().PeerRelay(); ok {
		h.link = h.relay.links.inbound(h.relay, r.Session())
	}
	if !h.relay.admit(ctx, r) {
		return
	}
	p, ok := h.relay.permit(ctx, r)
	if !ok {
		h.relay.served.refused.Add(1)
		return
	}
	if p != nil && !h.relay.admitAs(ctx, r, p.subject) {
		return
	}
	switch r := r.(type) {
	case *moq.SubscribeRequest:
		h.subscribe(ctx, r, p)
	case *moq.FetchRequest:
		h.fetch(ctx, r)
	case *moq.TrackStatusRequest:
		h.trackStatus(ctx, r)
	case *moq.PublishRequest:
		h.publish(ctx, r)
	case *moq.PublishNamespaceRequest:
		h.publishNamespace(ctx, r)
	case *moq.SubscribeNamespaceRequest:
		h.subscribeNamespace(ctx, r, p)
	case *moq.SubscribeTracksRequest:
		h.relay.offer(ctx, r, p)
	}
}

// after has f called when ctx, which is that of a request, is done. Nothing is held
// until then but f: what lasts as long as a session has no goroutine that waits.
func (r *Relay) after(ctx context.Context, f func()) {
	r.tasks.Add()
	context.AfterFunc(ctx, func() {
		defer r.tasks.Done()
		f()
	})
}

// subscribe begins to serve a subscription, which is then served until ctx is done.
func (h handler) subscribe(ctx context.Context, r *moq.SubscribeRequest, p *permission) {
	asked := time.Now()
	wants, group := r.Forward(), r.Params.NewGroupRequest
	u := &use{session: r.Session(), path: pathOf(r.Session(), r.Params), request: r, wants: wants, span: spanIn(ctx)}
	err := h.find(ctx, r.Track, u, group, r.Params.RendezvousTimeout.Value)
	if err == nil {
		defer u.stay()
		if err = u.entry.present(ctx, u); err != nil {
			h.relay.after(ctx, func() { h.relay.release(u) })
		}
	}
	if err != nil {
		h.relay.served.refused.Add(1)
		r.RejectWith(err)
		return
	}
	h.relay.served.subscriptions.Add(1)
	u.serve(r.Sent)
	h.relay.after(ctx, func() {
		h.relay.served.subscriptions.Add(-1)
		h.relay.release(u)
		end(u.span, nil)
		h.relay.recordSubscription(r.Session(), r.Track, p.holder(), asked, r.Delivery())
	})
	e := u.entry
	if wants {
		e.resume(ctx)
	} else {
		e.current(ctx)
	}
	if group.Set {
		u.askGroup(ctx, group.Value)
	}
	u.accept()
	r.Updating, r.Updated = e.updating(ctx, u), h.relay.updated(ctx, u)
	r.Fill = func(first, last wire.Location) { e.supply(live.Range{From: first, To: last.Next()}, true, u.span) }
	r.Begun = begun(u.span)
	u.shares()
	if u.early {
		r.AcceptFrom(e.live, e.began())
	} else {
		r.Accept(e.live)
	}
	h.relay.subscribed(u, asked)
}

// find has u use a track that is established. A track that nobody publishes is
// waited for as long as rendezvous (moqt-18 §10.2.6). Without an error the
// caller calls u.stay when it has answered, and releases u.
func (h handler) find(ctx context.Context, name wire.FullTrackName, u *use, group wire.Option[uint64], rendezvous time.Duration) error {
	deadline := time.NewTimer(min(rendezvous, maxRendezvous))
	defer deadline.Stop()
	defer h.relay.hold(name, u.session)()
	h.relay.heardOf(ctx, name.Namespace, u.session)
	for {
		moved := h.relay.publishes.wait()
		if err := h.relay.redirects.find(name); err != nil && !h.relay.isEstablished(name) {
			return refusalFor(u.session, err)
		}
		err := h.relay.circular(ctx, name, u.path)
		if err == nil {
			h.relay.use(name, u, group)
			if err = u.entry.wait(ctx, u); err == nil {
				return nil
			}
			u.stay()
			h.relay.release(u)
			if u.entry.isStale() {
				continue
			}
		}
		h.relay.redirects.note(name, err)
		err = refusalFor(u.session, err)
		if rendezvous == 0 || !errors.Is(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			return err
		}
		select {
		case <-moved:
		case <-deadline.C:
			return &moq.RequestError{Request: wire.MsgSubscribe, Code: wire.RequestTimeout, Reason: "no publisher came"}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// maxRendezvous bounds how long a SUBSCRIBE is held (moqt-18 §10.2.6 lets a relay shorten it).
const maxRendezvous = 60 * time.Second

// fetch serves a FETCH from what is kept and from the publishers.
func (h handler) fetch(ctx context.Context, r *moq.FetchRequest) {
	u := &use{session: r.Session(), path: pathOf(r.Session(), r.Params), span: spanIn(ctx)}
	if err := h.find(ctx, r.Track, u, wire.Option[uint64]{}, 0); err != nil {
		r.RejectWith(err)
		return
	}
	defer h.relay.release(u)
	defer u.stay()
	u.shares()
	h.relay.served.fetches.Add(1)
	e := u.entry
	e.current(ctx)
	if wanted := (live.Range{From: r.First, To: r.Last.Next()}); !e.knows(wanted) {
		_ = e.present(ctx, u) // without a publisher it gets what there is
	}
	if t := r.Params.FillTimeout; r.Resolve(e.live) {
		had := e.supply(live.Range{From: r.First, To: r.Last.Next()}, !t.Set || t.Value > 0, u.span)
		u.fetchedFrom(had)
		r.Again = e.again
	}
	r.Accept(e.live)
}
