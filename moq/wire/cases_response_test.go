package wire

import (
	"math"
	"strings"
	"time"
)

var subscribeOKCases = []messageCase{
	{
		name: "subscribe_ok plain",
		msg:  &SubscribeOK{TrackAlias: 4},
		in:   frame("04", "04 00"),
	},
	{
		name: "subscribe_ok bare largest object",
		msg: &SubscribeOK{TrackAlias: 4,
			Params:          Parameters{Expires: Some(0 * ms), LargestObject: Some(Location{7, 130})},
			TrackProperties: unhex("0e 40 22 01")},
		in: frame("04", "04 02 08 00 01 07 8082", "0e 40 22 01"),
	},
}

var badSubscribeOKs = []badCase{
	{"subscribe_ok with forward", frame("04", "04 01 10 01"), SessionProtocolViolation},
	{"subscribe_ok with token", frame("04", "04 01 03 02 02 01"), SessionProtocolViolation},
	{"subscribe_ok empty", frame("04"), SessionProtocolViolation},
	{"subscribe_ok property without value", frame("04", "04 00 02"), SessionKeyValueFormattingError},
}

var fetchOKCases = []messageCase{
	{
		name: "fetch_ok plain",
		msg:  &FetchOK{End: Location{9, math.MaxUint64}},
		in:   frame("18", "00 09 00 00"),
	},
	{
		name: "fetch_ok end of track",
		msg:  &FetchOK{EndOfTrack: true, End: Location{1000, 11}, TrackProperties: unhex("30 01")},
		in:   frame("18", "01 83e8 0c 00 30 01"),
	},
}

var badFetchOKs = []badCase{
	{"fetch_ok end of track 2", frame("18", "02 09 00 00"), SessionProtocolViolation},
	{"fetch_ok with largest object", frame("18", "00 09 00 01 09 00 00"), SessionProtocolViolation},
	{"fetch_ok with expires", frame("18", "00 09 00 01 08 00"), SessionProtocolViolation},
}

var requestOKCases = []messageCase{
	{
		name: "request_ok plain",
		msg:  &RequestOK{},
		in:   frame("07", "00"),
	},
	{
		name: "request_ok for track_status",
		msg: &RequestOK{Params: Parameters{Expires: Some(1 * ms), LargestObject: Some(Location{1, 2})},
			TrackProperties: unhex("02 80fa")},
		in: frame("07", "02 08 01 01 01 02 02 80fa"),
	},
	{
		name: "request_ok for request_update",
		msg:  &RequestOK{Params: Parameters{LargestObject: Some(Location{0, 0})}},
		in:   frame("07", "01 09 00 00"),
	},
}

// publishOKCases are of draft 18.
var publishOKCases = []messageCase{
	{
		name: "request_ok for publish",
		msg: &RequestOK{Params: Parameters{
			ObjectDeliveryTimeout: Some(1 * ms), SubgroupDeliveryTimeout: Some(2 * ms), Expires: Some(3 * ms),
			Forward: Some(true), SubscriberPriority: Some(uint8(127)), Filter: Some(Filter{Type: FilterNextGroup}),
			GroupOrder: Some(GroupOrderAscending), NewGroupRequest: Some(uint64(5)),
		}},
		in: frame("07", "08 02 01 04 02 02 03 08 01 10 7f 01 01 01 01 01 10 05"),
	},
}

var badRequestOKs = []badCase{
	{"request_ok with token", frame("07", "01 03 02 02 01"), SessionProtocolViolation},
	{"request_ok with rendezvous", frame("07", "01 04 01"), SessionProtocolViolation},
	{"request_ok with fill timeout", frame("07", "01 0a 01"), SessionProtocolViolation},
	{"request_ok with prefix", frame("07", "01 34 00"), SessionProtocolViolation},
	{"request_ok empty", frame("07"), SessionProtocolViolation},
}

var requestErrCases = []messageCase{
	{
		name: "request_error final",
		msg:  &RequestErr{Code: RequestDoesNotExist, Reason: "no such track"},
		in:   frame("05", "10 00 0d 6e6f207375636820747261636b"),
	},
	{
		name: "request_error retry at once",
		msg:  &RequestErr{Code: RequestTimeout, RetryInterval: Some(0 * ms)},
		in:   frame("05", "02 01 00"),
	},
	{
		name: "request_error retry later",
		msg:  &RequestErr{Code: RequestExcessiveLoad, RetryInterval: Some(time.Second), Reason: "é"},
		in:   frame("05", "09 83e9 02 c3a9"),
	},
	{
		name: "request_error unknown code",
		msg:  &RequestErr{Code: 0x9D},
		in:   frame("05", "809d 00 00"),
	},
	{
		name: "request_error longest reason",
		msg:  &RequestErr{Reason: strings.Repeat("a", MaxReasonPhrase)},
		in:   frame("05", "00 00 8400", letters(MaxReasonPhrase)),
	},
	{
		name: "request_error redirect",
		msg: &RequestErr{Code: RequestRedirect, RetryInterval: Some(9 * ms),
			Redirect: &Redirect{URI: "moqt://c", Track: liveVideo}},
		in: frame("05", "34 0a 00 08 6d6f71743a2f2f63", liveVideoHex),
	},
	{
		name: "request_error redirect to the same names",
		msg:  &RequestErr{Code: RequestRedirect, Redirect: &Redirect{}},
		in:   frame("05", "34 00 00 00 00 00"),
	},
}

var badRequestErrs = []badCase{
	{"request_error reason too long", frame("05", "00 00 8401", letters(MaxReasonPhrase+1)), SessionProtocolViolation},
	{"request_error reason cut", frame("05", "00 00 02 61"), SessionProtocolViolation},
	{"request_error redirect missing", frame("05", "34 00 00"), SessionProtocolViolation},
	{"request_error redirect unasked", frame("05", "00 00 00 00 00 00"), SessionProtocolViolation},
	{"request_error redirect with empty field", frame("05", "34 00 00 00 01 00 00"), SessionProtocolViolation},
	{"request_error redirect uri cut", frame("05", "34 00 00 09 61"), SessionProtocolViolation},
}

var publishDoneCases = []messageCase{
	{
		name: "publish_done track ended",
		msg:  &PublishDone{Code: DoneTrackEnded, StreamCount: 3, Reason: "bye"},
		in:   frame("0b", "02 03 03 627965"),
	},
}

// publishDoneCountCases are of drafts up to 19.
var publishDoneCountCases = []messageCase{
	{
		name: "publish_done count unknown",
		msg:  &PublishDone{Code: DoneTooFarBehind, StreamCount: UnknownStreamCount},
		in:   frame("0b", "05 ff 3fffffffffffffff 00"),
	},
}

var badPublishDones = []badCase{
	{"publish_done reason too long", frame("0b", "02 03 8401", letters(MaxReasonPhrase+1)), SessionProtocolViolation},
	{"publish_done with a request id before it", frame("0b", "00 02 03 00"), SessionProtocolViolation},
	{"publish_done trailing byte", frame("0b", "02 03 00 00"), SessionProtocolViolation},
}
