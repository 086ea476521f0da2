package wire

// MessageType identifies a control message (moqt-18 §10).
type MessageType uint64

// Control messages, with the numbers of draft 18 where it has them: draft 16
// numbers SETUP, SUBSCRIBE_NAMESPACE otherwise, which AppendMessage and
// DecodeMessage translate. The 0x1E still listed as PUBLISH_OK in the table of
// moqt-18 §10 is a remnant, it is refused there.
const (
	MsgRequestUpdate          MessageType = 0x2
	MsgSubscribe              MessageType = 0x3
	MsgSubscribeOK            MessageType = 0x4
	MsgRequestError           MessageType = 0x5
	MsgPublishNamespace       MessageType = 0x6
	MsgRequestOK              MessageType = 0x7
	MsgNamespace              MessageType = 0x8
	MsgPublishNamespaceDone   MessageType = 0x9 // draft 16
	MsgUnsubscribe            MessageType = 0xA // draft 16
	MsgPublishDone            MessageType = 0xB
	MsgPublishNamespaceCancel MessageType = 0xC // draft 16
	MsgTrackStatus            MessageType = 0xD
	MsgNamespaceDone          MessageType = 0xE
	MsgPublishBlocked         MessageType = 0xF // draft 19: PUBLISH_SKIPPED
	MsgGoaway                 MessageType = 0x10
	MsgMaxRequestID           MessageType = 0x15 // draft 16
	MsgFetch                  MessageType = 0x16
	MsgFetchCancel            MessageType = 0x17 // draft 16
	MsgFetchOK                MessageType = 0x18
	MsgRequestsBlocked        MessageType = 0x1A // draft 16
	MsgPublish                MessageType = 0x1D
	MsgPublishOK              MessageType = 0x1E // draft 16
	MsgStateNotify            MessageType = 0x22 // draft 20
	MsgSubscribeNamespace     MessageType = 0x50
	MsgSubscribeTracks        MessageType = 0x51
	MsgSetup                  MessageType = 0x2F00
)

// Numbers of draft 16 that stand for one of the above.
const (
	msgSubscribeNamespace16 MessageType = 0x11
	msgClientSetup16        MessageType = 0x20
	msgServerSetup16        MessageType = 0x21
)

var messageNames = map[MessageType]string{
	MsgRequestUpdate:          "REQUEST_UPDATE",
	MsgSubscribe:              "SUBSCRIBE",
	MsgSubscribeOK:            "SUBSCRIBE_OK",
	MsgRequestError:           "REQUEST_ERROR",
	MsgPublishNamespace:       "PUBLISH_NAMESPACE",
	MsgRequestOK:              "REQUEST_OK",
	MsgNamespace:              "NAMESPACE",
	MsgPublishNamespaceDone:   "PUBLISH_NAMESPACE_DONE",
	MsgUnsubscribe:            "UNSUBSCRIBE",
	MsgPublishDone:            "PUBLISH_DONE",
	MsgPublishNamespaceCancel: "PUBLISH_NAMESPACE_CANCEL",
	MsgTrackStatus:            "TRACK_STATUS",
	MsgNamespaceDone:          "NAMESPACE_DONE",
	MsgPublishBlocked:         "PUBLISH_BLOCKED",
	MsgGoaway:                 "GOAWAY",
	MsgMaxRequestID:           "MAX_REQUEST_ID",
	MsgFetch:                  "FETCH",
	MsgFetchCancel:            "FETCH_CANCEL",
	MsgFetchOK:                "FETCH_OK",
	MsgRequestsBlocked:        "REQUESTS_BLOCKED",
	MsgPublish:                "PUBLISH",
	MsgPublishOK:              "PUBLISH_OK",
	MsgStateNotify:            "PUBLISH_STATE_NOTIFY",
	MsgSubscribeNamespace:     "SUBSCRIBE_NAMESPACE",
	MsgSubscribeTracks:        "SUBSCRIBE_TRACKS",
	MsgSetup:                  "SETUP",
	MsgRoute:                  "ROUTE",
	MsgSupply:                 "SUPPLY",
}

// String returns the name in the draft, or the number in hex.
func (t MessageType) String() string { return codeName(messageNames, t) }
