package peer

import (
	"math"

	"moqedge/moq/wire"
)

// WholeGroup is the object of a range's end that stands for all of the group.
const WholeGroup = math.MaxUint64

// Range is a Filter with both ends, which are inclusive.
func Range(first, last wire.Location) wire.Filter {
	f := wire.Filter{Type: wire.FilterAbsoluteRange, Start: first, EndGroup: last.Group}
	if last.Object != WholeGroup {
		f.EndObject = wire.Some(last.Object)
	}
	return f
}

// Subscribe makes a SUBSCRIBE.
func (p *Peer) Subscribe(name wire.FullTrackName, params wire.Parameters) *Request {
	p.t.Helper()
	return p.Request(&wire.Subscribe{RequestID: p.ID(), Track: name, Params: params})
}

// FetchRange makes a FETCH of a range: see Range.
func (p *Peer) FetchRange(name wire.FullTrackName, first, last wire.Location, params wire.Parameters) *Request {
	p.t.Helper()
	params.Filter = wire.Some(Range(first, last))
	return p.Fetch(&wire.Fetch{Kind: wire.FetchStandalone, Track: name, Params: params})
}

// Join makes a FETCH that joins a subscription and begins some groups earlier.
func (p *Peer) Join(subscription *Request, groups uint64) *Request {
	p.t.Helper()
	return p.Fetch(&wire.Fetch{Kind: wire.FetchRelativeJoining, JoiningRequestID: subscription.ID, JoiningStart: groups})
}

// Fetch makes a FETCH of any kind; its ID is filled in.
func (p *Peer) Fetch(m *wire.Fetch) *Request {
	p.t.Helper()
	m.RequestID = p.ID()
	if o := m.Params.GroupOrder; o.Set && o.Value == wire.GroupOrderDescending {
		p.mu.Lock()
		p.descending[m.RequestID] = true
		p.mu.Unlock()
	}
	return p.Request(m)
}

// descends reports whether a FETCH of this side asked for descending groups.
func (p *Peer) descends(id uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.descending[id]
}

// Status makes a TRACK_STATUS.
func (p *Peer) Status(name wire.FullTrackName) *Request {
	p.t.Helper()
	return p.Request(&wire.TrackStatus{RequestID: p.ID(), Track: name})
}

// PublishNamespace announces a namespace and wants it accepted.
func (p *Peer) PublishNamespace(ns ...string) *Request {
	p.t.Helper()
	r := p.Request(&wire.PublishNamespace{RequestID: p.ID(), Namespace: ns})
	Expect[*wire.RequestOK](r)
	return r
}

// Namespaces asks for the namespaces below a prefix.
func (p *Peer) Namespaces(prefix ...string) *Request {
	p.t.Helper()
	return p.Request(&wire.SubscribeNamespace{RequestID: p.ID(), Prefix: prefix})
}

// Tracks asks for PUBLISH of the tracks below a prefix.
func (p *Peer) Tracks(params wire.Parameters, prefix ...string) *Request {
	p.t.Helper()
	return p.Request(&wire.SubscribeTracks{RequestID: p.ID(), Prefix: prefix, Params: params})
}

// Publish offers a track.
func (p *Peer) Publish(name wire.FullTrackName, alias uint64, params wire.Parameters, properties wire.Properties) *Request {
	p.t.Helper()
	return p.Request(&wire.Publish{RequestID: p.ID(), Track: name, TrackAlias: alias, Params: params, TrackProperties: properties})
}

// ExpectPublishOK takes the acceptance of a PUBLISH and returns what the
// subscriber wants. From draft 20 on a REQUEST_UPDATE says that; it is answered.
// Without one, nothing is said.
func (r *Request) ExpectPublishOK() wire.Parameters {
	p := r.peer
	p.t.Helper()
	if p.Version.Has(wire.FeatureControlStream) {
		return Expect[*wire.PublishOK](r).Params
	}
	ok := Expect[*wire.RequestOK](r)
	if p.Version.Has(wire.FeaturePublishOKParams) {
		return ok.Params
	}
	if u := r.Changed(); u != nil {
		return u.Params
	}
	return wire.Parameters{}
}

// AcceptPublish accepts a PUBLISH of the other side and says what is wanted.
func (r *Request) AcceptPublish(params wire.Parameters) {
	p := r.peer
	p.t.Helper()
	switch {
	case p.Version.Has(wire.FeatureControlStream):
		r.Send(&wire.PublishOK{Params: params})
	case p.Version.Has(wire.FeaturePublishOKParams):
		r.Send(&wire.RequestOK{Params: params})
	default:
		r.Send(&wire.RequestOK{})
		r.Update(params)
		Expect[*wire.RequestOK](r)
	}
}

// AcceptSubscribe accepts a SUBSCRIBE of the other side.
func (r *Request) AcceptSubscribe(alias uint64, largest wire.Option[wire.Location], properties wire.Properties) {
	r.peer.t.Helper()
	r.Send(&wire.SubscribeOK{TrackAlias: alias, Params: wire.Parameters{LargestObject: largest}, TrackProperties: properties})
}
