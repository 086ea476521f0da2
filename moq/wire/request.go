package wire

// Subscribe is SUBSCRIBE (moqt-18 §10.7).
type Subscribe struct {
	RequestID uint64        // of the sender's sequence (moqt-18 §10.1)
	Track     FullTrackName // what is asked for
	Params    Parameters    // how
}

// Type returns MsgSubscribe.
func (*Subscribe) Type() MessageType { return MsgSubscribe }

func encodeSubscribe(e *encoder, m *Subscribe) {
	e.varint(m.RequestID)
	e.fullTrackName(m.Track)
	e.parameters(&m.Params, inSubscribe)
}

func decodeSubscribe(d *decoder, m *Subscribe) {
	m.RequestID = d.varint()
	m.Track = d.fullTrackName()
	d.parameters(&m.Params, inSubscribe)
}

// TrackStatus is TRACK_STATUS (moqt-18 §10.14).
type TrackStatus struct {
	RequestID uint64        // of the sender's sequence (moqt-18 §10.1)
	Track     FullTrackName // what is asked about
	Params    Parameters    // AuthTokens
}

// Type returns MsgTrackStatus.
func (*TrackStatus) Type() MessageType { return MsgTrackStatus }

func encodeTrackStatus(e *encoder, m *TrackStatus) {
	e.varint(m.RequestID)
	e.fullTrackName(m.Track)
	e.parameters(&m.Params, inTrackStatus)
}

func decodeTrackStatus(d *decoder, m *TrackStatus) {
	m.RequestID = d.varint()
	m.Track = d.fullTrackName()
	d.parameters(&m.Params, inTrackStatus)
}

// Publish is PUBLISH (moqt-18 §10.10).
type Publish struct {
	RequestID       uint64        // of the sender's sequence (moqt-18 §10.1)
	Track           FullTrackName // what is offered
	TrackAlias      uint64        // chosen by the publisher, for its data streams and datagrams
	Params          Parameters    // LargestObject, and what the publisher proposes
	TrackProperties Properties    // the newest set (moqt-18 §2.5)
}

// Type returns MsgPublish.
func (*Publish) Type() MessageType { return MsgPublish }

func encodePublish(e *encoder, m *Publish) {
	e.varint(m.RequestID)
	e.fullTrackName(m.Track)
	e.varint(m.TrackAlias)
	e.parameters(&m.Params, inPublish)
	e.trackProperties(m.TrackProperties)
}

func decodePublish(d *decoder, m *Publish) {
	m.RequestID = d.varint()
	m.Track = d.fullTrackName()
	m.TrackAlias = d.varint()
	d.parameters(&m.Params, inPublish)
	m.TrackProperties = d.trackProperties()
}

// RequestUpdate is REQUEST_UPDATE (moqt-18 §10.9). What it updates is the
// request that opened the stream: see CheckFor.
type RequestUpdate struct {
	RequestID uint64 // of the update itself
	// ExistingID is the Request ID of what is updated; draft 16 alone sends it.
	ExistingID uint64
	Params     Parameters // what changes; the others stay
}

// Type returns MsgRequestUpdate.
func (*RequestUpdate) Type() MessageType { return MsgRequestUpdate }

// CheckFor returns an [*Error] if m cannot, in draft v, update a request of this type: the
// request cannot be updated at all (moqt-18 §10.9, §10.14), or a parameter has
// no place in its update (moqt-18 §10.2.1).
func (m *RequestUpdate) CheckFor(v Version, request MessageType) error {
	where, ok := updateScopes[request]
	if !ok {
		return violation("REQUEST_UPDATE cannot follow %v", request)
	}
	if spec := v.draft().misplaced(&m.Params, where); spec != nil {
		return violation("parameter %s does not belong in a REQUEST_UPDATE for %v", spec.name, request)
	}
	return nil
}

func encodeRequestUpdate(e *encoder, m *RequestUpdate) {
	e.varint(m.RequestID)
	e.requestID(m.ExistingID)
	e.parameters(&m.Params, inAnyUpdate)
}

