package interop

import (
	"context"
	"sync"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// keep is more groups and bytes than any case publishes: nothing is evicted.
var keep = live.Options{RetainGroups: 1 << 20, MaxBytes: 1 << 30}

// offer is what one or more sessions of a publisher offer. It is a moq.Handler.
type offer struct {
	origin *moq.Origin
	mu     sync.Mutex
	asked  map[string]chan struct{} // closed when the relay subscribed, by track
}

func newOffer() *offer { return &offer{origin: moq.NewOrigin(), asked: map[string]chan struct{}{}} }

// Serve implements moq.Handler.
func (o *offer) Serve(ctx context.Context, r moq.Request) {
	o.origin.Serve(ctx, r)
	if s, ok := r.(*moq.SubscribeRequest); ok {
		o.mu.Lock()
		defer o.mu.Unlock()
		if c, ok := o.asked[s.Track.Key()]; ok {
			select {
			case <-c:
			default:
				close(c)
			}
		}
	}
}

// track makes a track and offers it.
func (o *offer) track(name wire.FullTrackName, p wire.Properties) *live.Track {
	options := keep
	options.Properties = p
	t := live.NewTrack(name, options)
	o.mu.Lock()
	o.asked[name.Key()] = make(chan struct{})
	o.mu.Unlock()
	o.origin.AddTrack(t)
	return t
}

// subscribed waits until the relay has subscribed to a track of the offer.
func (o *offer) subscribed(r *run, t *live.Track) error {
	r.await("SUBSCRIBE of the relay for track %q", t.Name().Name)
	o.mu.Lock()
	c := o.asked[t.Name().Key()]
	o.mu.Unlock()
	select {
	case <-c:
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

// publish connects a publisher and announces a namespace.
func (r *run) publish(role string, o *offer, ns wire.Namespace) (*moq.Session, *moq.NamespacePublication, error) {
	s, err := r.connect(role, link{handler: o})
	if err != nil {
		return nil, nil, err
	}
	r.await("%sREQUEST_OK for PUBLISH_NAMESPACE %s", of(role), ns)
	p, err := s.PublishNamespace(r.ctx, ns)
	return s, p, err
}
