package wire

import "strconv"

// The numbers below are those of the newest draft that has the name; translate.go
// has what is different elsewhere. Unknown codes are legal everywhere and mean
// INTERNAL_ERROR (moqt-18 §14).

// SessionError is the code a session is closed with (moqt-18 §3.5).
type SessionError uint64

// Session termination codes (moqt-18 §15.10.1).
const (
	SessionNoError                  SessionError = 0x0
	SessionInternalError            SessionError = 0x1
	SessionUnauthorized             SessionError = 0x2
	SessionProtocolViolation        SessionError = 0x3
	SessionInvalidRequestID         SessionError = 0x4
	SessionDuplicateTrackAlias      SessionError = 0x5
	SessionKeyValueFormattingError  SessionError = 0x6
	SessionTooManyRequests          SessionError = 0x7 // draft 16
	SessionInvalidPath              SessionError = 0x8
	SessionMalformedPath            SessionError = 0x9
	SessionGoawayTimeout            SessionError = 0x10
	SessionControlMessageTimeout    SessionError = 0x11
	SessionDataStreamTimeout        SessionError = 0x12
	SessionAuthTokenCacheOverflow   SessionError = 0x13
	SessionDuplicateAuthTokenAlias  SessionError = 0x14
	SessionVersionNegotiationFailed SessionError = 0x15 // up to draft 19
	SessionMalformedAuthToken       SessionError = 0x16
	SessionUnknownAuthTokenAlias    SessionError = 0x17
	SessionExpiredAuthToken         SessionError = 0x18
	SessionInvalidAuthority         SessionError = 0x19
	SessionMalformedAuthority       SessionError = 0x1A
	SessionTooManyRequestUpdates    SessionError = 0x1B // draft 19
)

var sessionErrorNames = map[SessionError]string{
	SessionNoError:                  "NO_ERROR",
	SessionInternalError:            "INTERNAL_ERROR",
	SessionUnauthorized:             "UNAUTHORIZED",
	SessionProtocolViolation:        "PROTOCOL_VIOLATION",
	SessionInvalidRequestID:         "INVALID_REQUEST_ID",
	SessionDuplicateTrackAlias:      "DUPLICATE_TRACK_ALIAS",
	SessionKeyValueFormattingError:  "KEY_VALUE_FORMATTING_ERROR",
	SessionTooManyRequests:          "TOO_MANY_REQUESTS",
	SessionInvalidPath:              "INVALID_PATH",
	SessionMalformedPath:            "MALFORMED_PATH",
	SessionGoawayTimeout:            "GOAWAY_TIMEOUT",
	SessionControlMessageTimeout:    "CONTROL_MESSAGE_TIMEOUT",
	SessionDataStreamTimeout:        "DATA_STREAM_TIMEOUT",
	SessionAuthTokenCacheOverflow:   "AUTH_TOKEN_CACHE_OVERFLOW",
	SessionDuplicateAuthTokenAlias:  "DUPLICATE_AUTH_TOKEN_ALIAS",
	SessionVersionNegotiationFailed: "VERSION_NEGOTIATION_FAILED",
	SessionMalformedAuthToken:       "MALFORMED_AUTH_TOKEN",
	SessionUnknownAuthTokenAlias:    "UNKNOWN_AUTH_TOKEN_ALIAS",
	SessionExpiredAuthToken:         "EXPIRED_AUTH_TOKEN",
	SessionInvalidAuthority:         "INVALID_AUTHORITY",
	SessionMalformedAuthority:       "MALFORMED_AUTHORITY",
	SessionTooManyRequestUpdates:    "TOO_MANY_REQUEST_UPDATES",
}

// String returns the name in the draft, or the number in hex.
func (c SessionError) String() string { return codeName(sessionErrorNames, c) }

// RequestError is the code of a REQUEST_ERROR (moqt-18 §10.6.2).
type RequestError uint64

// REQUEST_ERROR codes (moqt-18 §15.10.2).
const (
	RequestInternalError           RequestError = 0x0
	RequestUnauthorized            RequestError = 0x1
	RequestTimeout                 RequestError = 0x2
	RequestNotSupported            RequestError = 0x3
	RequestMalformedAuthToken      RequestError = 0x4
	RequestExpiredAuthToken        RequestError = 0x5
	RequestGoingAway               RequestError = 0x6
	RequestExcessiveLoad           RequestError = 0x9
	RequestDoesNotExist            RequestError = 0x10
	RequestInvalidRange            RequestError = 0x11
	RequestMalformedTrack          RequestError = 0x12
	RequestDuplicateSubscription   RequestError = 0x19 // up to draft 18
	RequestUninterested            RequestError = 0x20
	RequestPrefixOverlap           RequestError = 0x30
	RequestNamespaceTooLarge       RequestError = 0x31
	RequestInvalidJoiningRequestID RequestError = 0x32 // up to draft 19
	RequestUnsupportedExtension    RequestError = 0x33
	RequestRedirect                RequestError = 0x34
	RequestConflictingFilters      RequestError = 0x35 // draft 19
	RequestInvalidFilter           RequestError = 0x36 // draft 19
)