func decodeRequestUpdate(d *decoder, m *RequestUpdate) {
	m.RequestID = d.varint()
	m.ExistingID = d.requestID()
	d.parameters(&m.Params, inAnyUpdate)
}

// FetchKind says how a FETCH gives its range (moqt-18 §10.12).
type FetchKind uint64

// Fetch types.
const (
	FetchStandalone      FetchKind = 1
	FetchRelativeJoining FetchKind = 2
	FetchAbsoluteJoining FetchKind = 3
)

// Fetch is FETCH (moqt-18 §10.12). Kind says how the range is given: Track and Params.Filter belong to
// FetchStandalone, the joining fields to the other kinds.
//
// Up to draft 19 the filter of a standalone fetch must be FilterAbsoluteRange: it
// is the range of the message itself. Later it is a parameter as in a
// subscription, may be absent (the whole Track up to its largest Object) and of
// every type, and there is no other kind than FetchStandalone.
type Fetch struct {
	RequestID uint64 // of the sender's sequence (moqt-18 §10.1); its stream names it
	Kind      FetchKind
	Track     FullTrackName
	// JoiningRequestID is the Request ID of the subscription joined.
	JoiningRequestID uint64
	// JoiningStart is a Group ID, or the number of groups before the Joining
	// Location for FetchRelativeJoining.
	JoiningStart uint64
	Params       Parameters
}

// Type returns MsgFetch.
func (*Fetch) Type() MessageType { return MsgFetch }

func encodeFetch(e *encoder, m *Fetch) {
	e.varint(m.RequestID)
	if e.draft.features.has(FeatureFill) {
		if m.Kind != FetchStandalone {
			e.fail("this draft has no fetch of type %d", uint64(m.Kind))
		}
		e.fullTrackName(m.Track)
		e.parameters(&m.Params, inFetch)
		return
	}
	e.varint(uint64(m.Kind))
	params := m.Params
	switch m.Kind {
	case FetchStandalone:
		e.fullTrackName(m.Track)
		e.fetchRange(params.Filter.Value)
		params.Filter = Option[Filter]{}
	case FetchRelativeJoining, FetchAbsoluteJoining:
		e.varint(m.JoiningRequestID)
		e.varint(m.JoiningStart)
	default:
		e.fail("fetch type %d does not exist", uint64(m.Kind))
	}
	e.parameters(&params, inFetch)
}

// fetchRange appends the ends of a standalone fetch.
func (e *encoder) fetchRange(f Filter) {
	if f.Type != FilterAbsoluteRange {
		e.fail("the filter of a fetch is not an absolute range")
	}
	e.location(f.Start)
	e.location(excludedEnd(f.last()))
}

func decodeFetch(d *decoder, m *Fetch) {
	m.RequestID = d.varint()
	if d.draft.features.has(FeatureFill) {
		m.Kind = FetchStandalone
		m.Track = d.fullTrackName()
		d.parameters(&m.Params, inFetch)
		return
	}
	m.Kind = FetchKind(d.varint())
	var filter Option[Filter]
	switch m.Kind {
	case FetchStandalone:
		m.Track = d.fullTrackName()
		filter = Some(d.fetchRange())
	case FetchRelativeJoining, FetchAbsoluteJoining:
		m.JoiningRequestID = d.varint()
		m.JoiningStart = d.varint()
	default:
		d.fail(violation("fetch type %d does not exist", uint64(m.Kind)))
	}
	d.parameters(&m.Params, inFetch)
	m.Params.Filter = filter
}

func (d *decoder) fetchRange() Filter {
	f := Filter{Type: FilterAbsoluteRange, Start: d.location()}
	end := d.location()
	f.EndGroup = end.Group
	if end.Object > 0 {
		f.EndObject = Some(end.Object - 1)
	}
	return f
}

// excludedEnd is the form of the last Location of a fetch up to draft 19: the
// Object plus one, or 0 for all of the group.
func excludedEnd(last Location) Location {
	return Location{Group: last.Group, Object: last.Object + 1} // wraps to 0
}

// includedEnd undoes excludedEnd.
func includedEnd(end Location) Location {
	return Location{Group: end.Group, Object: end.Object - 1} // wraps to the largest
}
