package relay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay/limit"
)

// offers are the tracks that one SUBSCRIBE_TRACKS gets by PUBLISH.
type offers struct {
	request    *moq.SubscribeTracksRequest
	session    *moq.Session
	permission *permission // nil: it may have all
	wake       chan struct{}

	mu      sync.Mutex
	prefix  wire.Namespace
	params  wire.Parameters // of the subscriptions to come
	queue   []*trackEntry
	others  []wire.FullTrackName // likewise, offered by other relays
	blocked map[string]struct{}  // tracks that are not offered any more
}

// wants reports whether a track is to be offered: it is below the prefix and
// passes the filters, the session neither provides it (moqt-18 §6.1) nor has
// asked for it itself, and it was not told that it will not be offered. The
// caller holds the relay's mu.
func (o *offers) wants(r *Relay, e *trackEntry) bool {
	if e.publishedBy(o.session) || r.held[held{e.name.Key(), o.session}] > 0 {
		return false
	}
	e.mu.Lock()
	has := e.has(o.session)
	e.mu.Unlock()
	properties, _ := e.live.Properties()
	o.mu.Lock()
	defer o.mu.Unlock()
	_, blocked := o.blocked[e.name.Key()]
	return !has && !blocked && e.name.Namespace.HasPrefix(o.prefix) && offersTrack(o.params.RangeFilters, properties)
}

func (o *offers) add(e *trackEntry) {
	o.mu.Lock()
	if !slices.Contains(o.queue, e) {
		o.queue = append(o.queue, e)
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *offers) addElsewhere(name wire.FullTrackName) {
	o.mu.Lock()
	o.others = append(o.others, name)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take empties the queues.
func (o *offers) take() (here []*trackEntry, elsewhere []wire.FullTrackName, p wire.Parameters) {
	o.mu.Lock()
	defer o.mu.Unlock()
	here, elsewhere = o.queue, o.others
	o.queue, o.others = nil, nil
	return here, elsewhere, o.params
}

// update takes in a REQUEST_UPDATE: it concerns tracks that are offered later
// (moqt-18 §10.9.2).
func (o *offers) update(prefix wire.Namespace, p wire.Parameters) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.prefix = prefix
	if p.Forward.Set {
		o.params.Forward = p.Forward
	}
	if len(p.RangeFilters) > 0 {
		o.params.RangeFilters = replaceFilters(o.params.RangeFilters, p.RangeFilters)
	}
}

// replaceFilters puts filters in the place of those of their types; one without
// ranges only removes (moqt-19 §5.1.3).
func replaceFilters(have, changed []wire.RangeFilter) []wire.RangeFilter {
	kept := slices.DeleteFunc(slices.Clone(have), func(f wire.RangeFilter) bool {
		return slices.ContainsFunc(changed, func(c wire.RangeFilter) bool { return c.Type == f.Type })
	})
	for _, f := range changed {
		if len(f.Ranges) > 0 {
			kept = append(kept, f)
		}
	}
	return kept
}

// held is a track that a session waits for.
type held struct {
	track   string
	session *moq.Session
}

// hold notes that a session's request waits for a track, until the returned
// function is called: its publisher is then not told of by PUBLISH (moqt-18 §9.5).
func (r *Relay) hold(name wire.FullTrackName, s *moq.Session) (release func()) {
	key := held{name.Key(), s}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held[key]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.held[key]--; r.held[key] == 0 {
			delete(r.held, key)
		}
	}
}

// offerAll offers a track that came by PUBLISH to all who want it.
func (r *Relay) offerAll(e *trackEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expose(e)
	for o := range r.wanting {
		if o.wants(r, e) {
			o.add(e)
		}
	}
}

