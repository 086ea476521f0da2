package wire

import (
	"math"
	"time"
)

// SubscribeOK is SUBSCRIBE_OK (moqt-18 §10.8).
type SubscribeOK struct {
	RequestID       uint64     // of the SUBSCRIBE; draft 16 alone sends it
	TrackAlias      uint64     // chosen by the publisher, for its data streams and datagrams
	Params          Parameters // LargestObject, Expires
	TrackProperties Properties // the newest set (moqt-18 §2.5)
}

// Type returns MsgSubscribeOK.
func (*SubscribeOK) Type() MessageType { return MsgSubscribeOK }

func encodeSubscribeOK(e *encoder, m *SubscribeOK) {
	e.requestID(m.RequestID)
	e.varint(m.TrackAlias)
	e.parameters(&m.Params, inSubscribeOK)
	e.trackProperties(m.TrackProperties)
}

func decodeSubscribeOK(d *decoder, m *SubscribeOK) {
	m.RequestID = d.requestID()
	m.TrackAlias = d.varint()
	d.parameters(&m.Params, inSubscribeOK)
	m.TrackProperties = d.trackProperties()
}

// FetchOK is FETCH_OK (moqt-18 §10.13).
type FetchOK struct {
	RequestID uint64 // of the FETCH; draft 16 alone sends it
	// EndOfTrack says that End is the final Object of a finished Track.
	EndOfTrack bool
	// End is the last Location, Object math.MaxUint64 for the whole group. The
	// session checks it against the start it asked for.
	End             Location
	Params          Parameters // none is defined up to draft 22
	TrackProperties Properties // the newest set (moqt-18 §2.5)
}

// Type returns MsgFetchOK.
func (*FetchOK) Type() MessageType { return MsgFetchOK }

func encodeFetchOK(e *encoder, m *FetchOK) {
	e.requestID(m.RequestID)
	e.flag(m.EndOfTrack)
	if e.draft.features.has(FeatureFill) {
		e.location(m.End)
	} else {
		e.location(excludedEnd(m.End))
	}
	e.parameters(&m.Params, inFetchOK)
	e.trackProperties(m.TrackProperties)
}

func decodeFetchOK(d *decoder, m *FetchOK) {
	m.RequestID = d.requestID()
	m.EndOfTrack = d.flag("End Of Track")
	m.End = d.location()
	if !d.draft.features.has(FeatureFill) {
		m.End = includedEnd(m.End)
	}
	d.parameters(&m.Params, inFetchOK)
	m.TrackProperties = d.trackProperties()
}

// RequestOK is REQUEST_OK (moqt-18 §10.5). What it answers is the request that
// opened the stream, or the oldest unanswered REQUEST_UPDATE: see CheckFor.
type RequestOK struct {
	RequestID       uint64     // of the request; draft 16 alone sends it
	Params          Parameters // which ones depends on the request: see CheckFor
	TrackProperties Properties // only in answer to TRACK_STATUS
}

// Type returns MsgRequestOK.
func (*RequestOK) Type() MessageType { return MsgRequestOK }

// CheckFor returns an [*Error] if m cannot, in draft v, answer a request of this type: it is
// answered by another message, a parameter has no place in the answer (moqt-18
// §10.2.1), or there are Track Properties where there must be none (§10.5).
// In draft 16 it drops such a parameter (moqt-16 §9.2.2), and PUBLISH_OK answers
// PUBLISH.
func (m *RequestOK) CheckFor(v Version, request MessageType) error {
	where, ok := okScopes[request]
	if !ok || request == MsgPublish && v.Has(FeatureControlStream) {
		return violation("REQUEST_OK cannot answer %v", request)
	}
	if len(m.TrackProperties) > 0 && request != MsgTrackStatus {
		return violation("Track Properties in the REQUEST_OK for %v", request)
	}
	for {
		spec := v.draft().misplaced(&m.Params, where)
		switch {
		case spec == nil:
			return nil
		case !v.draft().ignoresMisplaced:
			return violation("parameter %s does not belong in a REQUEST_OK for %v", spec.name, request)
		}
		spec.clear(&m.Params)
	}
}

// okScope is where the parameters of a REQUEST_OK may stand; in draft 16 PUBLISH
// has an answer of its own.
func (dr *draft) okScope() scope {
	if dr.features.has(FeatureControlStream) {
		return inAnyOK &^ inPublishOK
	}
	return inAnyOK
}

func encodeRequestOK(e *encoder, m *RequestOK) {
	e.requestID(m.RequestID)
	e.parameters(&m.Params, e.draft.okScope())
	if !e.onControlStream() { // moqt-16 §9.7 has no properties
		e.trackProperties(m.TrackProperties)
	}
}

func decodeRequestOK(d *decoder, m *RequestOK) {
	m.RequestID = d.requestID()
	d.parameters(&m.Params, d.draft.okScope())
	if !d.onControlStream() {
		m.TrackProperties = d.trackProperties()
	}
}

// RequestErr is REQUEST_ERROR (moqt-18 §10.6).
type RequestErr struct {
	RequestID uint64 // of the request; draft 16 alone sends it
	// Code says why; one that the draft lacks is sent as the nearest it has.
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
	e.requestID(m.RequestID)
	e.varint(e.draft.requestErrors.number(m.Code))
	retry := uint64(0)
	if m.RetryInterval.Set {
		retry = e.toMillis("retry interval", m.RetryInterval.Value) + 1
	}
	e.varint(retry)
	e.text("reason phrase", m.Reason, MaxReasonPhrase)
	if (m.Code == RequestRedirect) != (m.Redirect != nil) {
		e.fail("a Redirect goes with the code REDIRECT and no other")
	}
	if m.Redirect != nil && e.draft.features.has(FeatureRedirect) {
		e.text("connect URI", m.Redirect.URI, MaxMessagePayload)
		e.fullTrackName(m.Redirect.Track)
	}
}

func decodeRequestErr(d *decoder, m *RequestErr) {
	m.RequestID = d.requestID()
	m.Code = d.draft.requestErrors.code(d.varint())
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

// UnknownStreamCount is the StreamCount of a publisher that did not count. Up to
// draft 19 it is 2^62-1 on the wire (moqt-18 §10.11).
const UnknownStreamCount = math.MaxUint64

const unknownStreamCount16 = 1<<62 - 1

// PublishDone is PUBLISH_DONE (moqt-18 §10.11).
type PublishDone struct {
	RequestID uint64 // of the subscription; draft 16 alone sends it
	// Code says why; one that the draft lacks is sent as the nearest it has.
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
	e.requestID(m.RequestID)
	e.varint(e.draft.publishDone.number(m.Code))
	count := m.StreamCount
	if count == UnknownStreamCount {
		count = e.draft.unknownStreamCount
	}
	e.varint(count)
	e.text("reason phrase", m.Reason, MaxReasonPhrase)
}

func decodePublishDone(d *decoder, m *PublishDone) {
	m.RequestID = d.requestID()
	m.Code = d.draft.publishDone.code(d.varint())
	m.StreamCount = d.varint()
	if m.StreamCount == d.draft.unknownStreamCount {
		m.StreamCount = UnknownStreamCount
	}
	m.Reason = string(d.prefixed("reason phrase", MaxReasonPhrase))
}
