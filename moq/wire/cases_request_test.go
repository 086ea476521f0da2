package wire

import (
	"strings"
	"time"
)

var (
	liveVideo    = FullTrackName{Namespace: Namespace{"live"}, Name: "video"}
	liveVideoHex = "01 04 6c697665 05 766964656f"
	ms           = time.Millisecond
)

var subscribeCases = []messageCase{
	{
		name: "subscribe plain",
		msg:  &Subscribe{RequestID: 0, Track: liveVideo},
		in:   frame("03", "00", liveVideoHex, "00"),
	},
	{
		name: "subscribe token register and delete",
		msg: &Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{AuthTokens: []Token{
			{AliasType: TokenDelete, Alias: 3}, {AliasType: TokenRegister, Alias: 200, TokenType: 1}}}},
		in: frame("03", "04", liveVideoHex, "02", "03 02 00 03", "00 04 01 80c8 01"),
	},
	{
		name: "subscribe 32 fields",
		msg:  &Subscribe{Track: FullTrackName{Namespace: strings.Split(strings.Repeat("a", 32), "")}},
		in:   frame("03", "00", "20", strings.Repeat("0161", 32), "00", "00"),
	},
	{
		name: "subscribe longest name",
		msg: &Subscribe{Track: FullTrackName{
			Namespace: Namespace{strings.Repeat("a", 4000)}, Name: strings.Repeat("a", 96)}},
		in: frame("03", "00", "01 8fa0", letters(4000), "60", letters(96), "00"),
	},
	{
		name: "subscribe no namespace", msg: &Subscribe{RequestID: 1, Track: FullTrackName{Name: "a"}},
		in: frame("03", "01", "00 01 61", "00"),
	},
	{
		name: "subscribe integers not minimal", decodeOnly: true,
		msg: &Subscribe{RequestID: 37, Track: liveVideo, Params: Parameters{Forward: Some(true)}},
		in:  frame("8003", "8025", liveVideoHex, "c00001", "8010 01"),
	},
}

// subscribeFilterCases have filters in the form of drafts 18 and 19.
var subscribeFilterCases = []messageCase{
	{
		name: "subscribe all parameters",
		msg: &Subscribe{
			RequestID: 2,
			Track:     FullTrackName{Namespace: Namespace{"a", "\x00\xff"}},
			Params: Parameters{
				ObjectDeliveryTimeout: Some(1500 * ms),
				AuthTokens: []Token{
					{AliasType: TokenUseValue, Value: []byte("tok")},
					{AliasType: TokenUseAlias, Alias: 7},
				},
				RendezvousTimeout:       Some(30000 * ms),
				SubgroupDeliveryTimeout: Some(0 * ms),
				Forward:                 Some(false),
				SubscriberPriority:      Some(uint8(200)),
				Filter:                  Some(Filter{Type: FilterAbsoluteRange, Start: Location{5, 0}, EndGroup: 9}),
				GroupOrder:              Some(GroupOrderDescending),
				NewGroupRequest:         Some(uint64(0)),
			},
		},
		in: frame("03", "02", "02 01 61 02 00ff 00", "0a",
			"02 85dc", "01 05 03 00 746f6b", "00 02 02 07", "01 c07530", "02 00", "0a 00", "10 c8",
			"01 04 04 05 00 04", "01 02", "10 00"),
	},
	{
		name: "subscribe next group filter",
		msg:  &Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{Filter: Some(Filter{Type: FilterNextGroup})}},
		in:   frame("03", "04", liveVideoHex, "01", "21 01 01"),
	},
	{
		name: "subscribe largest object filter",
		msg:  &Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{Filter: Some(Filter{Type: FilterLargestObject})}},
		in:   frame("03", "04", liveVideoHex, "01", "21 01 02"),
	},
	{
		name: "subscribe absolute start filter",
		msg: &Subscribe{RequestID: 4, Track: liveVideo,
			Params: Parameters{Filter: Some(Filter{Type: FilterAbsoluteStart, Start: Location{300, 1}})}},
		in: frame("03", "04", liveVideoHex, "01", "21 04 03 812c 01"),
	},
	{
		name: "subscribe one group filter up to the last",
		msg: &Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{
			Filter: Some(Filter{Type: FilterAbsoluteRange, Start: Location{1<<64 - 1, 0}, EndGroup: 1<<64 - 1})}},
		in: frame("03", "04", liveVideoHex, "01", "21 0c 04 ff ffffffffffffffff 00 00"),
	},
}

// withParameters is a SUBSCRIBE with these parameters, the count first.
func withParameters(params ...string) []byte {
	return frame("03", "00", liveVideoHex, strings.Join(params, ""))
}

