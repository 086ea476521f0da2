package wire

import (
	"math"
	"strings"
	"time"
)

// The control messages of draft 16, with integers of RFC 9000.

var sessionCases16 = []messageCase{
	{name: "client_setup empty", msg: &Setup{}, in: frame("20", "00")},
	{name: "server_setup empty", msg: &Setup{Server: true}, in: frame("21", "00")},
	{
		name: "client_setup all options",
		msg: &Setup{
			Path: Some("/live"), Authority: Some("relay.example:4433"), Implementation: Some("moqedge/2"),
			MaxAuthTokenCacheSize: Some(uint64(4096)), MaxRequestID: Some(uint64(100)),
			AuthTokens: []Token{
				{AliasType: TokenRegister, Alias: 1, TokenType: 0x9D, Value: []byte("abc")},
				{AliasType: TokenUseValue, Value: []byte("xyz")},
			},
		},
		in: frame("20", "07", "01 05 2f6c697665", "01 4064", "01 07 01 01 409d 616263", "00 05 03 00 78797a",
			"01 5000", "01 12 72656c61792e6578616d706c653a34343333", "02 09 6d6f71656467652f32"),
	},
	{
		name: "server_setup unknown and repeated options",
		msg: &Setup{Server: true, MaxRequestID: Some(uint64(0)), Unknown: []KeyValue{
			{Type: 6, Value: 5}, {Type: 8, Value: 7}, {Type: 8}, {Type: 0x9D, Bytes: []byte{1, 2}},
			{Type: 1<<62 - 2, Value: 1<<62 - 1},
		}},
		in: frame("21", "06", "02 00", "04 05", "02 07", "00 00", "4095 02 0102", "ffffffffffffff61 ffffffffffffffff"),
	},
	{
		name: "client_setup integers not minimal", decodeOnly: true,
		msg: &Setup{MaxRequestID: Some(uint64(37))}, in: frame("4020", "4001", "80000002 c000000000000025"),
	},
	{name: "goaway", msg: &Goaway{URI: "moqt://b"}, in: frame("10", "08 6d6f71743a2f2f62")},
	{name: "goaway no uri", msg: &Goaway{}, in: frame("10", "00")},
	{name: "goaway longest uri", msg: &Goaway{URI: strings.Repeat("a", MaxGoawayURI)}, in: frame("10", "6000", letters(MaxGoawayURI))},
	{name: "max_request_id", msg: &MaxRequestID{RequestID: 200}, in: frame("15", "40c8")},
	{name: "requests_blocked", msg: &RequestsBlocked{MaxRequestID: 200}, in: frame("1a", "40c8")},
}

var subscribeCases16 = []messageCase{
	{name: "subscribe plain", msg: &Subscribe{RequestID: 0, Track: liveVideo}, in: frame("03", "00", liveVideoHex, "00")},
	{
		name: "subscribe all parameters",
		msg: &Subscribe{RequestID: 2, Track: FullTrackName{Namespace: Namespace{"a", "\x00\xff"}}, Params: Parameters{
			ObjectDeliveryTimeout: Some(1500 * ms),
			AuthTokens:            []Token{{AliasType: TokenUseValue, Value: []byte("tok")}, {AliasType: TokenUseAlias, Alias: 70}},
			Forward:               Some(false),
			SubscriberPriority:    Some(uint8(200)),
			Filter:                Some(Filter{Type: FilterAbsoluteRange, Start: Location{5, 0}, EndGroup: 9}),
			GroupOrder:            Some(GroupOrderDescending),
			NewGroupRequest:       Some(uint64(0)),
		}},
		in: frame("03", "02", "02 01 61 02 00ff 00", "08", "02 45dc", "01 05 03 00 746f6b", "00 03 02 4046",
			"0d 00", "10 40c8", "01 04 04 05 00 09", "01 02", "10 00"),
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
		in: frame("03", "04", liveVideoHex, "01", "21 04 03 412c 01"),
	},
	{
		name: "subscribe one group filter",
		msg: &Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{
			Filter: Some(Filter{Type: FilterAbsoluteRange, Start: Location{1<<62 - 1, 0}, EndGroup: 1<<62 - 1})}},
		in: frame("03", "04", liveVideoHex, "01", "21 12 04 ffffffffffffffff 00 ffffffffffffffff"),
	},
	{
		name: "subscribe longest name",
		msg:  &Subscribe{Track: FullTrackName{Namespace: Namespace{strings.Repeat("a", 4000)}, Name: strings.Repeat("a", 96)}},
		in:   frame("03", "00", "01 4fa0", letters(4000), "4060", letters(96), "00"),
	},
	{
		name: "subscribe misplaced parameters ignored", decodeOnly: true,
		msg: &Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{Forward: Some(true)}},
		in:  frame("03", "04", liveVideoHex, "03", "08 4fff", "01 03 ffffff", "07 01"),
	},
	{
		// moqt-16 §9.2.2.4 forbids it, Shaka Player 5.2.12 sends it: left out.
		name: "subscribe group order 0", decodeOnly: true,
		msg: &Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{Forward: Some(true), NewGroupRequest: Some(uint64(5))}},
		in:  frame("03", "04", liveVideoHex, "03", "10 01", "12 00", "10 05"),
	},
	{
		name: "subscribe group order 0 not minimal", decodeOnly: true,
		msg: &Subscribe{RequestID: 4, Track: liveVideo},
		in:  frame("03", "04", liveVideoHex, "01", "22 4000"),
	},
	{
		name: "subscribe integers not minimal", decodeOnly: true,
		msg: &Subscribe{RequestID: 37, Track: liveVideo, Params: Parameters{Forward: Some(true), SubscriberPriority: Some(uint8(5))}},
		in:  frame("4003", "4025", liveVideoHex, "80000002", "4010 c000000000000001", "10 4005"),
	},
}

