package wire

import (
	"strings"
	"time"
)

// varintCase is a vi64; the first ones are the table of moqt-18 §1.4.1.
type varintCase struct {
	in         string
	value      uint64
	decodeOnly bool
}

var varintCases = []varintCase{
	{in: "25", value: 37},
	{in: "8025", value: 37, decodeOnly: true},
	{in: "bbbd", value: 15293},
	{in: "ed7f3e7d", value: 226442877},
	{in: "faa1a0e403d8", value: 2893212287960},
	{in: "fc8998abc66bc0", value: 151288809941952},
	{in: "fefa318fa8e3ca11", value: 70423237261249041},
	{in: "ffffffffffffffffff", value: 18446744073709551615},
	{in: "00", value: 0},
	{in: "7f", value: 127},
	{in: "8080", value: 128},
	{in: "bfff", value: 16383},
	{in: "c04000", value: 16384},
	{in: "dfffff", value: 2097151},
	{in: "e0200000", value: 2097152},
	{in: "efffffff", value: 268435455},
	{in: "f010000000", value: 268435456},
	{in: "f7ffffffff", value: 34359738367},
	{in: "f80800000000", value: 34359738368},
	{in: "fbffffffffff", value: 4398046511103},
	{in: "fc040000000000", value: 4398046511104},
	{in: "fdffffffffffff", value: 562949953421311},
	{in: "fe02000000000000", value: 562949953421312},
	{in: "feffffffffffffff", value: 72057594037927935},
	{in: "ff0100000000000000", value: 72057594037927936},
	{in: "8000", value: 0, decodeOnly: true},
	{in: "c00000", value: 0, decodeOnly: true},
	{in: "ff0000000000000000", value: 0, decodeOnly: true},
	{in: "fe00000000000001", value: 1, decodeOnly: true},
}

// propertiesCase is a block of Key-Value-Pairs. info is what they mean as Track
// Properties; if infoCode is set they are refused as such.
type propertiesCase struct {
	name       string
	in         Properties
	pairs      []KeyValue
	info       TrackInfo
	infoCode   SessionError
	decodeOnly bool
}

// defaults is the TrackInfo of no properties, changed by f.
func defaults(f func(*TrackInfo)) TrackInfo {
	info := TrackInfo{PublisherPriority: 128, GroupOrder: GroupOrderAscending}
	if f != nil {
		f(&info)
	}
	return info
}