var badSubscribes = []badCase{
	{"subscribe empty", frame("03"), SessionProtocolViolation},
	{"subscribe 33 fields", frame("03", "00", "21", strings.Repeat("0161", 33), "00", "00"), SessionProtocolViolation},
	{"subscribe empty field", frame("03", "00", "02 01 61 00 00 00"), SessionProtocolViolation},
	{"subscribe namespace too long", frame("03", "00", "01 9001", letters(4097), "00 00"), SessionProtocolViolation},
	{"subscribe name too long", frame("03", "00", "01 8fa0", letters(4000), "61", letters(97), "00"), SessionProtocolViolation},
	{"subscribe name longer than the payload", frame("03", "00", "01 01 61 05 61"), SessionProtocolViolation},
	{"subscribe trailing byte", withParameters("00 00"), SessionProtocolViolation},
	{"subscribe parameter count too large", withParameters("02 10 01"), SessionProtocolViolation},
	{"subscribe parameter count huge", withParameters("ff ffffffffffffffff 10 01"), SessionProtocolViolation},
	{"subscribe unknown parameter", withParameters("01 01 00"), SessionProtocolViolation},
	{"subscribe parameter zero", withParameters("01 00 00"), SessionProtocolViolation},
	{"subscribe parameter type overflow", withParameters("02 10 01 ff ffffffffffffffff 00"), SessionProtocolViolation},
	{"subscribe repeated forward", withParameters("02 10 01 00 01"), SessionProtocolViolation},
	{"subscribe forward 2", withParameters("01 10 02"), SessionProtocolViolation},
	{"subscribe group order 0", withParameters("01 22 00"), SessionProtocolViolation},
	{"subscribe group order 3", withParameters("01 22 03"), SessionProtocolViolation},
	{"subscribe token alias type unknown", withParameters("01 03 02 04 00"), SessionKeyValueFormattingError},
	{"subscribe token empty", withParameters("01 03 00"), SessionKeyValueFormattingError},
	{"subscribe token cut", withParameters("01 03 02 01 05"), SessionKeyValueFormattingError},
	{"subscribe token with trailing byte", withParameters("01 03 03 00 05 00"), SessionKeyValueFormattingError},
	{"subscribe token too long", withParameters("01 03 c10000"), SessionProtocolViolation},
	{"subscribe with largest object", withParameters("01 09 00 00"), SessionProtocolViolation},
	{"subscribe with expires", withParameters("01 08 00"), SessionProtocolViolation},
	{"subscribe with fill timeout", withParameters("01 0a 00"), SessionProtocolViolation},
	{"subscribe with prefix", withParameters("01 34 00"), SessionProtocolViolation},
}

// badFilters have the form of drafts 18 and 19.
var badFilters = []badCase{
	{"subscribe repeated filter", withParameters("02 21 01 02 00 01 02"), SessionProtocolViolation},
	{"subscribe filter 0", withParameters("01 21 01 00"), SessionProtocolViolation},
	{"subscribe filter 5", withParameters("01 21 01 05"), SessionProtocolViolation},
	{"subscribe filter empty", withParameters("01 21 00"), SessionProtocolViolation},
	{"subscribe filter cut", withParameters("01 21 02 03 00"), SessionProtocolViolation},
	{"subscribe filter with trailing byte", withParameters("01 21 02 02 00"), SessionProtocolViolation},
	{"subscribe filter longer than the payload", withParameters("01 21 05 04 00"), SessionProtocolViolation},
	{"subscribe filter end overflow", withParameters("01 21 0c 04 ff ffffffffffffffff 00 01"), SessionProtocolViolation},
	{"track_status with filter", frame("0d", "03", liveVideoHex, "01 21 01 02"), SessionProtocolViolation},
}

var trackStatusCases = []messageCase{
	{
		name: "track_status",
		msg:  &TrackStatus{RequestID: 3, Track: liveVideo},
		in:   frame("0d", "03", liveVideoHex, "00"),
	},
	{
		name: "track_status with token",
		msg: &TrackStatus{RequestID: 3, Track: liveVideo,
			Params: Parameters{AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}}},
		in: frame("0d", "03", liveVideoHex, "01 03 02 02 01"),
	},
}

var badTrackStatuses = []badCase{
	{"track_status with priority", frame("0d", "03", liveVideoHex, "01 20 80"), SessionProtocolViolation},
	{"track_status trailing byte", frame("0d", "03", liveVideoHex, "00 00"), SessionProtocolViolation},
}

var publishCases = []messageCase{
	{
		name: "publish plain",
		msg:  &Publish{RequestID: 1, Track: liveVideo, TrackAlias: 9},
		in:   frame("1d", "01", liveVideoHex, "09", "00"),
	},
	{
		name: "publish parameters and properties",
		msg: &Publish{
			RequestID: 1, Track: liveVideo, TrackAlias: 1 << 40,
			Params: Parameters{
				AuthTokens:    []Token{{AliasType: TokenUseValue, TokenType: 1, Value: []byte{0xff}}},
				Expires:       Some(60 * time.Second),
				LargestObject: Some(Location{12, 3}),
				Forward:       Some(true),
			},
			TrackProperties: unhex("04 8bb8 0a 40 14 01"),
		},
		in: frame("1d", "01", liveVideoHex, "f90000000000", "04",
			"03 03 03 01 ff", "05 c0ea60", "01 0c 03", "07 01", "04 8bb8 0a 40 14 01"),
	},
	{
		name: "publish properties bytes kept", decodeOnly: true,
		msg: &Publish{Track: liveVideo, TrackProperties: unhex("8004 c00001")},
		in:  frame("1d", "00", liveVideoHex, "00", "8000", "8004 c00001"),
	},
}