var requestCases16 = []messageCase{
	{name: "unsubscribe", msg: &Unsubscribe{RequestID: 64}, in: frame("0a", "4040")},
	{name: "fetch_cancel", msg: &FetchCancel{RequestID: 4}, in: frame("17", "04")},
	{name: "track_status", msg: &TrackStatus{RequestID: 3, Track: liveVideo}, in: frame("0d", "03", liveVideoHex, "00")},
	{
		name: "publish",
		msg: &Publish{RequestID: 1, Track: liveVideo, TrackAlias: 1 << 40, Params: Parameters{
			AuthTokens: []Token{{AliasType: TokenUseValue, TokenType: 1, Value: []byte{0xff}}},
			Expires:    Some(60 * time.Second), LargestObject: Some(Location{12, 300}), Forward: Some(true)},
			TrackProperties: unhex("02 81f4 3c 40")},
		in: frame("1d", "01", liveVideoHex, "c000010000000000", "04",
			"03 03 03 01 ff", "05 8000ea60", "01 03 0c 412c", "07 01", "02 41f4 3c 4040"),
	},
	{name: "publish plain", msg: &Publish{Track: liveVideo}, in: frame("1d", "00", liveVideoHex, "00 00")},
	{
		name: "publish_ok",
		msg: &PublishOK{RequestID: 1, Params: Parameters{
			ObjectDeliveryTimeout: Some(1 * ms), Expires: Some(3 * ms), Forward: Some(true), SubscriberPriority: Some(uint8(127)),
			Filter: Some(Filter{Type: FilterNextGroup}), GroupOrder: Some(GroupOrderAscending), NewGroupRequest: Some(uint64(5))}},
		in: frame("1e", "01 07 02 01 06 03 08 01 10 407f 01 01 01 01 01 10 05"),
	},
	{
		name: "request_update",
		msg: &RequestUpdate{RequestID: 10, ExistingID: 2, Params: Parameters{
			ObjectDeliveryTimeout: Some(1 * ms), AuthTokens: []Token{{AliasType: TokenUseAlias}}, Forward: Some(true),
			SubscriberPriority: Some(uint8(1)), Filter: Some(Filter{Type: FilterLargestObject}), NewGroupRequest: Some(uint64(128))}},
		in: frame("02", "0a 02 06 02 01 01 02 02 00 0d 01 10 01 01 01 02 11 4080"),
	},
	{name: "request_update empty", msg: &RequestUpdate{RequestID: 10, ExistingID: 2}, in: frame("02", "0a 02 00")},
	{
		name: "fetch standalone",
		msg: &Fetch{RequestID: 6, Kind: FetchStandalone, Track: liveVideo, Params: Parameters{
			Filter: Some(Filter{Type: FilterAbsoluteRange, Start: Location{1, 0}, EndGroup: 200})}},
		in: frame("16", "06 01", liveVideoHex, "01 00 40c8 00", "00"),
	},
	{
		name: "fetch standalone to an object",
		msg: &Fetch{RequestID: 6, Kind: FetchStandalone, Track: liveVideo, Params: Parameters{
			AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}, SubscriberPriority: Some(uint8(0)), GroupOrder: Some(GroupOrderAscending),
			Filter: Some(Filter{Type: FilterAbsoluteRange, Start: Location{1, 2}, EndGroup: 1, EndObject: Some(uint64(63))})}},
		in: frame("16", "06 01", liveVideoHex, "01 02 01 4040", "03 03 02 02 01 1d 00 02 01"),
	},
	{
		name: "fetch relative joining",
		msg:  &Fetch{RequestID: 6, Kind: FetchRelativeJoining, JoiningRequestID: 2, JoiningStart: 1},
		in:   frame("16", "06 02", "02 01", "00"),
	},
	{
		name: "fetch absolute joining",
		msg:  &Fetch{RequestID: 6, Kind: FetchAbsoluteJoining, JoiningRequestID: 2, JoiningStart: 300},
		in:   frame("16", "06 03", "02 412c", "00"),
	},
}

