package wire

import "time"

// SubscribeOK is SUBSCRIBE_OK (moqt-18 §10.8).
type SubscribeOK struct {
	TrackAlias      uint64
	Params          Parameters
	TrackProperties Properties
}

// Type returns MsgSubscribeOK.
func (*SubscribeOK) Type() MessageType { return MsgSubscribeOK }

func encodeSubscribeOK(e *encoder, m *SubscribeOK) {
	e.varint(m.TrackAlias)
	e.parameters(&m.Params, inSubscribeOK)
	e.trackProperties(m.TrackProperties)
}

func decodeSubscribeOK(d *decoder, m *SubscribeOK) {
	m.TrackAlias = d.varint()
	d.parameters(&m.Params, inSubscribeOK)
	m.TrackProperties = d.trackProperties()
}

// FetchOK is FETCH_OK (moqt-18 §10.13).
type FetchOK struct {
	// EndOfTrack says that End is the final Object of a finished Track.
	EndOfTrack bool
	// End is as on the wire: the last Object plus one, Object 0 for the whole
	// group. The session checks it against the Start it asked for.
	End             Location
	Params          Parameters
	TrackProperties Properties
}

// Type returns MsgFetchOK.
func (*FetchOK) Type() MessageType { return MsgFetchOK }

func encodeFetchOK(e *encoder, m *FetchOK) {
	e.flag(m.EndOfTrack)
	e.location(m.End)
	e.parameters(&m.Params, inFetchOK)
	e.trackProperties(m.TrackProperties)
}

func decodeFetchOK(d *decoder, m *FetchOK) {
	m.EndOfTrack = d.flag("End Of Track")
	m.End = d.location()
	d.parameters(&m.Params, inFetchOK)
	m.TrackProperties = d.trackProperties()
}

// RequestOK is REQUEST_OK (moqt-18 §10.5). What it answers is the request that
// opened the stream, or the oldest unanswered REQUEST_UPDATE: see CheckFor.
type RequestOK struct {
	Params          Parameters
	TrackProperties Properties // only in answer to TRACK_STATUS
}

// Type returns MsgRequestOK.
func (*RequestOK) Type() MessageType { return MsgRequestOK }

// CheckFor returns an [*Error] if m cannot answer a request of this type: it is
// answered by another message, a parameter has no place in the answer (moqt-18
// §10.2.1), or there are Track Properties where there must be none (§10.5).
func (m *RequestOK) CheckFor(request MessageType) error {
	where, ok := okScopes[request]
	if !ok {
		return violation("REQUEST_OK cannot answer %v", request)
	}
	if len(m.TrackProperties) > 0 && request != MsgTrackStatus {
		return violation("Track Properties in the REQUEST_OK for %v", request)
	}
	return m.Params.check(where, "REQUEST_OK for "+request.String())
}

func encodeRequestOK(e *encoder, m *RequestOK) {
	e.parameters(&m.Params, inAnyOK)
	e.trackProperties(m.TrackProperties)
}

func decodeRequestOK(d *decoder, m *RequestOK) {
	d.parameters(&m.Params, inAnyOK)
	m.TrackProperties = d.trackProperties()
}

// RequestErr is REQUEST_ERROR (moqt-18 §10.6).
type RequestErr struct {
	Code RequestError
	// RetryInterval is the least time before another try; unset means do not.
	// On the wire it is in milliseconds plus one.
	RetryInterval Option[time.Duration]
	// Reason is UTF-8 of at most 1024 bytes.
	Reason string
	// Redirect is set if and only if Code is RequestRedirect.
	Redirect *Redirect
}

// Redirect says where to try again (moqt-18 §10.6.1). An empty URI means the
// same server; an empty Track means the same names.
type Redirect struct {
	URI   string
	Track FullTrackName
}

// Type returns MsgRequestError.
func (*RequestErr) Type() MessageType { return MsgRequestError }

func encodeRequestErr(e *encoder, m *RequestErr) {
	e.varint(uint64(m.Code))
	retry := uint64(0)
	if m.RetryInterval.Set {
		retry = e.toMillis("retry interval", m.RetryInterval.Value) + 1
	}
	e.varint(retry)
	e.text("reason phrase", m.Reason, MaxReasonPhrase)
	if (m.Code == RequestRedirect) != (m.Redirect != nil) {
		e.fail("a Redirect goes with the code REDIRECT and no other")
	}
	if m.Redirect != nil {
		e.text("connect URI", m.Redirect.URI, MaxMessagePayload)
		e.fullTrackName(m.Redirect.Track)
	}
}

func decodeRequestErr(d *decoder, m *RequestErr) {
	m.Code = RequestError(d.varint())
	if retry := d.varint(); retry > 0 {
		m.RetryInterval = Some(fromMillis(retry - 1))
	}
	m.Reason = string(d.prefixed("reason phrase", MaxReasonPhrase))
	if d.err == nil && m.Code == RequestRedirect {
		m.Redirect = &Redirect{
			URI:   string(d.prefixed("connect URI", MaxMessagePayload)),
			Track: d.fullTrackName(),
		}
	}
}

// UnknownStreamCount is the StreamCount of a publisher that did not count.
const UnknownStreamCount = 1<<62 - 1

// PublishDone is PUBLISH_DONE (moqt-18 §10.11).
type PublishDone struct {
	Code PublishDoneCode
	// StreamCount is the number of data streams opened for the subscription, or
	// UnknownStreamCount.
	StreamCount uint64
	// Reason is UTF-8 of at most 1024 bytes.
	Reason string
}

// Type returns MsgPublishDone.
func (*PublishDone) Type() MessageType { return MsgPublishDone }

func encodePublishDone(e *encoder, m *PublishDone) {
	e.varint(uint64(m.Code))
	e.varint(m.StreamCount)
	e.text("reason phrase", m.Reason, MaxReasonPhrase)
}

func decodePublishDone(d *decoder, m *PublishDone) {
	m.Code = PublishDoneCode(d.varint())
	m.StreamCount = d.varint()
	m.Reason = string(d.prefixed("reason phrase", MaxReasonPhrase))
}
