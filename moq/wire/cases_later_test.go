package wire

import "math"

// What came with drafts 19 and 20.

var cases19 = []messageCase{
	{
		name: "setup limits", msg: &Setup{MaxFilterRanges: Some(uint64(16)), MaxRequestUpdates: Some(uint64(200))},
		in: frame("af00", "06 10 02 80c8"),
	},
	{
		name: "request_error conflicting filters", msg: &RequestErr{Code: RequestConflictingFilters}, in: frame("05", "35 00 00"),
	},
	{name: "request_error invalid filter", msg: &RequestErr{Code: RequestInvalidFilter}, in: frame("05", "36 00 00")},
	{
		name: "request_error of an earlier draft", msg: &RequestErr{Code: RequestInternalError}, decodeOnly: true,
		in: frame("05", "19 00 00"),
	},
	{
		name: "subscribe_namespace_ok that expires", msg: &RequestOK{Params: Parameters{Expires: Some(5 * ms)}}, in: frame("07", "01 08 05"),
	},
	{
		name: "publish with group order", msg: &Publish{Track: liveVideo, Params: Parameters{GroupOrder: Some(GroupOrderDescending)}},
		in: frame("1d", "00", liveVideoHex, "00 01 22 02"),
	},
}

var bad19 = []badCase{
	{"setup filter ranges repeated", frame("af00", "06 10 00 10"), SessionProtocolViolation},
	{"setup request updates repeated", frame("af00", "08 10 00 10"), SessionProtocolViolation},
	{"goaway with request id", frame("10", "00 00 06"), SessionProtocolViolation},
	{"request_ok with group order", frame("07", "01 22 01"), SessionProtocolViolation},
}

// publishOKCases19 are of draft 19 alone: 20 has a REQUEST_UPDATE for it.
var publishOKCases19 = []messageCase{{
	name: "request_ok for publish",
	msg: &RequestOK{Params: Parameters{
		ObjectDeliveryTimeout: Some(1 * ms), SubgroupDeliveryTimeout: Some(2 * ms), Expires: Some(3 * ms),
		Forward: Some(true), SubscriberPriority: Some(uint8(127)), Filter: Some(Filter{Type: FilterNextGroup}),
		RangeFilters: []RangeFilter{{Type: RangeObjectID, Ranges: []ValueRange{{0, 0}}}}, NewGroupRequest: Some(uint64(5)),
	}},
	in: frame("07", "08 02 01 04 02 02 03 08 01 10 7f 01 01 01 05 03 00 00 00 0c 05"),
}}

var cases20 = []messageCase{
	{name: "publish_state_notify empty", msg: &StateNotify{}, in: frame("22", "00")},
	{
		name: "publish_state_notify",
		msg:  &StateNotify{Params: Parameters{LargestObject: Some(Location{5, 200}), Forward: Some(false)}},
		in:   frame("22", "02 09 05 80c8 07 00"),
	},
	{name: "fetch the whole track", msg: &Fetch{RequestID: 6, Kind: FetchStandalone, Track: liveVideo}, in: frame("16", "06", liveVideoHex, "00")},
	{
		name: "fetch parameters",
		msg: &Fetch{RequestID: 6, Kind: FetchStandalone, Track: liveVideo, Params: Parameters{
			AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}, FillTimeout: Some(0 * ms), SubscriberPriority: Some(uint8(0)),
			GroupOrder: Some(GroupOrderDescending), RangeFilters: []RangeFilter{{Type: RangeSubgroup, Ranges: []ValueRange{{0, 0}}}},
			IncludeProperties: Some(false),
		}},
		in: frame("16", "06", liveVideoHex, "06 03 02 02 01 07 00 16 00 02 02 03 03 00 00 00 10 00"),
	},
	{name: "fetch_ok", msg: &FetchOK{End: Location{9, 0}}, in: frame("18", "00 09 00 00")},
	{
		name: "fetch_ok whole group", msg: &FetchOK{EndOfTrack: true, End: Location{9, math.MaxUint64}},
		in: frame("18", "01 09 ff ffffffffffffffff 00"),
	},
	{
		name: "publish_done count unknown", msg: &PublishDone{Code: DoneTooFarBehind, StreamCount: UnknownStreamCount},
		in: frame("0b", "05 ff ffffffffffffffff 00"),
	},
	{
		name: "publish_done count unknown in earlier drafts", msg: &PublishDone{Code: DoneTooFarBehind, StreamCount: 1<<62 - 1},
		in: frame("0b", "05 ff 3fffffffffffffff 00"),
	},
	{
		name: "publish_done of an earlier draft", msg: &PublishDone{Code: DoneInternalError}, decodeOnly: true,
		in: frame("0b", "03 00 00"),
	},
	{
		name: "request_error of draft 19", msg: &RequestErr{Code: RequestInternalError}, decodeOnly: true, in: frame("05", "32 00 00"),
	},
	{
		name: "publish what subscribe_tracks asked for",
		msg: &Publish{Track: liveVideo, Params: Parameters{
			ObjectDeliveryTimeout: Some(1 * ms), SubgroupDeliveryTimeout: Some(2 * ms), Forward: Some(false),
			SubscriberPriority: Some(uint8(9)), GroupOrder: Some(GroupOrderAscending)}},
		in: frame("1d", "00", liveVideoHex, "00 05 02 01 04 02 0a 00 10 09 02 01"),
	},
	{
		name: "subscribe without properties",
		msg:  &Subscribe{Track: liveVideo, Params: Parameters{IncludeProperties: Some(false)}}, in: withParameters("01 35 00"),
	},
	{
		name: "track_status with properties",
		msg:  &TrackStatus{Track: liveVideo, Params: Parameters{IncludeProperties: Some(true)}},
		in:   frame("0d", "00", liveVideoHex, "01 35 01"),
	},
	{
		name: "subscribe_tracks everything",
		msg: &SubscribeTracks{RequestID: 8, Params: Parameters{
			ObjectDeliveryTimeout: Some(1 * ms), RendezvousTimeout: Some(2 * ms), SubgroupDeliveryTimeout: Some(3 * ms),
			Forward: Some(false), SubscriberPriority: Some(uint8(9)), GroupOrder: Some(GroupOrderDescending),
			NewGroupRequest: Some(uint64(0)), IncludeProperties: Some(true)}},
		in: frame("51", "08 00 08 02 01 02 02 02 03 0a 00 10 09 02 02 10 00 03 01"),
	},
	{
		name: "request_update of a subscribe_tracks", msg: &RequestUpdate{RequestID: 10, Params: Parameters{Forward: Some(true)}},
		in: frame("02", "0a 01 10 01"),
	},
	{
		name: "subscribe with an empty fill",
		msg:  &Subscribe{Track: liveVideo, Params: Parameters{FillParameters: Some(FillParameters{})}}, in: withParameters("01 23 01 00"),
	},
	{
		name: "request_update with a fill",
		msg: &RequestUpdate{RequestID: 10, Params: Parameters{Forward: Some(true), FillParameters: Some(FillParameters{
			FillTimeout: Some(200 * ms), SubscriberPriority: Some(uint8(1)), GroupOrder: Some(GroupOrderDescending),
			RangeFilters: []RangeFilter{{Type: RangeSubgroup}, {Type: RangeObjectID, Ranges: []ValueRange{{3, 5}}}},
		})}},
		in: frame("02", "0a 02 10 01 13 0f 05 0a 80c8 16 01 02 02 03 00 01 03 00 03 02"),
	},
	{
		name: "subscribe with an invalid filter in a fill", decodeOnly: true,
		msg: &Subscribe{Track: liveVideo, Params: Parameters{InvalidFilter: "true", FillParameters: Some(FillParameters{})}},
		in:  withParameters("01 23 06 01 27 03 00 8100"),
	},
}

