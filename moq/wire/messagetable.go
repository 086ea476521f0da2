package wire

import "maps"

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

// messages20 adds PUBLISH_STATE_NOTIFY.
var messages20 = with(messages18, map[MessageType]messageCodec{
	MsgStateNotify: codecFor(encodeStateNotify, decodeStateNotify),
})

// messages16 is moqt-16 §9, by the numbers of that draft.
var messages16 = with(without(messages18, MsgSetup, MsgSubscribeNamespace, MsgSubscribeTracks, MsgPublishBlocked),
	map[MessageType]messageCodec{
		msgClientSetup16:          codecFor(encodeSetup, decodeSetup),
		msgServerSetup16:          codecFor(encodeSetup, decodeServerSetup16),
		msgSubscribeNamespace16:   {encode: encodeSubscribeNamespace16, decode: codecFor(encodeSubscribeNamespace, decodeSubscribeNamespace).decode},
		MsgMaxRequestID:           codecFor(encodeMaxRequestID, decodeMaxRequestID),
		MsgRequestsBlocked:        codecFor(encodeRequestsBlocked, decodeRequestsBlocked),
		MsgUnsubscribe:            codecFor(encodeUnsubscribe, decodeUnsubscribe),
		MsgFetchCancel:            codecFor(encodeFetchCancel, decodeFetchCancel),
		MsgPublishNamespaceDone:   codecFor(encodePublishNamespaceDone, decodePublishNamespaceDone),
		MsgPublishNamespaceCancel: codecFor(encodePublishNamespaceCancel, decodePublishNamespaceCancel),
		MsgPublishOK:              codecFor(encodePublishOK, decodePublishOK),
	})

func with(m, more map[MessageType]messageCodec) map[MessageType]messageCodec {
	m = maps.Clone(m)
	maps.Copy(m, more)
	return m
}

func without(m map[MessageType]messageCodec, types ...MessageType) map[MessageType]messageCodec {
	m = maps.Clone(m)
	for _, t := range types {
		delete(m, t)
	}
	return m
}

// number returns the type of m on the wire.
func (dr *draft) number(m Message) MessageType {
	if !dr.features.has(FeatureControlStream) {
		return m.Type()
	}
	switch m := m.(type) {
	case *Setup:
		if m != nil && m.Server {
			return msgServerSetup16
		}
		return msgClientSetup16
	case *SubscribeNamespace, *SubscribeTracks:
		return msgSubscribeNamespace16
	}
	return m.Type()
}

func decodeServerSetup16(d *decoder, m *Setup) {
	m.Server = true
	decodeSetup(d, m)
}

// encodeSubscribeNamespace16 takes a SubscribeTracks too: draft 16 has one message
// for both.
func encodeSubscribeNamespace16(e *encoder, m Message) {
	if t, ok := m.(*SubscribeTracks); ok && t != nil {
		m = &SubscribeNamespace{RequestID: t.RequestID, Prefix: t.Prefix, Interest: InterestTracks, Params: t.Params}
	}
	codecFor(encodeSubscribeNamespace, decodeSubscribeNamespace).encode(e, m)
}
