package wire

// onControlStream reports whether requests share the control stream, so that
// answers must say which of them they belong to.
func (e *encoder) onControlStream() bool { return e.draft.features.has(FeatureControlStream) }
func (d *decoder) onControlStream() bool { return d.draft.features.has(FeatureControlStream) }

// requestID appends the Request ID that an answer has in draft 16 alone.
func (e *encoder) requestID(id uint64) {
	if e.onControlStream() {
		e.varint(id)
	}
}

func (d *decoder) requestID() uint64 {
	if d.onControlStream() {
		return d.varint()
	}
	return 0
}

// The messages of draft 16 that later drafts replaced: by the flow control of
// streams, by resets of request streams, or by REQUEST_OK.

// MaxRequestID is MAX_REQUEST_ID (moqt-16 §9.5). RequestID is the smallest that
// the peer must not use.
type MaxRequestID struct{ RequestID uint64 }

// Type returns MsgMaxRequestID.
func (*MaxRequestID) Type() MessageType { return MsgMaxRequestID }

func encodeMaxRequestID(e *encoder, m *MaxRequestID) { e.varint(m.RequestID) }
func decodeMaxRequestID(d *decoder, m *MaxRequestID) { m.RequestID = d.varint() }

// RequestsBlocked is REQUESTS_BLOCKED (moqt-16 §9.6). MaxRequestID is the limit
// that the sender would exceed.
type RequestsBlocked struct{ MaxRequestID uint64 }

// Type returns MsgRequestsBlocked.
func (*RequestsBlocked) Type() MessageType { return MsgRequestsBlocked }

func encodeRequestsBlocked(e *encoder, m *RequestsBlocked) { e.varint(m.MaxRequestID) }
func decodeRequestsBlocked(d *decoder, m *RequestsBlocked) { m.MaxRequestID = d.varint() }

// Unsubscribe is UNSUBSCRIBE (moqt-16 §9.12): it cancels the subscription that
// RequestID made.
type Unsubscribe struct{ RequestID uint64 }

// Type returns MsgUnsubscribe.
func (*Unsubscribe) Type() MessageType { return MsgUnsubscribe }

func encodeUnsubscribe(e *encoder, m *Unsubscribe) { e.varint(m.RequestID) }
func decodeUnsubscribe(d *decoder, m *Unsubscribe) { m.RequestID = d.varint() }

// FetchCancel is FETCH_CANCEL (moqt-16 §9.18): it cancels the FETCH that
// RequestID made.
type FetchCancel struct{ RequestID uint64 }

// Type returns MsgFetchCancel.
func (*FetchCancel) Type() MessageType { return MsgFetchCancel }

func encodeFetchCancel(e *encoder, m *FetchCancel) { e.varint(m.RequestID) }
func decodeFetchCancel(d *decoder, m *FetchCancel) { m.RequestID = d.varint() }

// PublishNamespaceDone is PUBLISH_NAMESPACE_DONE (moqt-16 §9.22): it withdraws
// the PUBLISH_NAMESPACE that had RequestID.
type PublishNamespaceDone struct{ RequestID uint64 }

// Type returns MsgPublishNamespaceDone.
func (*PublishNamespaceDone) Type() MessageType { return MsgPublishNamespaceDone }

func encodePublishNamespaceDone(e *encoder, m *PublishNamespaceDone) { e.varint(m.RequestID) }
func decodePublishNamespaceDone(d *decoder, m *PublishNamespaceDone) { m.RequestID = d.varint() }

// PublishNamespaceCancel is PUBLISH_NAMESPACE_CANCEL (moqt-16 §9.24): the
// receiver of a PUBLISH_NAMESPACE will not subscribe any more.
type PublishNamespaceCancel struct {
	RequestID uint64       // of the PUBLISH_NAMESPACE
	Code      RequestError // why
	// Reason is UTF-8 of at most 1024 bytes.
	Reason string
}

// Type returns MsgPublishNamespaceCancel.
func (*PublishNamespaceCancel) Type() MessageType { return MsgPublishNamespaceCancel }

func encodePublishNamespaceCancel(e *encoder, m *PublishNamespaceCancel) {
	e.varint(m.RequestID)
	e.varint(e.draft.requestErrors.number(m.Code))
	e.text("reason phrase", m.Reason, MaxReasonPhrase)
}

func decodePublishNamespaceCancel(d *decoder, m *PublishNamespaceCancel) {
	m.RequestID = d.varint()
	m.Code = d.draft.requestErrors.code(d.varint())
	m.Reason = string(d.prefixed("reason phrase", MaxReasonPhrase))
}

// PublishOK is PUBLISH_OK (moqt-16 §9.14). Later drafts send REQUEST_OK.
type PublishOK struct {
	RequestID uint64     // of the PUBLISH
	Params    Parameters // what the subscriber wants
}

// Type returns MsgPublishOK.
func (*PublishOK) Type() MessageType { return MsgPublishOK }

func encodePublishOK(e *encoder, m *PublishOK) {
	e.varint(m.RequestID)
	e.parameters(&m.Params, inPublishOK)
}

func decodePublishOK(d *decoder, m *PublishOK) {
	m.RequestID = d.varint()
	d.parameters(&m.Params, inPublishOK)
}