// fillFilterCases have a filter inside the fill and around it.
func fillFilterCases(next, back string) []messageCase {
	return []messageCase{{
		name: "subscribe that joins a group back",
		msg: &Subscribe{Track: liveVideo, Params: Parameters{Filter: Some(Filter{Type: FilterLargestObject}),
			FillParameters: Some(FillParameters{Filter: Some(Filter{Type: FilterRelativeGroup, Groups: 2})})}},
		in: withParameters("02 21", next, "02 04 01 21", back),
	}, {
		name: "publish_state_notify with filter", msg: &StateNotify{Params: Parameters{Filter: Some(Filter{Type: FilterLargestObject})}},
		in: frame("22", "01 21", next),
	}, {
		name: "publish with filter", msg: &Publish{Track: liveVideo, Params: Parameters{Filter: Some(Filter{Type: FilterLargestObject})}},
		in: frame("1d", "00", liveVideoHex, "00 01 21", next),
	}}
}

var bad20 = []badCase{
	{"publish_state_notify with expires", frame("22", "01 08 00"), SessionProtocolViolation},
	{"publish_state_notify trailing byte", frame("22", "00 00"), SessionProtocolViolation},
	{"fetch of old", frame("16", "06 01", liveVideoHex, "01 00 80c8 00 00"), SessionProtocolViolation},
	{"fetch with a fill", frame("16", "06", liveVideoHex, "01 23 01 00"), SessionProtocolViolation},
	{"fetch with forward", frame("16", "06", liveVideoHex, "01 10 01"), SessionProtocolViolation},
	{"request_ok with forward", frame("07", "01 10 01"), SessionProtocolViolation},
	{"request_ok with priority", frame("07", "01 20 01"), SessionProtocolViolation},
	{"subscribe include properties 2", withParameters("01 35 02"), SessionProtocolViolation},
	{"subscribe fill empty", withParameters("01 23 00"), SessionProtocolViolation},
	{"subscribe fill with trailing byte", withParameters("01 23 02 00 00"), SessionProtocolViolation},
	{"subscribe fill longer than the payload", withParameters("01 23 05 00"), SessionProtocolViolation},
	{"subscribe fill count too large", withParameters("01 23 03 02 20 01"), SessionProtocolViolation},
	{"subscribe fill in a fill", withParameters("01 23 04 01 23 01 00"), SessionProtocolViolation},
	{"subscribe fill with token", withParameters("01 23 05 01 03 02 02 01"), SessionProtocolViolation},
	{"subscribe fill with forward", withParameters("01 23 03 01 10 01"), SessionProtocolViolation},
	{"subscribe fill with track property filter", withParameters("01 23 07 01 29 04 00 0e 03 02"), SessionProtocolViolation},
	{"subscribe fill with group order 3", withParameters("01 23 03 01 22 03"), SessionProtocolViolation},
	{"subscribe fill with repeated priority", withParameters("01 23 05 02 20 01 00 01"), SessionProtocolViolation},
	{"subscribe_tracks with a fill", frame("51", "08 00 01 23 01 00"), SessionProtocolViolation},
	{"publish with range filter", frame("1d", "00", liveVideoHex, "00 01 25 03 00 03 02"), SessionProtocolViolation},
}
