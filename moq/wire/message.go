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

// MessageType identifies a control message (moqt-18 §10).
type MessageType uint64

// Control messages. PUBLISH_OK is a REQUEST_OK: the 0x1E still listed in the
// table of moqt-18 §10 is a remnant, nobody sends it and it is refused.
const (
	MsgRequestUpdate      MessageType = 0x2
	MsgSubscribe          MessageType = 0x3
	MsgSubscribeOK        MessageType = 0x4
	MsgRequestError       MessageType = 0x5
	MsgPublishNamespace   MessageType = 0x6
	MsgRequestOK          MessageType = 0x7
	MsgNamespace          MessageType = 0x8
	MsgPublishDone        MessageType = 0xB
	MsgTrackStatus        MessageType = 0xD
	MsgNamespaceDone      MessageType = 0xE
	MsgPublishBlocked     MessageType = 0xF
	MsgGoaway             MessageType = 0x10
	MsgFetch              MessageType = 0x16
	MsgFetchOK            MessageType = 0x18
	MsgPublish            MessageType = 0x1D
	MsgSubscribeNamespace MessageType = 0x50
	MsgSubscribeTracks    MessageType = 0x51
	MsgSetup              MessageType = 0x2F00
)

var messageNames = map[MessageType]string{
	MsgRequestUpdate:      "REQUEST_UPDATE",
	MsgSubscribe:          "SUBSCRIBE",
	MsgSubscribeOK:        "SUBSCRIBE_OK",
	MsgRequestError:       "REQUEST_ERROR",
	MsgPublishNamespace:   "PUBLISH_NAMESPACE",
	MsgRequestOK:          "REQUEST_OK",
	MsgNamespace:          "NAMESPACE",
	MsgPublishDone:        "PUBLISH_DONE",
	MsgTrackStatus:        "TRACK_STATUS",
	MsgNamespaceDone:      "NAMESPACE_DONE",
	MsgPublishBlocked:     "PUBLISH_BLOCKED",
	MsgGoaway:             "GOAWAY",
	MsgFetch:              "FETCH",
	MsgFetchOK:            "FETCH_OK",
	MsgPublish:            "PUBLISH",
	MsgSubscribeNamespace: "SUBSCRIBE_NAMESPACE",
	MsgSubscribeTracks:    "SUBSCRIBE_TRACKS",
	MsgSetup:              "SETUP",
}

// String returns the name in the draft, or the number in hex.
func (t MessageType) String() string { return codeName(messageNames, t) }

// Message is a control message: a pointer to one of the structs of this package.
type Message interface{ Type() MessageType }

// messageCodec writes and reads the payload of one message in one draft.
type messageCodec struct {
	encode func(*encoder, Message)
	decode func(*decoder) Message
}

func codecFor[T any, M interface {
	*T
	Message
}](encode func(*encoder, M), decode func(*decoder, M)) messageCodec {
	return messageCodec{
		encode: func(e *encoder, m Message) {
			p, ok := m.(M)
			if !ok || p == nil {
				e.fail("a message of Go type %T cannot be sent", m)
				return
			}
			encode(e, p)
		},
		decode: func(d *decoder) Message {
			m := M(new(T))
			decode(d, m)
			return m
		},
	}
}

var messages18 = map[MessageType]messageCodec{
	MsgSetup:              codecFor(encodeSetup, decodeSetup),
	MsgGoaway:             codecFor(encodeGoaway, decodeGoaway),
	MsgSubscribe:          codecFor(encodeSubscribe, decodeSubscribe),
	MsgTrackStatus:        codecFor(encodeTrackStatus, decodeTrackStatus),
	MsgPublish:            codecFor(encodePublish, decodePublish),
	MsgRequestUpdate:      codecFor(encodeRequestUpdate, decodeRequestUpdate),
	MsgFetch:              codecFor(encodeFetch, decodeFetch),
	MsgSubscribeOK:        codecFor(encodeSubscribeOK, decodeSubscribeOK),
	MsgFetchOK:            codecFor(encodeFetchOK, decodeFetchOK),
	MsgPublishDone:        codecFor(encodePublishDone, decodePublishDone),
	MsgRequestOK:          codecFor(encodeRequestOK, decodeRequestOK),
	MsgRequestError:       codecFor(encodeRequestErr, decodeRequestErr),
	MsgPublishNamespace:   codecFor(encodePublishNamespace, decodePublishNamespace),
	MsgNamespace:          codecFor(encodeNamespaceMsg, decodeNamespaceMsg),
	MsgNamespaceDone:      codecFor(encodeNamespaceDone, decodeNamespaceDone),
	MsgSubscribeNamespace: codecFor(encodeSubscribeNamespace, decodeSubscribeNamespace),
	MsgSubscribeTracks:    codecFor(encodeSubscribeTracks, decodeSubscribeTracks),
	MsgPublishBlocked:     codecFor(encodePublishBlocked, decodePublishBlocked),
}

// AppendMessage appends the whole frame of m: type, length, payload. It fails,
// returning b as it was, if m cannot be sent: a limit of the draft is exceeded,
// a parameter does not belong in this message, or draft v has no such message.
func AppendMessage(b []byte, v Version, m Message) ([]byte, error) {
	if m == nil {
		return b, errors.New("wire: no message to send")
	}
	d := v.draft()
	codec, ok := d.messages[m.Type()]
	if !ok {
		return b, fmt.Errorf("wire: %v does not exist in %v", m.Type(), v)
	}
	e := encoder{draft: d, b: b}
	e.varint(uint64(m.Type()))
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

// ParseMessage reads the payload of a message of type t. The message shares no
// memory with payload. Errors are [*Error]; a payload that is too short or too
// long for its fields is a PROTOCOL_VIOLATION (moqt-18 §10).
func ParseMessage(v Version, t MessageType, payload []byte) (Message, error) {
	d := v.draft()
	codec, ok := d.messages[t]
	if !ok {
		return nil, violation("unknown message type %v", t)
	}
	if len(payload) > MaxMessagePayload {
		return nil, violation("%v: payload has %d bytes, the limit is %d", t, len(payload), MaxMessagePayload)
	}
	dec := decoder{draft: d, b: payload}
	m := codec.decode(&dec)
	if dec.err == nil && len(dec.b) > 0 {
		dec.fail(violation("%d bytes after the last field", len(dec.b)))
	}
	if dec.err == nil {
		return m, nil
	}
	// Whatever is missing will not come: the length is known.
	e := violation("payload ends inside a field")
	errors.As(dec.err, &e)
	return nil, &Error{Code: e.Code, Reason: t.String() + ": " + e.Reason}
}

// DecodeMessage reads one whole frame from the front of b and returns the number
// of bytes it took. It returns [ErrShort] until the frame is complete, except
// that an unknown type is refused as soon as the type is there.
func DecodeMessage(v Version, b []byte) (m Message, n int, err error) {
	dec := decoder{draft: v.draft(), b: b}
	t := MessageType(dec.varint())
	if dec.err != nil {
		return nil, 0, dec.err
	}
	if _, ok := dec.draft.messages[t]; !ok {
		return nil, 0, violation("unknown message type %v", t)
	}
	length := dec.bytes(2)
	if dec.err != nil {
		return nil, 0, dec.err
	}
	payload := dec.bytes(uint64(binary.BigEndian.Uint16(length)))
	if dec.err != nil {
		return nil, 0, dec.err
	}
	m, err = ParseMessage(v, t, payload)
	if err != nil {
		return nil, 0, err
	}
	return m, len(b) - len(dec.b), nil
}
