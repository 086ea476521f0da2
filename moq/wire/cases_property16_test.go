package wire

import "time"

// Extension Headers of draft 16, in its form. The draft has no mandatory range, so
// infos of draft 16 tell what there is in it and sessions do not look.
var propertiesCases16 = []propertiesCase{
	{name: "no properties", info: defaults(nil)},
	{
		name: "track properties",
		in:   unhex("02 41f4 02 4bb8 0a 07 14 02 0e 01"),
		pairs: []KeyValue{
			{Type: PropObjectDeliveryTimeout, Value: 500}, {Type: PropMaxCacheDuration, Value: 3000},
			{Type: PropPublisherPriority, Value: 7}, {Type: PropGroupOrder, Value: 2}, {Type: PropDynamicGroups, Value: 1},
		},
		info: TrackInfo{ObjectDeliveryTimeout: 500 * ms, MaxCacheDuration: 3 * time.Second,
			PublisherPriority: 7, GroupOrder: GroupOrderDescending, DynamicGroups: true},
	},
	{
		name: "object properties", in: unhex("0a 45dc 32 02 02 03"),
		pairs: []KeyValue{{Type: 0x0A, Value: 1500}, {Type: PropPriorGroupGap, Value: 2}, {Type: PropPriorObjectGap, Value: 3}},
		info:  defaults(nil),
	},
	{
		name: "the same in every draft", in: unhex("0d 03 ffff03 02 00"),
		pairs: []KeyValue{{Type: 0x0D, Bytes: []byte{0xff, 0xff, 3}}, {Type: 0x0F}}, info: defaults(nil),
	},
	{
		name: "repeated type", in: unhex("38 4040 00 02"),
		pairs: []KeyValue{{Type: 0x38, Value: 64}, {Type: 0x38, Value: 2}}, info: defaults(nil),
	},
	{
		name: "largest difference of types and value", in: unhex("fffffffffffffffe ffffffffffffffff"),
		pairs: []KeyValue{{Type: 1<<62 - 2, Value: 1<<62 - 1}}, info: defaults(nil),
	},
	{
		// Types have 64 bits, each difference 62 (moqt-16 §1.4.2).
		name: "largest type",
		in:   unhex("ffffffffffffffff 00 ffffffffffffffff 00 ffffffffffffffff 00 ffffffffffffffff 00 03 01 aa"),
		pairs: []KeyValue{
			{Type: 1<<62 - 1}, {Type: 1<<63 - 2}, {Type: 1<<63 + 1<<62 - 3}, {Type: 1<<64 - 4},
			{Type: 1<<64 - 1, Bytes: []byte{0xaa}},
		},
		info: defaults(nil),
	},
	{
		name: "long bytes", in: unhex("07 412c", letters(300)),
		pairs: []KeyValue{{Type: 7, Bytes: unhex(letters(300))}}, info: defaults(nil),
	},
	{
		name: "integers not minimal", in: unhex("4002 80000001"), decodeOnly: true,
		pairs: []KeyValue{{Type: 2, Value: 1}}, info: defaults(func(i *TrackInfo) { i.ObjectDeliveryTimeout = ms }),
	},
	{
		// The bytes stay, and what is not vi64 is read as what it is.
		name: "immutable properties", in: unhex("02 05 09 05 06 4064 08 09"),
		pairs: []KeyValue{{Type: 2, Value: 5}, {Type: PropImmutable, Bytes: unhex("06 4064 08 09")}},
		info: defaults(func(i *TrackInfo) {
			i.ObjectDeliveryTimeout, i.SubgroupDeliveryTimeout, i.PublisherPriority = 5*ms, 100*ms, 9
		}),
	},
	{
		name: "immutable properties of a later draft", in: unhex("0b 03 0e 80ff"),
		pairs: []KeyValue{{Type: PropImmutable, Bytes: unhex("0e 80ff")}},
		info:  defaults(func(i *TrackInfo) { i.PublisherPriority = 255 }),
	},
	{
		name: "immutable properties that both forms have", in: unhex("0b 06 0e 4002 0d 01 00"),
		pairs: []KeyValue{{Type: PropImmutable, Bytes: unhex("0e 4002 0d 01 00")}},
		info:  defaults(func(i *TrackInfo) { i.PublisherPriority = 64 }),
	},
	{
		name: "immutable properties broken inside", in: unhex("0b 02 0d 05"),
		pairs: []KeyValue{{Type: PropImmutable, Bytes: unhex("0d 05")}}, info: defaults(nil),
	},
	{
		name: "publisher priority 256", in: unhex("0e 4100"),
		pairs: []KeyValue{{Type: PropPublisherPriority, Value: 256}}, infoCode: SessionProtocolViolation,
	},
	{
		name: "publisher group order 0", in: unhex("22 00"),
		pairs: []KeyValue{{Type: PropGroupOrder}}, infoCode: SessionProtocolViolation,
	},
	{
		name: "dynamic groups 2", in: unhex("30 02"),
		pairs: []KeyValue{{Type: PropDynamicGroups, Value: 2}}, infoCode: SessionProtocolViolation,
	},
	{
		// moqt-16 §11.0.0.1
		name: "delivery timeout 0", in: unhex("02 00"),
		pairs: []KeyValue{{Type: PropObjectDeliveryTimeout}}, infoCode: SessionProtocolViolation,
	},
}

var badProperties16 = []badCase{
	{"type overflow", unhex("ffffffffffffffff 00 ffffffffffffffff 00 ffffffffffffffff 00 ffffffffffffffff 00 04 00"), SessionProtocolViolation},
	{"bytes too long", unhex("01 80010000"), SessionProtocolViolation},
	{"bytes far too long", unhex("01 ffffffffffffffff"), SessionProtocolViolation},
	{"bytes cut", unhex("01 02 aa"), SessionKeyValueFormattingError},
	{"length missing", unhex("01"), SessionKeyValueFormattingError},
	{"value missing", unhex("02"), SessionKeyValueFormattingError},
	{"value cut", unhex("02 40"), SessionKeyValueFormattingError},
	{"type cut", unhex("02 01 80"), SessionKeyValueFormattingError},
}