var responseCases16 = []messageCase{
	{name: "subscribe_ok", msg: &SubscribeOK{RequestID: 2, TrackAlias: 4}, in: frame("04", "02 04 00")},
	{
		name: "subscribe_ok largest object after its length",
		msg: &SubscribeOK{RequestID: 2, TrackAlias: 4, Params: Parameters{Expires: Some(0 * ms), LargestObject: Some(Location{7, 130})},
			TrackProperties: unhex("0e 40 14 01")},
		in: frame("04", "02 04 02 08 00 01 03 07 4082", "0e 4040 14 01"),
	},
	{name: "fetch_ok", msg: &FetchOK{RequestID: 6, End: Location{9, math.MaxUint64}}, in: frame("18", "06 00 09 00 00")},
	{
		name: "fetch_ok end of track",
		msg:  &FetchOK{RequestID: 6, EndOfTrack: true, End: Location{1000, 63}, TrackProperties: unhex("30 01")},
		in:   frame("18", "06 01 43e8 4040 00 30 01"),
	},
	{name: "request_ok", msg: &RequestOK{RequestID: 64}, in: frame("07", "4040 00")},
	{
		name: "request_ok for track_status",
		msg:  &RequestOK{RequestID: 4, Params: Parameters{Expires: Some(1 * ms), LargestObject: Some(Location{1, 2})}},
		in:   frame("07", "04 02 08 01 01 02 01 02"),
	},
	{
		name: "request_error", msg: &RequestErr{RequestID: 2, Code: RequestDoesNotExist, RetryInterval: Some(time.Second), Reason: "é"},
		in: frame("05", "02 10 43e9 02 c3a9"),
	},
	{
		name: "request_error of a later draft", msg: &RequestErr{RequestID: 2, Code: RequestInternalError}, decodeOnly: true,
		in: frame("05", "02 06 00 00"),
	},
	{name: "request_error unknown code", msg: &RequestErr{RequestID: 2, Code: 0x9D}, in: frame("05", "02 409d 00 00")},
	{
		name: "publish_done expired", msg: &PublishDone{RequestID: 2, Code: DoneExpired, StreamCount: 3, Reason: "bye"},
		in: frame("0b", "02 05 03 03 627965"),
	},
	{
		name: "publish_done too far behind", msg: &PublishDone{RequestID: 2, Code: DoneTooFarBehind, StreamCount: UnknownStreamCount},
		in: frame("0b", "02 06 ffffffffffffffff 00"),
	},
	{
		name: "publish_done code of a later draft", msg: &PublishDone{RequestID: 2, Code: DoneInternalError}, decodeOnly: true,
		in: frame("0b", "02 09 00 00"),
	},
}

