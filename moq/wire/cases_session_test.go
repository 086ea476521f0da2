package wire

import (
	"strings"
	"time"
)

// messageCase is a message and its golden frame. A decodeOnly frame is legal but
// not the one we write.
type messageCase struct {
	name       string
	msg        Message
	in         []byte
	decodeOnly bool
}

var setupCases = []messageCase{
	{name: "setup empty", msg: &Setup{}, in: frame("af00")},
	{
		name: "setup all options",
		msg: &Setup{
			Path: Some("/live?room=%31"), Authority: Some("relay.example:4433"), Implementation: Some("moqedge/2"),
			MaxAuthTokenCacheSize: Some(uint64(4096)),
			AuthTokens: []Token{
				{AliasType: TokenRegister, Alias: 1, TokenType: 0x9D, Value: []byte("abc")},
				{AliasType: TokenUseValue, Value: []byte("xyz")},
			},
		},
		in: frame("af00",
			"01 0e 2f6c6976653f726f6f6d3d253331",
			"02 07 01 01 809d 616263",
			"00 05 03 00 78797a",
			"01 9000",
			"01 12 72656c61792e6578616d706c653a34343333",
			"02 09 6d6f71656467652f32"),
	},
	{
		name: "setup unknown and repeated options",
		msg: &Setup{Unknown: []KeyValue{
			{Type: 2, Value: 100}, {Type: 2, Value: 7}, {Type: 0x9D, Bytes: []byte{1, 2}}, {Type: 0x9D},
			{Type: 1<<64 - 2, Value: 1<<64 - 1},
		}},
		in: frame("af00", "02 64 00 07 809b 02 0102 00 00 ff ffffffffffffff61 ff ffffffffffffffff"),
	},
	{
		name: "setup empty path and value",
		msg:  &Setup{Path: Some(""), Implementation: Some(""), MaxAuthTokenCacheSize: Some(uint64(0))},
		in:   frame("af00", "01 00 03 00 03 00"),
	},
	{
		name: "setup type and integers not minimal", decodeOnly: true,
		msg: &Setup{MaxAuthTokenCacheSize: Some(uint64(37))},
		in:  frame("e0002f00", "8004 8025"),
	},
}

var badSetups = []badCase{
	{"setup path repeated", frame("af00", "01 01 2f 00 01 2f"), SessionProtocolViolation},
	{"setup authority repeated", frame("af00", "05 01 61 00 01 61"), SessionProtocolViolation},
	{"setup implementation repeated", frame("af00", "07 00 00 00"), SessionProtocolViolation},
	{"setup cache size repeated", frame("af00", "04 01 00 01"), SessionProtocolViolation},
	{"setup type overflow", frame("af00", "ff ffffffffffffffff 00 01"), SessionProtocolViolation},
	{"setup value too long", frame("af00", "07 c10000"), SessionProtocolViolation},
	{"setup value cut", frame("af00", "07 05 6162"), SessionKeyValueFormattingError},
	{"setup integer cut", frame("af00", "04 c0"), SessionKeyValueFormattingError},
	{"setup option without value", frame("af00", "04"), SessionKeyValueFormattingError},
	{"setup token alias type unknown", frame("af00", "03 02 04 00"), SessionKeyValueFormattingError},
	{"setup token empty", frame("af00", "03 00"), SessionKeyValueFormattingError},
	{"setup token cut", frame("af00", "03 02 01 01"), SessionKeyValueFormattingError},
	{"setup token with trailing bytes", frame("af00", "03 03 02 01 00"), SessionKeyValueFormattingError},
	{"setup path relative", frame("af00", "01 01 61"), SessionMalformedPath},
	{"setup path with space", frame("af00", "01 03 2f2061"), SessionMalformedPath},
	{"setup path with fragment", frame("af00", "01 03 2f2361"), SessionMalformedPath},
	{"setup path with bad percent", frame("af00", "01 04 2f25347a"), SessionMalformedPath},
	{"setup path not ascii, long", frame("af00", "01 8101 2f", strings.Repeat("c3a9", 128)), SessionMalformedPath},
	{"setup path with half a percent", frame("af00", "01 03 2f2534"), SessionMalformedPath},
	{"setup path not ascii", frame("af00", "01 03 2fc3a9"), SessionMalformedPath},
	{"setup authority empty", frame("af00", "05 00"), SessionMalformedAuthority},
	{"setup authority without host", frame("af00", "05 03 3a3830"), SessionMalformedAuthority},
	{"setup authority with path", frame("af00", "05 03 612f62"), SessionMalformedAuthority},
	{"setup authority with bad port", frame("af00", "05 03 613a62"), SessionMalformedAuthority},
	{"setup authority with open bracket", frame("af00", "05 04 5b3a3a31"), SessionMalformedAuthority},
}

var goawayCases = []messageCase{
	{
		name: "goaway on a request stream",
		msg:  &Goaway{},
		in:   frame("10", "00 00"),
	},
	{
		name: "goaway longest uri",
		msg:  &Goaway{URI: strings.Repeat("a", MaxGoawayURI), Timeout: time.Millisecond},
		in:   frame("10", "a000", letters(MaxGoawayURI), "01"),
	},
}

// goawayIDCases are of draft 18.
var goawayIDCases = []messageCase{
	{
		name: "goaway on the control stream",
		msg:  &Goaway{URI: "moqt://b.example/", Timeout: 5 * time.Second, RequestID: Some(uint64(6))},
		in:   frame("10", "11 6d6f71743a2f2f622e6578616d706c652f 9388 06"),
	},
	{
		name: "goaway request id zero",
		msg:  &Goaway{RequestID: Some(uint64(0))},
		in:   frame("10", "00 00 00"),
	},
}

var badGoaways = []badCase{
	{"goaway empty", frame("10"), SessionProtocolViolation},
	{"goaway uri too long", frame("10", "a001", letters(MaxGoawayURI+1), "00"), SessionProtocolViolation},
	{"goaway without timeout", frame("10", "00"), SessionProtocolViolation},
	{"goaway trailing byte", frame("10", "00 00 00 00"), SessionProtocolViolation},
}

var badFrames = []badCase{
	{"unknown type", unhex("01 0000"), SessionProtocolViolation},
	{"unknown type, length not read", unhex("3f"), SessionProtocolViolation},
	{"publish_ok of old", frame("1e", "00"), SessionProtocolViolation},
	{"subscribe_namespace of old", frame("11", "00 00 00"), SessionProtocolViolation},
	{"client_setup of old", frame("20", "00"), SessionProtocolViolation},
	{"server_setup of old", frame("21", "00"), SessionProtocolViolation},
	{"requests_blocked of old", frame("1a", "0a"), SessionProtocolViolation},
	{"unsubscribe of old", frame("0a", "0a"), SessionProtocolViolation},
	{"fetch_cancel of old", frame("17", "0a"), SessionProtocolViolation},
	{"publish_namespace_done of old", frame("09", "0a"), SessionProtocolViolation},
	{"publish_namespace_cancel of old", frame("0c", "0a 00 00"), SessionProtocolViolation},
	{"max_request_id of old", frame("15", "0a"), SessionProtocolViolation},
}