// offer sends PUBLISH for every track below the prefix until ctx is done.
func (r *Relay) offer(ctx context.Context, req *moq.SubscribeTracksRequest, p *permission) {
	if r.tooLarge(req.Prefix, p, true) {
		req.Reject(wire.RequestNamespaceTooLarge, "more tracks than this relay offers", moq.NoRetry())
		return
	}
	o := &offers{
		request: req, session: req.Session(), permission: p, prefix: req.Prefix, params: req.Params,
		wake: make(chan struct{}, 1), blocked: map[string]struct{}{},
	}
	again := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.wanting[o] = struct{}{}
		for e := range r.offered {
			if o.wants(r, e) {
				o.add(e)
			}
		}
	}
	updated := make(chan struct{}, 1)
	anew := func() {
		again()
		select {
		case updated <- struct{}{}:
		default:
		}
	}
	req.Updated = func(prefix wire.Namespace, p wire.Parameters) {
		o.update(prefix, p)
		anew()
	}
	p.whenAgain(anew)
	if !req.Accept() {
		return
	}
	again()
	stop := r.findElsewhere(ctx, o, req.Prefix)
	defer func() {
		stop()
		r.mu.Lock()
		delete(r.wanting, o)
		r.mu.Unlock()
	}()
	room := make(chan struct{}, maxOffers)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	for ctx.Err() == nil {
		here, elsewhere, params := o.take()
		for _, e := range here {
			room <- struct{}{}
			tasks.Go(r.part(o.session, func() {
				defer func() { <-room }()
				r.publishTo(ctx, o, e, params)
			}))
		}
		for _, name := range elsewhere {
			room <- struct{}{}
			tasks.Go(r.part(o.session, func() {
				defer func() { <-room }()
				r.publishElsewhere(ctx, o, name, params)
			}))
		}
		select {
		case <-o.wake:
		case <-updated:
			stop()
			o.mu.Lock()
			prefix := o.prefix
			o.mu.Unlock()
			stop = r.findElsewhere(ctx, o, prefix)
		case <-ctx.Done():
		}
	}
}

// maxOffers bounds how many PUBLISHes of one SUBSCRIBE_TRACKS wait for their answer.
const maxOffers = 16

// publishTo offers one track; what is accepted goes on until it ends. A track
// for which there is no stream is not offered again (moqt-18 §6.1).
func (r *Relay) publishTo(ctx context.Context, o *offers, e *trackEntry, params wire.Parameters) {
	r.mu.Lock()
	wants := ctx.Err() == nil && o.wants(r, e)
	r.mu.Unlock()
	if !wants {
		return
	}
	if p, ok := r.permitOffer(o, e.name); ok {
		r.propose(ctx, o, r.use(e.name, &use{session: o.session, wants: params.Forward.Or(true)}, wire.Option[uint64]{}), params, p)
	}
}

// propose sends PUBLISH for a track that the session is a user of, until it ends.
func (r *Relay) propose(ctx context.Context, o *offers, u *use, params wire.Parameters, allowed *permission) {
	e, asked := u.entry, time.Now()
	done, refused := limitsOf(o.session).Hold(limit.Subscriptions)
	if refused != nil {
		r.release(u)
		o.block(e.name)
		return
	}
	options := moq.PublishOptions{
		Params: proposal(o.session.Version(), params), Asked: params, Updated: r.updated(r.ctx, u),
	}
	if allowed != nil {
		options.Permission = moq.Permission{Until: allowed.until, Renew: allowed.renew}
	}
	p, err := o.session.Publish(ctx, u.entry.live, options)
	u.stay()
	if err != nil {
		done()
		r.release(u)
		if errors.Is(err, moq.ErrNoStream) {
			o.block(e.name)
		}
		if ctx.Err() == nil {
			r.log.Debug("track not offered", "track", e.name.String(), "error", err)
		}
		return
	}
	u.serve(p.Sent)
	if allowed != nil {
		allowed.end = func(err *moq.RequestError) { p.Close(doneFor(err), err.Reason) }
		r.permissions.add(allowed)
	}
	r.tasks.Go(func() {
		<-p.Done()
		done()
		r.release(u)
		r.recordSubscription(o.session, e.name, allowed.holder(), asked, p.Delivery())
		if allowed != nil {
			r.permissions.remove(allowed)
		}
	})
}

// block has a track not be offered any more, and tells so (moqt-18 §6.1).
func (o *offers) block(name wire.FullTrackName) {
	o.mu.Lock()
	o.blocked[name.Key()] = struct{}{}
	o.mu.Unlock()
	o.request.Blocked(name)
}

// proposal is what a PUBLISH says of what SUBSCRIBE_TRACKS asked for: the
// forward state (moqt-18 §10.19), the group order from draft 19 on, from draft
// 20 on all that the draft has a place for. Tokens are not copied.
func proposal(v wire.Version, asked wire.Parameters) wire.Parameters {
	p := wire.Parameters{
		Forward: wire.Some(asked.Forward.Or(true)), GroupOrder: asked.GroupOrder, SubscriberPriority: asked.SubscriberPriority,
		ObjectDeliveryTimeout: asked.ObjectDeliveryTimeout, SubgroupDeliveryTimeout: asked.SubgroupDeliveryTimeout,
	}
	if v.Has(wire.FeatureFill) {
		p.Filter = asked.Filter
	}
	return p
}