var namespaceCases16 = []messageCase{
	{
		name: "publish_namespace",
		msg: &PublishNamespace{RequestID: 5, Namespace: Namespace{"live", "cam1"},
			Params: Parameters{AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}}},
		in: frame("06", "05 02 04 6c697665 04 63616d31 01 03 02 02 01"),
	},
	{name: "publish_namespace_done", msg: &PublishNamespaceDone{RequestID: 5}, in: frame("09", "05")},
	{
		name: "publish_namespace_cancel", msg: &PublishNamespaceCancel{RequestID: 5, Code: RequestUninterested, Reason: "no"},
		in: frame("0c", "05 20 02 6e6f"),
	},
	{
		name: "subscribe_namespace for namespaces", msg: &SubscribeNamespace{RequestID: 8, Prefix: Namespace{"live"}},
		in: frame("11", "08 01 04 6c697665 01 00"),
	},
	{
		name: "subscribe_namespace for tracks",
		msg:  &SubscribeNamespace{RequestID: 8, Interest: InterestTracks, Params: Parameters{Forward: Some(false)}},
		in:   frame("11", "08 00 00 01 10 00"),
	},
	{
		name: "subscribe_namespace for both", msg: &SubscribeNamespace{RequestID: 8, Interest: InterestBoth,
			Params: Parameters{AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}}},
		in: frame("11", "08 00 02 01 03 02 02 01"),
	},
	{name: "namespace without suffix", msg: &NamespaceMsg{}, in: frame("08", "00")},
	{name: "namespace_done without suffix", msg: &NamespaceDone{}, in: frame("0e", "00")},
	{name: "namespace", msg: &NamespaceMsg{Suffix: Namespace{"cam1"}}, in: frame("08", "01 04 63616d31")},
	{name: "namespace_done", msg: &NamespaceDone{Suffix: Namespace{"cam1"}}, in: frame("0e", "01 04 63616d31")},
}