var propertiesCases = []propertiesCase{
	{name: "no properties", info: defaults(nil)},
	{
		name: "track properties",
		in:   unhex("02 81f4 02 8bb8 02 80c8 08 07 14 02 0e 01"),
		pairs: []KeyValue{
			{Type: PropObjectDeliveryTimeout, Value: 500}, {Type: PropMaxCacheDuration, Value: 3000},
			{Type: PropSubgroupDeliveryTimeout, Value: 200}, {Type: PropPublisherPriority, Value: 7},
			{Type: PropGroupOrder, Value: 2}, {Type: PropDynamicGroups, Value: 1},
		},
		info: TrackInfo{ObjectDeliveryTimeout: 500 * ms, SubgroupDeliveryTimeout: 200 * ms, MaxCacheDuration: 3 * time.Second,
			PublisherPriority: 7, GroupOrder: GroupOrderDescending, DynamicGroups: true},
	},
	{
		name: "object properties", in: unhex("0a 85dc 32 02 02 03"),
		pairs: []KeyValue{{Type: 0x0A, Value: 1500}, {Type: PropPriorGroupGap, Value: 2}, {Type: PropPriorObjectGap, Value: 3}},
		info:  defaults(nil),
	},
	{
		name: "bytes and empty bytes", in: unhex("0d 03 010203 02 00"),
		pairs: []KeyValue{{Type: 0x0D, Bytes: []byte{1, 2, 3}}, {Type: 0x0F}}, info: defaults(nil),
	},
	{
		name: "repeated type", in: unhex("38 01 00 02"),
		pairs: []KeyValue{{Type: 0x38, Value: 1}, {Type: 0x38, Value: 2}}, info: defaults(nil),
	},
	{
		name: "largest type and value", in: unhex("ff fffffffffffffffe ff ffffffffffffffff 01 01 aa"),
		pairs: []KeyValue{{Type: 1<<64 - 2, Value: 1<<64 - 1}, {Type: 1<<64 - 1, Bytes: []byte{0xaa}}}, info: defaults(nil),
	},
	{
		name: "long bytes", in: unhex("07 812c", letters(300)),
		pairs: []KeyValue{{Type: 7, Bytes: unhex(letters(300))}}, info: defaults(nil),
	},
	{
		name: "integers not minimal", in: unhex("8002 c00001"), decodeOnly: true,
		pairs: []KeyValue{{Type: 2, Value: 1}}, info: defaults(func(i *TrackInfo) { i.ObjectDeliveryTimeout = ms }),
	},
	{
		name: "immutable properties", in: unhex("02 05 09 07 02 06 0c 09 14 02 00"),
		pairs: []KeyValue{
			{Type: 2, Value: 5}, {Type: PropImmutable, Bytes: unhex("02 06 0c 09 14 02 00")},
		},
		info: defaults(func(i *TrackInfo) { i.ObjectDeliveryTimeout = 5 * ms; i.PublisherPriority = 9; i.GroupOrder = 2 }),
	},
	{
		name: "immutable properties broken inside", in: unhex("0b 02 0d 05"),
		pairs: []KeyValue{{Type: PropImmutable, Bytes: unhex("0d 05")}}, info: defaults(nil),
	},
	{
		name: "mandatory property", in: unhex("c04000 01"),
		pairs: []KeyValue{{Type: 0x4000, Value: 1}}, info: defaults(func(i *TrackInfo) { i.UnknownMandatory = 0x4000 }),
	},
	{
		name: "mandatory property inside immutable", in: unhex("0b 04 c07fff 00"),
		pairs: []KeyValue{{Type: PropImmutable, Bytes: unhex("c07fff 00")}},
		info:  defaults(func(i *TrackInfo) { i.UnknownMandatory = 0x7FFF }),
	},
	{
		name: "properties around the mandatory range", in: unhex("bfff 00 c04001 01"),
		pairs: []KeyValue{{Type: 0x3FFF}, {Type: 0x8000, Value: 1}}, info: defaults(nil),
	},
	{
		name: "publisher priority 256", in: unhex("0e 8100"),
		pairs: []KeyValue{{Type: PropPublisherPriority, Value: 256}}, infoCode: SessionProtocolViolation,
	},
	{
		name: "publisher group order 0", in: unhex("22 00"),
		pairs: []KeyValue{{Type: PropGroupOrder}}, infoCode: SessionProtocolViolation,
	},
	{
		name: "publisher group order 257", in: unhex("22 8101"),
		pairs: []KeyValue{{Type: PropGroupOrder, Value: 257}}, infoCode: SessionProtocolViolation,
	},
	{
		name: "dynamic groups 2 inside immutable", in: unhex("0b 02 30 02"),
		pairs: []KeyValue{{Type: PropImmutable, Bytes: unhex("30 02")}}, infoCode: SessionProtocolViolation,
	},
}

var badProperties = []badCase{
	{"type overflow", unhex("02 00 ff ffffffffffffffff"), SessionProtocolViolation},
	{"type overflow by the largest delta", unhex("01 00 ff ffffffffffffffff 00"), SessionProtocolViolation},
	{"bytes too long", unhex("01 c10000"), SessionProtocolViolation},
	{"bytes far too long", unhex("01 ff ffffffffffffffff"), SessionProtocolViolation},
	{"bytes cut", unhex("01 02 aa"), SessionKeyValueFormattingError},
	{"length missing", unhex("01"), SessionKeyValueFormattingError},
	{"value missing", unhex("02"), SessionKeyValueFormattingError},
	{"value cut", unhex("02 80"), SessionKeyValueFormattingError},
	{"type cut", unhex("02 01 c0"), SessionKeyValueFormattingError},
}

