package wire

// Subgroup streams of draft 16: integers of RFC 9000, no FIRST_OBJECT.
var subgroupCases16 = []subgroupCase{
	{
		// moqt-16 §10.5, first example; the payload length of a full header.
		name: "subgroup of the draft's first example",
		value: subgroupStream{
			Header:  SubgroupHeader{TrackAlias: 2, Mode: SubgroupExplicit, Priority: Some(uint8(0))},
			Objects: []streamObject{{ID: 0, Payload: []byte("abcd")}, {ID: 1, Payload: []byte("efgh")}},
		},
		in: unhex("14 02 00 00 00", "00 04 61626364", "00 04 65666768"),
	},
	{
		// moqt-16 §10.5, second example; the lengths are those of what is printed.
		name: "subgroup of the draft's second example",
		value: subgroupStream{
			Header: SubgroupHeader{TrackAlias: 2, Mode: SubgroupExplicit, HasProperties: true},
			Objects: []streamObject{
				{ID: 0, Properties: unhex("04 f0 8257dcd3 49 0e 74726163 6549443a 31323334 3536"), Payload: []byte("abcd")},
				{ID: 1, Payload: []byte("efgh")},
			},
		},
		in: unhex("35 02 00 00",
			"00 1a 04 c0000000 8257dcd3 4049 0e 74726163 6549443a 31323334 3536 04 61626364",
			"00 00 04 65666768"),
	},
	{
		name:  "subgroup header alone, everything implied",
		value: subgroupStream{Header: SubgroupHeader{TrackAlias: 300, Group: 1 << 20}},
		in:    unhex("30 412c 80100000"),
	},
	{
		name: "subgroup named by its first object",
		value: subgroupStream{
			Header:  SubgroupHeader{TrackAlias: 1, Group: 5, Mode: SubgroupFirstObject, Priority: Some(uint8(255)), EndOfGroup: true},
			Objects: []streamObject{{ID: 10, Payload: []byte{1}}, {ID: 300, Payload: []byte{2}}},
		},
		in: unhex("1a 01 05 ff", "0a 01 01", "4121 01 02"),
	},
	{
		name: "subgroup with every bit",
		value: subgroupStream{
			Header: SubgroupHeader{TrackAlias: 1, Group: 5, Mode: SubgroupExplicit, Subgroup: 1<<62 - 1,
				HasProperties: true, EndOfGroup: true},
			Objects: []streamObject{{ID: 0, Properties: unhex("3e 02")}},
		},
		in: unhex("3d 01 05 ffffffffffffffff", "00 02 3e02 00 00"),
	},
	{
		name: "subgroup statuses",
		value: subgroupStream{
			Header: SubgroupHeader{Priority: Some(uint8(128))},
			Objects: []streamObject{
				{ID: 0}, {ID: 1, Status: ObjectEndOfGroup}, {ID: 1<<62 - 1, Status: ObjectEndOfTrack},
			},
		},
		in: unhex("10 00 00 80", "00 00 00", "00 00 03", "fffffffffffffffd 00 04"),
	},
	{
		name: "subgroup status with empty properties",
		value: subgroupStream{
			Header:  SubgroupHeader{HasProperties: true},
			Objects: []streamObject{{ID: 4, Status: ObjectEndOfTrack}},
		},
		in: unhex("31 00 00", "04 00 00 04"),
	},
	{
		// 64 is where the forms part; the bytes of odd types stay.
		name: "subgroup properties in another form",
		value: subgroupStream{
			Header: SubgroupHeader{HasProperties: true},
			Objects: []streamObject{
				{ID: 0, Properties: unhex("3c 3f 02 3f"), Payload: []byte{1}},
				{ID: 1, Properties: unhex("3c 40 02 bfff"), Payload: []byte{2}},
				{ID: 2, Properties: unhex("0b 03 3c4064"), Payload: []byte{3}},
				{ID: 3, Properties: unhex("3d 48 ", letters(72)), Payload: []byte{4}},
				{ID: 4, Properties: unhex("40 e0200000 f8 0ffffffffe fe ffffffffffffff"), Payload: []byte{5}},
			},
		},
		in: unhex("31 00 00",
			"00 04 3c3f023f 01 01",
			"00 06 3c4040 027fff 01 02",
			"00 05 0b033c4064 01 03",
			"00 404b 3d4048", letters(72), "01 04",
			"00 16 4040 80200000 c00000 0ffffffffe c0ffffffffffffff 01 05"),
	},
	{
		name: "subgroup integers not minimal", decodeOnly: true,
		value: subgroupStream{
			Header: SubgroupHeader{TrackAlias: 2, Group: 1, HasProperties: true},
			Objects: []streamObject{
				{ID: 3, Properties: unhex("3c 02"), Payload: []byte{9}}, {ID: 4, Status: ObjectEndOfGroup},
			},
		},
		in: unhex("4031 80000002 c000000000000001", "4003 4004 403c 4002 4001 09", "4000 4000 4000 4003"),
	},
}

var cutSubgroups16 = []string{"", "40", "1402", "30412c", "300000 00", "300000 0002 61", "310000 0002 3c"}

var badSubgroups16 = []badCase{
	{"subgroup reserved mode", unhex("16 00 00 00"), SessionProtocolViolation},
	{"subgroup without marker bit", unhex("24 00 00 00"), SessionProtocolViolation},
	{"subgroup with the bit of a first object", unhex("4050 00 00 00"), SessionProtocolViolation},
	{"subgroup with the bit of a first object and others", unhex("407d 00 00 00"), SessionProtocolViolation},
	{"subgroup type 0x90", unhex("4090 00 00 00"), SessionProtocolViolation},
	{"subgroup stream is padding", unhex("932b3e28 00 00 00"), SessionProtocolViolation},
	{"subgroup stream is a control stream", unhex("6f00 00 00 00"), SessionProtocolViolation},
	{"subgroup object id overflow", unhex("30 00 00", "ffffffffffffffff 01 61", "00 01 61"), SessionProtocolViolation},
	{"subgroup object id overflow by delta", unhex("30 00 00", "01 01 61", "fffffffffffffffe 01 61"), SessionProtocolViolation},
	{"subgroup status 1", unhex("30 00 00", "00 00 01"), SessionProtocolViolation},
	{"subgroup status 2", unhex("30 00 00", "00 00 02"), SessionProtocolViolation},
	{"subgroup status 5", unhex("30 00 00", "00 00 05"), SessionProtocolViolation},
	{"subgroup status with properties", unhex("31 00 00", "00 02 3e02 00 03"), SessionProtocolViolation},
	{"subgroup properties too long", unhex("31 00 00", "00 8001ffff"), SessionProtocolViolation},
	{"subgroup properties cut", unhex("31 00 00", "00 02 3e40 01 61"), SessionKeyValueFormattingError},
}