var requestErrorNames = map[RequestError]string{
	RequestInternalError:           "INTERNAL_ERROR",
	RequestUnauthorized:            "UNAUTHORIZED",
	RequestTimeout:                 "TIMEOUT",
	RequestNotSupported:            "NOT_SUPPORTED",
	RequestMalformedAuthToken:      "MALFORMED_AUTH_TOKEN",
	RequestExpiredAuthToken:        "EXPIRED_AUTH_TOKEN",
	RequestGoingAway:               "GOING_AWAY",
	RequestExcessiveLoad:           "EXCESSIVE_LOAD",
	RequestDoesNotExist:            "DOES_NOT_EXIST",
	RequestInvalidRange:            "INVALID_RANGE",
	RequestMalformedTrack:          "MALFORMED_TRACK",
	RequestDuplicateSubscription:   "DUPLICATE_SUBSCRIPTION",
	RequestUninterested:            "UNINTERESTED",
	RequestPrefixOverlap:           "PREFIX_OVERLAP",
	RequestNamespaceTooLarge:       "NAMESPACE_TOO_LARGE",
	RequestInvalidJoiningRequestID: "INVALID_JOINING_REQUEST_ID",
	RequestUnsupportedExtension:    "UNSUPPORTED_EXTENSION",
	RequestRedirect:                "REDIRECT",
	RequestConflictingFilters:      "CONFLICTING_FILTERS",
	RequestInvalidFilter:           "INVALID_FILTER",
}

// String returns the name in the draft, or the number in hex.
func (c RequestError) String() string { return codeName(requestErrorNames, c) }

// PublishDoneCode says why a subscription ended (moqt-18 §10.11).
type PublishDoneCode uint64

// PUBLISH_DONE codes (moqt-18 §15.10.3).
const (
	DoneInternalError     PublishDoneCode = 0x0
	DoneUnauthorized      PublishDoneCode = 0x1
	DoneTrackEnded        PublishDoneCode = 0x2
	DoneSubscriptionEnded PublishDoneCode = 0x3 // up to draft 19
	DoneGoingAway         PublishDoneCode = 0x4
	DoneTooFarBehind      PublishDoneCode = 0x5
	DoneExpired           PublishDoneCode = 0x6
	DoneUpdateFailed      PublishDoneCode = 0x8
	DoneExcessiveLoad     PublishDoneCode = 0x9
	DoneMalformedTrack    PublishDoneCode = 0x12
)

var publishDoneNames = map[PublishDoneCode]string{
	DoneInternalError:     "INTERNAL_ERROR",
	DoneUnauthorized:      "UNAUTHORIZED",
	DoneTrackEnded:        "TRACK_ENDED",
	DoneSubscriptionEnded: "SUBSCRIPTION_ENDED",
	DoneGoingAway:         "GOING_AWAY",
	DoneTooFarBehind:      "TOO_FAR_BEHIND",
	DoneExpired:           "EXPIRED",
	DoneUpdateFailed:      "UPDATE_FAILED",
	DoneExcessiveLoad:     "EXCESSIVE_LOAD",
	DoneMalformedTrack:    "MALFORMED_TRACK",
}

// String returns the name in the draft, or the number in hex.
func (c PublishDoneCode) String() string { return codeName(publishDoneNames, c) }

// ResetCode is the code of RESET_STREAM and STOP_SENDING (moqt-18 §3.3.3).
type ResetCode uint64

// Stream reset codes (moqt-18 §15.10.4).
const (
	ResetInternalError       ResetCode = 0x0
	ResetCancelled           ResetCode = 0x1
	ResetDeliveryTimeout     ResetCode = 0x2
	ResetSessionClosed       ResetCode = 0x3
	ResetGoingAway           ResetCode = 0x4
	ResetTooFarBehind        ResetCode = 0x5
	ResetUnknownObjectStatus ResetCode = 0x6
	ResetExpiredAuthToken    ResetCode = 0x7
	ResetExcessiveLoad       ResetCode = 0x9
	ResetMalformedTrack      ResetCode = 0x12
)

var resetNames = map[ResetCode]string{
	ResetInternalError:       "INTERNAL_ERROR",
	ResetCancelled:           "CANCELLED",
	ResetDeliveryTimeout:     "DELIVERY_TIMEOUT",
	ResetSessionClosed:       "SESSION_CLOSED",
	ResetGoingAway:           "GOING_AWAY",
	ResetTooFarBehind:        "TOO_FAR_BEHIND",
	ResetUnknownObjectStatus: "UNKNOWN_OBJECT_STATUS",
	ResetExpiredAuthToken:    "EXPIRED_AUTH_TOKEN",
	ResetExcessiveLoad:       "EXCESSIVE_LOAD",
	ResetMalformedTrack:      "MALFORMED_TRACK",
}

// String returns the name in the draft, or the number in hex.
func (c ResetCode) String() string { return codeName(resetNames, c) }

func codeName[C ~uint64](names map[C]string, c C) string {
	if name, ok := names[c]; ok {
		return name
	}
	return "0x" + strconv.FormatUint(uint64(c), 16)
}