// nameCase is a name in print and on the wire.
type nameCase struct {
	name  string
	text  string
	value FullTrackName
	in    []byte
}

var nameCases = []nameCase{
	{
		// moqt-18 §1.5.1
		name: "the draft's example", text: "example.2enet-team2-project_x--report",
		value: FullTrackName{Namespace: Namespace{"example.net", "team2", "project_x"}, Name: "report"},
		in:    unhex("03 0b 6578616d706c652e6e6574 05 7465616d32 09 70726f6a6563745f78 06 7265706f7274"),
	},
	{
		name: "empty name", text: "live--",
		value: FullTrackName{Namespace: Namespace{"live"}}, in: unhex("01 04 6c697665 00"),
	},
	{name: "nothing", text: "--", in: unhex("00 00")},
	{
		name: "no namespace", text: "--a", value: FullTrackName{Name: "a"}, in: unhex("00 01 61"),
	},
	{
		name: "hyphens and periods", text: ".2d.2d-.2e--.2d",
		value: FullTrackName{Namespace: Namespace{"--", "."}, Name: "-"}, in: unhex("02 02 2d2d 01 2e 01 2d"),
	},
	{
		name: "binary", text: ".00.ff-Z9_--.c3.a9.20.7f",
		value: FullTrackName{Namespace: Namespace{"\x00\xff", "Z9_"}, Name: "é \x7f"},
		in:    unhex("02 02 00ff 03 5a395f 04 c3a9207f"),
	},
	{
		name: "32 fields", text: strings.Repeat("a-", 31) + "a--",
		value: FullTrackName{Namespace: strings.Split(strings.Repeat("a", 32), "")},
		in:    unhex("20", strings.Repeat("0161", 32), "00"),
	},
	{
		name: "4096 bytes", text: strings.Repeat("a", 4000) + "--" + strings.Repeat("a", 96),
		value: FullTrackName{Namespace: Namespace{strings.Repeat("a", 4000)}, Name: strings.Repeat("a", 96)},
		in:    unhex("01 8fa0", letters(4000), "60", letters(96)),
	},
}

var badNames = []badCase{
	{"33 fields", unhex("21", strings.Repeat("0161", 33), "00"), SessionProtocolViolation},
	{"count huge", unhex("ff ffffffffffffffff"), SessionProtocolViolation},
	{"empty field", unhex("02 01 61 00 00"), SessionProtocolViolation},
	{"field of 4097 bytes", unhex("01 9001", letters(4097), "00"), SessionProtocolViolation},
	{"field length huge", unhex("01 ff ffffffffffffffff"), SessionProtocolViolation},
	{"two fields of 4097 bytes", unhex("02 8800", letters(2048), "8801"), SessionProtocolViolation},
	{"name of 4097 bytes", unhex("00 9001", letters(4097)), SessionProtocolViolation},
	{"together 4097 bytes", unhex("01 8fa0", letters(4000), "61"), SessionProtocolViolation},
}

// badNameTexts must not parse as full track names (moqt-18 §1.5.1).
var badNameTexts = []string{
	"", "a", "a-b", // no track name
	"a--b--c", "a---b", "-a--b", "a---", // misplaced hyphens
	"a--.2E", ".FF--a", // upper case hex
	"a--.61", ".5f--a", // must be literal
	"a--.", "a--.2", ".2--a", "a--.zz", // not two digits
	"a b--c", "a--b/c", "é--a", "a.--b", // must be hex
	strings.Repeat("a-", 32) + "a--b", strings.Repeat("a", 4096) + "--b", // beyond the limits
}