var badMessages16 = []badCase{
	{"unknown type", unhex("01 0000"), SessionProtocolViolation},
	{"setup of later", frame("6f00"), SessionProtocolViolation},
	{"subscribe_namespace of later", frame("4050", "08 00 00"), SessionProtocolViolation},
	{"subscribe_tracks of later", frame("4051", "08 00 00"), SessionProtocolViolation},
	{"publish_blocked of later", frame("0f", "00 00"), SessionProtocolViolation},
	{"publish_state_notify of later", frame("22", "00"), SessionProtocolViolation},
	{"client_setup of the first drafts", frame("4040", "00"), SessionProtocolViolation},
	{"client_setup without count", frame("20"), SessionProtocolViolation},
	{"client_setup count too large", frame("20", "02 02 05"), SessionProtocolViolation},
	{"client_setup count too small", frame("20", "01 02 05 02 05"), SessionProtocolViolation},
	{"client_setup count huge", frame("20", "ffffffffffffffff 02 05"), SessionProtocolViolation},
	{"server_setup max_request_id repeated", frame("21", "02 02 05 00 05"), SessionProtocolViolation},
	{"server_setup value cut", frame("21", "01 02 40"), SessionKeyValueFormattingError},
	{"client_setup path relative", frame("20", "01 01 01 61"), SessionMalformedPath},
	{"client_setup authority empty", frame("20", "01 05 00"), SessionMalformedAuthority},
	{"client_setup token alias type unknown", frame("20", "01 03 02 04 00"), SessionKeyValueFormattingError},
	{"client_setup value too long", frame("20", "01 07 80010000"), SessionProtocolViolation},
	{"goaway uri too long", frame("10", "6001", letters(MaxGoawayURI+1)), SessionProtocolViolation},
	{"goaway with timeout", frame("10", "00 00"), SessionProtocolViolation},
	{"max_request_id empty", frame("15"), SessionProtocolViolation},
	{"max_request_id trailing byte", frame("15", "01 00"), SessionProtocolViolation},
	{"requests_blocked empty", frame("1a"), SessionProtocolViolation},
	{"unsubscribe cut", frame("0a", "40"), SessionProtocolViolation},
	{"fetch_cancel trailing byte", frame("17", "01 00"), SessionProtocolViolation},
	{"subscribe unknown parameter", withParameters("01 01 00"), SessionProtocolViolation},
	{"subscribe parameter of later", withParameters("01 04 05"), SessionProtocolViolation},
	{"subscribe delivery timeout 0", withParameters("01 02 00"), SessionProtocolViolation},
	{"subscribe forward 2", withParameters("01 10 02"), SessionProtocolViolation},
	{"subscribe priority 256", withParameters("01 20 4100"), SessionProtocolViolation},
	{"subscribe repeated group order 0", withParameters("02 22 00 00 00"), SessionProtocolViolation},
	{"subscribe group order 0 before 1", withParameters("02 22 00 00 01"), SessionProtocolViolation},
	{"subscribe group order cut", withParameters("01 22 40"), SessionProtocolViolation},
	{"subscribe group order 3", withParameters("01 22 03"), SessionProtocolViolation},
	{"subscribe repeated forward", withParameters("02 10 01 00 01"), SessionProtocolViolation},
	{"subscribe parameter count too large", withParameters("02 10 01"), SessionProtocolViolation},
	{"subscribe parameter count huge", withParameters("ffffffffffffffff 10 01"), SessionProtocolViolation},
	{"subscribe filter 0", withParameters("01 21 01 00"), SessionProtocolViolation},
	{"subscribe filter 5", withParameters("01 21 01 05"), SessionProtocolViolation},
	{"subscribe filter empty", withParameters("01 21 00"), SessionProtocolViolation},
	{"subscribe filter cut", withParameters("01 21 02 03 00"), SessionProtocolViolation},
	{"subscribe filter with trailing byte", withParameters("01 21 02 02 00"), SessionProtocolViolation},
	{"subscribe filter backwards", withParameters("01 21 04 04 05 00 04"), SessionProtocolViolation},
	{"subscribe token empty", withParameters("01 03 00"), SessionKeyValueFormattingError},
	{"subscribe misplaced parameter too long", withParameters("01 09 80010000"), SessionProtocolViolation},
	{"subscribe trailing byte", withParameters("00 00"), SessionProtocolViolation},
	{"subscribe empty field", frame("03", "00", "02 01 61 00 00 00"), SessionProtocolViolation},
	{"subscribe name too long", frame("03", "00", "01 01 61 5000", letters(4096), "00"), SessionProtocolViolation},
	{"subscribe no namespace", frame("03", "00", "00 01 61", "00"), SessionProtocolViolation},
	{"track_status no namespace", frame("0d", "00", "00 01 61", "00"), SessionProtocolViolation},
	{"publish no namespace", frame("1d", "01", "00 01 61", "09 00"), SessionProtocolViolation},
	{"fetch no namespace", frame("16", "06 01", "00 01 61", "01 00 05 00", "00"), SessionProtocolViolation},
	{"publish_namespace no fields", frame("06", "05 00 00"), SessionProtocolViolation},
	{"subscribe_ok largest object too short", frame("04", "02 04 01 09 01 05"), SessionKeyValueFormattingError},
	{"subscribe_ok largest object too long", frame("04", "02 04 01 09 03 05 06 07"), SessionKeyValueFormattingError},
	{"subscribe_ok without alias", frame("04", "02"), SessionProtocolViolation},
	{"publish property cut", frame("1d", "01", liveVideoHex, "09 00 0b 05 00"), SessionKeyValueFormattingError},
	{"publish delivery timeout property 0", frame("1d", "01", liveVideoHex, "09 00 02 00"), SessionProtocolViolation},
	{"publish_ok trailing byte", frame("1e", "01 00 00"), SessionProtocolViolation},
	{"request_update without existing id", frame("02", "0a 00"), SessionProtocolViolation},
	{"fetch type 0", frame("16", "06 00 02 01 00"), SessionProtocolViolation},
	{"fetch type 4", frame("16", "06 04 02 01 00"), SessionProtocolViolation},
	{"fetch_ok end of track 2", frame("18", "06 02 09 00 00"), SessionProtocolViolation},
	{"request_ok with properties", frame("07", "04 00 02 05"), SessionProtocolViolation},
	{"request_error reason too long", frame("05", "02 00 00 4401", letters(MaxReasonPhrase+1)), SessionProtocolViolation},
	{"request_error with a redirect", frame("05", "02 34 00 00 00 00 00"), SessionProtocolViolation},
	{"publish_done reason too long", frame("0b", "02 02 03 4401", letters(MaxReasonPhrase+1)), SessionProtocolViolation},
	{"publish_namespace_cancel cut", frame("0c", "05 20"), SessionProtocolViolation},
	{"publish_namespace_done empty", frame("09"), SessionProtocolViolation},
	{"subscribe_namespace option 3", frame("11", "08 00 03 00"), SessionProtocolViolation},
	{"subscribe_namespace without option", frame("11", "08 00"), SessionProtocolViolation},
	{"namespace 33 fields", frame("08", "21", strings.Repeat("0161", 33)), SessionProtocolViolation},
	{"namespace_done trailing byte", frame("0e", "00 00"), SessionProtocolViolation},
}
