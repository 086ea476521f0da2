package wire

// Datagrams of draft 16: integers of RFC 9000, no padding.
var datagramCases16 = []datagramCase{
	{
		name:  "datagram everything given",
		value: Datagram{TrackAlias: 1, Group: 2, ID: 3, Priority: Some(uint8(4)), Payload: []byte("hi")},
		in:    unhex("00 01 02 03 04 6869"),
	},
	{
		name:  "datagram everything implied",
		value: Datagram{TrackAlias: 1, Group: 2},
		in:    unhex("0c 01 02"),
	},
	{
		name: "datagram properties and end of group",
		value: Datagram{TrackAlias: 200, Group: 1 << 32, ID: 1, EndOfGroup: true, Properties: unhex("3c 02"),
			Payload: []byte{0}},
		in: unhex("0b 40c8 c000000100000000 01 02 3c02 00"),
	},
	{
		name:  "datagram end of group status",
		value: Datagram{TrackAlias: 1, Group: 2, ID: 3, Priority: Some(uint8(0)), Status: ObjectEndOfGroup},
		in:    unhex("20 01 02 03 00 03"),
	},
	{
		name:  "datagram end of track status",
		value: Datagram{TrackAlias: 1, Group: 2, Status: ObjectEndOfTrack},
		in:    unhex("2c 01 02 04"),
	},
	{
		name:  "datagram end of group, empty payload",
		value: Datagram{TrackAlias: 1, Group: 2, EndOfGroup: true, Properties: unhex("3e 00")},
		in:    unhex("0f 01 02 02 3e00"),
	},
	{
		name:  "datagram properties in another form",
		value: Datagram{TrackAlias: 1, Group: 2, Properties: unhex("3e 7f 03 02 ffff"), Payload: []byte{9}},
		in:    unhex("0d 01 02 07 3e407f 03 02 ffff 09"),
	},
	{
		name:  "datagram largest ids",
		value: Datagram{TrackAlias: 1<<62 - 1, Group: 1<<62 - 1, ID: 1<<62 - 1, Payload: []byte{9}},
		in:    unhex("08 ffffffffffffffff ffffffffffffffff ffffffffffffffff 09"),
	},
	{
		name: "datagram normal status with properties", decodeOnly: true,
		value: Datagram{TrackAlias: 1, Group: 2, Properties: unhex("3c 00")},
		in:    unhex("2d 01 02 02 3c00 00"),
	},
	{
		name: "datagram id zero written out", decodeOnly: true,
		value: Datagram{TrackAlias: 1, Group: 2, Payload: []byte{7}},
		in:    unhex("4008 4001 80000002 4000 07"),
	},
}

var badDatagrams16 = []badCase{
	{"datagram empty", nil, SessionProtocolViolation},
	{"datagram padding", unhex("932b3e29 0000"), SessionProtocolViolation},
	{"datagram type 0x10", unhex("10 01 02 03 04"), SessionProtocolViolation},
	{"datagram type 0x22", unhex("22 01 02 03 04 00"), SessionProtocolViolation},
	{"datagram type 0x40", unhex("4040 01 02 03 04"), SessionProtocolViolation},
	{"datagram type huge", unhex("ffffffffffffffff 01 02"), SessionProtocolViolation},
	{"datagram properties empty", unhex("0d 01 02 00 61"), SessionProtocolViolation},
	{"datagram properties cut", unhex("0d 01 02 05 3c00"), SessionProtocolViolation},
	{"datagram properties broken", unhex("0d 01 02 01 3c 61"), SessionKeyValueFormattingError},
	{"datagram status with properties", unhex("2d 01 02 02 3c00 03"), SessionProtocolViolation},
	{"datagram status 1", unhex("2c 01 02 01"), SessionProtocolViolation},
	{"datagram status with payload", unhex("2c 01 02 03 61"), SessionProtocolViolation},
	{"datagram status missing", unhex("2c 01 02"), SessionProtocolViolation},
}