var badPublishes = []badCase{
	{"publish with rendezvous", frame("1d", "01", liveVideoHex, "09", "01 04 00"), SessionProtocolViolation},
	{"publish largest object cut", frame("1d", "01", liveVideoHex, "09", "01 09 05"), SessionProtocolViolation},
	{"publish property cut", frame("1d", "01", liveVideoHex, "09", "00", "0b 05 00"), SessionKeyValueFormattingError},
	{"publish property type overflow", frame("1d", "01", liveVideoHex, "09", "00", "02 00 ff ffffffffffffffff"), SessionProtocolViolation},
	{"publish property too long", frame("1d", "01", liveVideoHex, "09", "00", "0b c10000"), SessionProtocolViolation},
}

var requestUpdateCases = []messageCase{
	{
		name: "request_update empty",
		msg:  &RequestUpdate{RequestID: 10},
		in:   frame("02", "0a 00"),
	},
	{
		name: "request_update of a prefix",
		msg:  &RequestUpdate{RequestID: 10, Params: Parameters{TrackNamespacePrefix: Some(Namespace{"live", "a"})}},
		in:   frame("02", "0a 01 34 02 04 6c697665 01 61"),
	},
	{
		name: "request_update to the empty prefix",
		msg:  &RequestUpdate{RequestID: 10, Params: Parameters{TrackNamespacePrefix: Some(Namespace(nil))}},
		in:   frame("02", "0a 01 34 00"),
	},
}

// requestUpdateFilterCases have the form of drafts 18 and 19.
var requestUpdateFilterCases = []messageCase{
	{
		name: "request_update of a subscription",
		msg: &RequestUpdate{RequestID: 10, Params: Parameters{
			ObjectDeliveryTimeout: Some(1 * ms), SubgroupDeliveryTimeout: Some(2 * ms),
			AuthTokens: []Token{{AliasType: TokenUseAlias}}, Forward: Some(true), SubscriberPriority: Some(uint8(1)),
			Filter: Some(Filter{Type: FilterLargestObject}), NewGroupRequest: Some(uint64(128)),
		}},
		in: frame("02", "0a 07 02 01 01 02 02 00 03 02 0a 01 10 01 01 01 02 11 8080"),
	},
}

var badRequestUpdates = []badCase{
	{"request_update with group order", frame("02", "0a 01 22 01"), SessionProtocolViolation},
	{"request_update with rendezvous", frame("02", "0a 01 04 01"), SessionProtocolViolation},
	{"request_update with expires", frame("02", "0a 01 08 01"), SessionProtocolViolation},
	{"request_update with 33 fields", frame("02", "0a 01 34 21", strings.Repeat("0161", 33)), SessionProtocolViolation},
	{"request_update trailing byte", frame("02", "0a 00 00"), SessionProtocolViolation},
}

var fetchCases = []messageCase{
	{
		name: "fetch standalone",
		msg: &Fetch{RequestID: 6, Kind: FetchStandalone, Track: liveVideo, Params: Parameters{
			Filter: Some(Filter{Type: FilterAbsoluteRange, Start: Location{1, 0}, EndGroup: 200})}},
		in: frame("16", "06 01", liveVideoHex, "01 00 80c8 00", "00"),
	},
	{
		name: "fetch relative joining",
		msg: &Fetch{RequestID: 6, Kind: FetchRelativeJoining, JoiningRequestID: 2, JoiningStart: 1,
			Params: Parameters{SubscriberPriority: Some(uint8(0)), GroupOrder: Some(GroupOrderAscending)}},
		in: frame("16", "06 02", "02 01", "02 20 00 02 01"),
	},
	{
		name: "fetch absolute joining",
		msg: &Fetch{RequestID: 6, Kind: FetchAbsoluteJoining, JoiningRequestID: 2, JoiningStart: 300,
			Params: Parameters{FillTimeout: Some(0 * ms), AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}}},
		in: frame("16", "06 03", "02 812c", "02 03 02 02 01 07 00"),
	},
}

var badFetches = []badCase{
	{"fetch type 0", frame("16", "06 00 02 01 00"), SessionProtocolViolation},
	{"fetch type 4", frame("16", "06 04 02 01 00"), SessionProtocolViolation},
	{"fetch with filter", frame("16", "06 02 02 01 01 21 01 02"), SessionProtocolViolation},
	{"fetch with forward", frame("16", "06 02 02 01 01 10 01"), SessionProtocolViolation},
	{"fetch with delivery timeout", frame("16", "06 02 02 01 01 02 01"), SessionProtocolViolation},
	{"fetch trailing byte", frame("16", "06 02 02 01 00 00"), SessionProtocolViolation},
}
