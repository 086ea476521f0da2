package moq

import (
	"errors"
	"slices"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// join fetches what was published of a track before a subscription to it
// began: by a joining FETCH sent right behind SUBSCRIBE, which costs no round
// trip (moqt-18 §10.12.2), or by FILL_PARAMETERS in it (draft 20).
type join struct {
	session      *Session
	subscription *Subscription
	groups       wire.Option[uint64]        // before the current one; unset: nothing is joined
	from         wire.Option[wire.Location] // with which to catch up
	failed       func(error) bool
	subscribe    uint64 // request ID of SUBSCRIBE
	fetch        *Fetch // nil without a join
	fill         wire.Option[wire.FillParameters]
	trace        *wire.TraceContext // of both requests
}

// prepare is called with the SUBSCRIBE that is about to be sent.
func (j *join) prepare(m *wire.Subscribe) {
	j.subscribe = m.RequestID
	if !j.session.version.Has(wire.FeatureFill) {
		return
	}
	if j.groups.Set {
		// StartGroup N begins N-1 groups before the current one (draft 20 §5.1.2).
		from := wire.Filter{Type: wire.FilterRelativeGroup, Groups: j.groups.Value + 1}
		m.Params.FillParameters = wire.Some(wire.FillParameters{Filter: wire.Some(from), GroupOrder: wire.Some(wire.GroupOrderAscending)})
	}
	if j.fill = m.Params.FillParameters; j.fill.Set {
		j.fetch = j.subscription.newFill(m.RequestID, j.fill.Value)
		j.fetch.failed = j.failed
	}
}

// send is called when SUBSCRIBE was sent. It waits for the FETCH to be sent as well,
// so that a track which ends at once can still be joined; not long, as the peer may
// leave no stream for it before the subscription is over.
func (j *join) send() {
	if (!j.groups.Set && !j.from.Set) || j.fill.Set {
		return
	}
	s := j.session
	started := make(chan struct{})
	f := s.newFetch(j.subscription.track, wire.GroupOrderAscending)
	f.failed, f.open = j.failed, j.from.Set
	j.fetch = f
	s.tasks.Go(func() {
		f.run(func(id uint64) wire.Message {
			f.adopt(id)
			if j.from.Set {
				return j.catchUp(id)
			}
			m := &wire.Fetch{RequestID: id, Kind: wire.FetchRelativeJoining, JoiningRequestID: j.subscribe, JoiningStart: j.groups.Value}
			m.Params.TraceContext = j.trace
			return m
		}, func() { close(started) })
	})
	timer := time.NewTimer(streamPatience)
	defer timer.Stop()
	select {
	case <-started:
	case <-f.done:
	case <-timer.C:
	}
}

// maxCatchUp is how many groups a FETCH asks for that ends with what is published;
// that is where the publisher cuts it off (moqt-18 §10.13).
const maxCatchUp = 1 << 20

// catchUp is the FETCH of what was published from a location on.
func (j *join) catchUp(id uint64) *wire.Fetch {
	from := j.from.Value
	last := from.Group + min(maxCatchUp, j.session.version.MaxInteger()-min(from.Group, j.session.version.MaxInteger()))
	m := &wire.Fetch{RequestID: id, Kind: wire.FetchStandalone, Track: j.subscription.track.Name()}
	m.Params.Filter = wire.Some(wire.Filter{Type: wire.FilterAbsoluteRange, Start: from, EndGroup: last})
	m.Params.TraceContext = j.trace
	return m
}

// established is called when SUBSCRIBE_OK was read. It makes readers of the
// track wait for what the join brings.
func (j *join) established() {
	if j.fetch == nil {
		return
	}
	x := j.subscription
	x.joining = j.fetch
	if j.fill.Set {
		x.awaitFill(j.fetch, j.fill.Value, x.largest)
		return
	}
	if !x.largest.Set {
		return // the publisher refuses it
	}
	l := x.largest.Value
	if j.from.Set {
		j.fetch.expect(live.Range{From: j.from.Value, To: l.Next()})
		return
	}
	j.fetch.expect(live.Range{From: wire.Location{Group: l.Group - min(j.groups.Value, l.Group)}, To: l.Next()})
}

// drop gives the join up.
func (j *join) drop(err error) {
	if j.fetch != nil {
		j.fetch.finish(err)
	}
}

var errFillOver = errors.New("moq: the subscription of the fill is over")

// newFill lets the stream of a fill in that the request with this ID is about to
// ask for (draft 20 §5.1.3).
func (x *Subscription) newFill(id uint64, p wire.FillParameters) *Fetch {
	f := x.session.newFetch(x.track, p.GroupOrder.Or(wire.GroupOrderAscending))
	f.fillOf = x
	f.adopt(id)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fills = slices.DeleteFunc(x.fills, (*Fetch).over)
	x.fills = append(x.fills, f)
	return f
}

// awaitFill makes readers of the track wait for what a fill brings that the
// publisher has agreed to. There is no stream of a range without objects, nor
// while the subscription does not forward (draft 20 §5.1.3).
func (x *Subscription) awaitFill(f *Fetch, p wire.FillParameters, largest wire.Option[wire.Location]) {
	x.mu.Lock()
	wanted := x.wanted
	over := x.over
	x.mu.Unlock()
	first, last, ok := fetchRange(p.Filter.Or(wanted.Filter.Or(wire.Filter{})), largest.Value)
	switch {
	case over:
		f.finish(errFillOver)
	case !ok || !largest.Set || !wanted.Forward.Or(true):
		f.finish(&RequestError{Request: wire.MsgFetch, Code: wire.RequestInvalidRange, Reason: "nothing is filled"})
	default:
		f.expect(live.Range{From: first, To: last.Next()})
		f.accept()
	}
}

// agree notes what the publisher has agreed to.
func (x *Subscription) agree(p wire.Parameters) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p.Forward.Set {
		x.wanted.Forward = p.Forward
	}
	if p.Filter.Set {
		x.wanted.Filter = p.Filter
	}
}
