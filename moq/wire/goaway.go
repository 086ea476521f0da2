package wire

import "time"

// Goaway is GOAWAY (moqt-18 §10.4).
type Goaway struct {
	// URI is where to go, at most 8192 bytes; empty means here.
	URI string
	// Timeout is how long the sender waits, in whole milliseconds on the wire;
	// 0 means unspecified. Draft 16 does not send it.
	Timeout time.Duration
	// RequestID is the smallest that was not processed. It is set on the control
	// stream and unset on request streams; the session checks which. Draft 18
	// alone sends it.
	RequestID Option[uint64]
}

// Type returns MsgGoaway.
func (*Goaway) Type() MessageType { return MsgGoaway }

func encodeGoaway(e *encoder, m *Goaway) {
	e.text("new session URI", m.URI, MaxGoawayURI)
	if e.draft.features.has(FeatureGoawayTimeout) {
		e.millis("timeout", m.Timeout)
	}
	if m.RequestID.Set && e.draft.features.has(FeatureGoawayRequestID) {
		e.varint(m.RequestID.Value)
	}
}

func decodeGoaway(d *decoder, m *Goaway) {
	m.URI = string(d.prefixed("new session URI", MaxGoawayURI))
	if d.draft.features.has(FeatureGoawayTimeout) {
		m.Timeout = d.millis()
	}
	if d.err == nil && len(d.b) > 0 && d.draft.features.has(FeatureGoawayRequestID) {
		m.RequestID = Some(d.varint())
	}
}
