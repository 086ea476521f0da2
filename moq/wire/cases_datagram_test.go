package wire

type datagramCase struct {
	name       string
	value      Datagram
	in         []byte
	decodeOnly bool
}

var datagramCases = []datagramCase{
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
		in: unhex("0b 80c8 f100000000 01 02 3c02 00"),
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
		name: "datagram normal status with properties", decodeOnly: true,
		value: Datagram{TrackAlias: 1, Group: 2, Properties: unhex("3c 00")},
		in:    unhex("2d 01 02 02 3c00 00"),
	},
	{
		name: "datagram id zero written out", decodeOnly: true,
		value: Datagram{TrackAlias: 1, Group: 2, Payload: []byte{7}},
		in:    unhex("8008 8001 c00002 8000 07"),
	},
}

var paddingDatagrams = [][]byte{unhex("f0132b3e29"), unhex("f0132b3e29 0000")}

var badDatagrams = []badCase{
	{"datagram empty", nil, SessionProtocolViolation},
	{"datagram type 0x10", unhex("10 01 02 03 04"), SessionProtocolViolation},
	{"datagram type 0x22", unhex("22 01 02 03 04 00"), SessionProtocolViolation},
	{"datagram type 0x40", unhex("40 01 02 03 04"), SessionProtocolViolation},
	{"datagram type huge", unhex("ff ffffffffffffffff 01 02"), SessionProtocolViolation},
	{"datagram padding stream type", unhex("f0132b3e28"), SessionProtocolViolation},
	{"datagram properties empty", unhex("0d 01 02 00 61"), SessionProtocolViolation},
	{"datagram properties cut", unhex("0d 01 02 05 3c00"), SessionProtocolViolation},
	{"datagram status with properties", unhex("2d 01 02 02 3c00 03"), SessionProtocolViolation},
	{"datagram status 1", unhex("2c 01 02 01"), SessionProtocolViolation},
	{"datagram status with payload", unhex("2c 01 02 03 61"), SessionProtocolViolation},
	{"datagram status missing", unhex("2c 01 02"), SessionProtocolViolation},
}
