package wire

import "time"

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
		// They stay as the publisher's draft had them (moqt-18 §12.7).
		name: "immutable properties of draft 16", in: unhex("0b 05 06 4064 08 09"),
		pairs: []KeyValue{{Type: PropImmutable, Bytes: unhex("06 4064 08 09")}},
		info:  defaults(func(i *TrackInfo) { i.SubgroupDeliveryTimeout, i.PublisherPriority = 100*ms, 9 }),
	},
	{
		// As vi64 this is a priority of 64, 0x10 with 13 and 0x11 without bytes; in the
		// form of RFC 9000 a priority of 2 and 0x1B with one byte.
		name: "immutable properties that both forms have", in: unhex("0b 06 0e 4002 0d 01 00"),
		pairs: []KeyValue{{Type: PropImmutable, Bytes: unhex("0e 4002 0d 01 00")}},
		info:  defaults(func(i *TrackInfo) { i.PublisherPriority = 64 }),
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
