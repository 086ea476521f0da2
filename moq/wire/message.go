package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxMessagePayload is the largest Message Length in bytes (moqt-18 §10).
const MaxMessagePayload = 1<<16 - 1

// Limits of text fields in bytes.
const (
	MaxReasonPhrase = 1024 // moqt-18 §1.4.4
	MaxGoawayURI    = 8192 // moqt-18 §10.4
)

// Message is a control message: a pointer to one of the structs of this package.
type Message interface {
	// Type is the number of draft 18, whatever draft the message came in.
	Type() MessageType
}

// AppendMessage appends the whole frame of m: type, length, payload. It fails,
// returning b as it was, if m cannot be sent: a limit of the draft is exceeded,
// a parameter does not belong in this message, or draft v has no such message.
// Fields that the draft lacks are left out if they are advice, see the structs.
func AppendMessage(b []byte, v Version, m Message) ([]byte, error) {
	if m == nil {
		return b, errors.New("wire: no message to send")
	}
	d := v.draft()
	number := d.number(m)
	codec, ok := d.messages[number]
	if !ok {
		return b, fmt.Errorf("wire: %v does not exist in %v", m.Type(), v)
	}
	e := encoder{draft: d, b: b}
	e.varint(uint64(number))
	e.raw([]byte{0, 0})
	start := len(e.b)
	codec.encode(&e, m)
	n := len(e.b) - start
	if n > MaxMessagePayload {
		e.fail("payload has %d bytes, the limit is %d", n, MaxMessagePayload)
	}
	if e.err != nil {
		return b, fmt.Errorf("wire: %v: %w", m.Type(), e.err)
	}
	binary.BigEndian.PutUint16(e.b[start-2:], uint16(n))
	return e.b, nil
}

// DecodeMessage reads one whole frame from the front of b and returns the number
// of bytes it took. It returns [ErrShort] until the frame is complete, except
// that an unknown type is refused as soon as the type is there. The message
// shares no memory with b. Other errors are [*Error]; a payload that is too short
// or too long for its fields is a PROTOCOL_VIOLATION (moqt-18 §10).
func DecodeMessage(v Version, b []byte) (m Message, n int, err error) {
	dec := decoder{draft: v.draft(), b: b}
	number := MessageType(dec.varint())
	if dec.err != nil {
		return nil, 0, dec.err
	}
	codec, ok := dec.draft.messages[number]
	if !ok {
		return nil, 0, violation("unknown message type %#x", uint64(number))
	}
	length := dec.bytes(2)
	if dec.err != nil {
		return nil, 0, dec.err
	}
	payload := dec.bytes(uint64(binary.BigEndian.Uint16(length)))
	if dec.err != nil {
		return nil, 0, dec.err
	}
	inner := decoder{draft: dec.draft, b: payload}
	m = codec.decode(&inner)
	if inner.err == nil && len(inner.b) > 0 {
		inner.fail(violation("%d bytes after the last field", len(inner.b)))
	}
	if inner.err == nil {
		return m, len(b) - len(dec.b), nil
	}
	// Whatever is missing will not come: the length is known.
	fault := violation("payload ends inside a field")
	errors.As(inner.err, &fault)
	return nil, 0, &Error{Code: fault.Code, Reason: m.Type().String() + ": " + fault.Reason}
}
