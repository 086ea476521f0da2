package moq

import (
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// join fetches what was published of a track before a subscription to it
// began: by a joining FETCH sent right behind SUBSCRIBE, which costs no round
// trip (moqt-18 §10.12.2), or by FILL_PARAMETERS in it (draft 20).
type join struct {
	session      *Session
	subscription *Subscription
	groups       wire.Option[uint64] // before the current one; unset: nothing is joined
	subscribe    uint64              // request ID of SUBSCRIBE
	fetch        *Fetch              // nil without a join
	fill         bool
}

// prepare is called with the SUBSCRIBE that is about to be sent.
func (j *join) prepare(m *wire.Subscribe) {
	if !j.groups.Set {
		return
	}
	j.subscribe = m.RequestID
	if j.fill = j.session.version.Has(wire.FeatureFill); !j.fill {
		return
	}
	// StartGroup N begins N-1 groups before the current one (draft 20 §5.1.2).
	from := wire.Filter{Type: wire.FilterRelativeGroup, Groups: j.groups.Value + 1}
	m.Params.FillParameters = wire.Some(wire.FillParameters{Filter: wire.Some(from), GroupOrder: wire.Some(wire.GroupOrderAscending)})
	j.fetch = j.session.newFetch(j.subscription.track, wire.GroupOrderAscending)
	j.fetch.fillOf = j.subscription
	j.fetch.adopt(m.RequestID)
}

// send is called when SUBSCRIBE was sent.
func (j *join) send() {
	if !j.groups.Set || j.fill {
		return
	}
	s := j.session
	started := make(chan struct{})
	f := s.newFetch(j.subscription.track, wire.GroupOrderAscending)
	j.fetch = f
	s.tasks.Go(func() {
		f.run(func(id uint64) wire.Message {
			f.adopt(id)
			return &wire.Fetch{RequestID: id, Kind: wire.FetchRelativeJoining, JoiningRequestID: j.subscribe, JoiningStart: j.groups.Value}
		}, func() { close(started) })
	})
	select {
	case <-started:
	case <-f.done:
	}
}

// established is called when SUBSCRIBE_OK was read. It makes readers of the
// track wait for what the join brings.
func (j *join) established() {
	if j.fetch == nil {
		return
	}
	x := j.subscription
	x.joining = j.fetch
	if !x.largest.Set {
		if j.fill { // an empty range has no stream (draft 20 §5.1.3)
			j.fetch.finish(&RequestError{Request: wire.MsgFetch, Code: wire.RequestInvalidRange, Reason: "nothing was published"})
		}
		return
	}
	l := x.largest.Value
	r := live.Range{From: wire.Location{Group: l.Group - min(j.groups.Value, l.Group)}, To: l.Next()}
	x.track.ExpectFill(r)
	j.fetch.covers(r)
	if j.fill {
		j.fetch.accept()
	}
}

// drop gives the join up.
func (j *join) drop(err error) {
	if j.fetch != nil {
		j.fetch.finish(err)
	}
}
