package wire

// Subscribe is SUBSCRIBE (moqt-18 §10.7).
type Subscribe struct {
	RequestID uint64
	Track     FullTrackName
	Params    Parameters
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
	RequestID uint64
	Track     FullTrackName
	Params    Parameters
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
	RequestID       uint64
	Track           FullTrackName
	TrackAlias      uint64
	Params          Parameters
	TrackProperties Properties
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
	RequestID uint64
	Params    Parameters
}

// Type returns MsgRequestUpdate.
func (*RequestUpdate) Type() MessageType { return MsgRequestUpdate }

// CheckFor returns an [*Error] if m cannot update a request of this type: the
// request cannot be updated at all (moqt-18 §10.9, §10.14), or a parameter has
// no place in its update (moqt-18 §10.2.1).
func (m *RequestUpdate) CheckFor(request MessageType) error {
	where, ok := updateScopes[request]
	if !ok {
		return violation("REQUEST_UPDATE cannot follow %v", request)
	}
	return m.Params.check(where, "REQUEST_UPDATE for "+request.String())
}

func encodeRequestUpdate(e *encoder, m *RequestUpdate) {
	e.varint(m.RequestID)
	e.parameters(&m.Params, inAnyUpdate)
}

func decodeRequestUpdate(d *decoder, m *RequestUpdate) {
	m.RequestID = d.varint()
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

// Fetch is FETCH (moqt-18 §10.12). Track, Start and End belong to
// FetchStandalone, the joining fields to the other kinds.
type Fetch struct {
	RequestID uint64
	Kind      FetchKind
	Track     FullTrackName
	Start     Location
	// End is as on the wire: the last Object plus one, Object 0 for the whole group.
	End Location
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
	e.varint(uint64(m.Kind))
	switch m.Kind {
	case FetchStandalone:
		e.fullTrackName(m.Track)
		e.location(m.Start)
		e.location(m.End)
	case FetchRelativeJoining, FetchAbsoluteJoining:
		e.varint(m.JoiningRequestID)
		e.varint(m.JoiningStart)
	default:
		e.fail("fetch type %d does not exist", uint64(m.Kind))
	}
	e.parameters(&m.Params, inFetch)
}

func decodeFetch(d *decoder, m *Fetch) {
	m.RequestID = d.varint()
	m.Kind = FetchKind(d.varint())
	switch m.Kind {
	case FetchStandalone:
		m.Track = d.fullTrackName()
		m.Start = d.location()
		m.End = d.location()
	case FetchRelativeJoining, FetchAbsoluteJoining:
		m.JoiningRequestID = d.varint()
		m.JoiningStart = d.varint()
	default:
		d.fail(violation("fetch type %d does not exist", uint64(m.Kind)))
	}
	d.parameters(&m.Params, inFetch)
}
