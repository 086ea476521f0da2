package wire

// subgroupCase is a whole subgroup stream.
type subgroupCase struct {
	name       string
	value      subgroupStream
	in         []byte
	decodeOnly bool
}

type subgroupStream struct {
	Header  SubgroupHeader
	Objects []streamObject
}

// streamObject is an Object with its payload.
type streamObject struct {
	ID         uint64
	Status     ObjectStatus
	Properties Properties
	Payload    []byte
}

var subgroupCases = []subgroupCase{
	{
		// moqt-18 §11.6, first example; the payload length of a full header.
		name: "subgroup of the draft's first example",
		value: subgroupStream{
			Header:  SubgroupHeader{TrackAlias: 2, Mode: SubgroupExplicit, Priority: Some(uint8(0))},
			Objects: []streamObject{{ID: 0, Payload: []byte("abcd")}, {ID: 1, Payload: []byte("efgh")}},
		},
		in: unhex("14 02 00 00 00", "00 04 61626364", "00 04 65666768"),
	},
	{
		// moqt-18 §11.6, second example. Its properties are 4 = 2186796243 and
		// 77 = a string; the lengths printed there (33 and 21) are not those of
		// what is printed.
		name: "subgroup of the draft's second example",
		value: subgroupStream{
			Header: SubgroupHeader{TrackAlias: 2, Mode: SubgroupExplicit, HasProperties: true},
			Objects: []streamObject{
				{ID: 0, Properties: unhex("04 f0 8257dcd3 49 0e 74726163 6549443a 31323334 3536"), Payload: []byte("abcd")},
				{ID: 1, Payload: []byte("efgh")},
			},
		},
		in: unhex("35 02 00 00",
			"00 16 04 f0 8257dcd3 49 0e 74726163 6549443a 31323334 3536 04 61626364",
			"00 00 04 65666768"),
	},
	{
		name:  "subgroup header alone, everything implied",
		value: subgroupStream{Header: SubgroupHeader{TrackAlias: 300, Group: 1 << 20}},
		in:    unhex("30 812c d00000"),
	},
	{
		name: "subgroup named by its first object",
		value: subgroupStream{
			Header: SubgroupHeader{TrackAlias: 1, Group: 5, Mode: SubgroupFirstObject, Priority: Some(uint8(255)),
				EndOfGroup: true, FirstObject: true},
			Objects: []streamObject{{ID: 10, Payload: []byte{1}}, {ID: 300, Payload: []byte{2}}},
		},
		in: unhex("5a 01 05 ff", "0a 01 01", "8121 01 02"),
	},
	{
		name: "subgroup with every bit",
		value: subgroupStream{
			Header: SubgroupHeader{TrackAlias: 1, Group: 5, Mode: SubgroupExplicit, Subgroup: 1<<64 - 1,
				HasProperties: true, EndOfGroup: true, FirstObject: true},
			Objects: []streamObject{{ID: 0, Properties: unhex("3e 02")}},
		},
		in: unhex("7d 01 05 ff ffffffffffffffff", "00 02 3e02 00 00"),
	},
	{
		name: "subgroup statuses",
		value: subgroupStream{
			Header: SubgroupHeader{Priority: Some(uint8(128))},
			Objects: []streamObject{
				{ID: 0}, {ID: 1, Status: ObjectEndOfGroup}, {ID: 1<<64 - 1, Status: ObjectEndOfTrack},
			},
		},
		in: unhex("10 00 00 80", "00 00 00", "00 00 03", "ff fffffffffffffffd 00 04"),
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
		name: "subgroup integers not minimal", decodeOnly: true,
		value: subgroupStream{
			Header:  SubgroupHeader{TrackAlias: 2, Group: 1},
			Objects: []streamObject{{ID: 3, Payload: []byte{9}}, {ID: 4, Status: ObjectEndOfGroup}},
		},
		in: unhex("8030 c00002 e0000001", "8003 8001 09", "8000 8000 8003"),
	},
}

var cutSubgroups = []string{"", "80", "1402", "30812c", "300000 00", "300000 0002 61", "310000 0002 3c"}

var badSubgroups = []badCase{
	{"subgroup reserved mode", unhex("16 00 00 00"), SessionProtocolViolation},
	{"subgroup without marker bit", unhex("64 00 00 00"), SessionProtocolViolation},
	{"subgroup type of two bytes", unhex("8090 00 00 00"), SessionProtocolViolation},
	{"subgroup object id overflow", unhex("30 00 00", "ff ffffffffffffffff 01 61", "00 01 61"), SessionProtocolViolation},
	{"subgroup object id overflow by delta", unhex("30 00 00", "01 01 61", "ff fffffffffffffffe 01 61"), SessionProtocolViolation},
	{"subgroup status 1", unhex("30 00 00", "00 00 01"), SessionProtocolViolation},
	{"subgroup status 2", unhex("30 00 00", "00 00 02"), SessionProtocolViolation},
	{"subgroup status 5", unhex("30 00 00", "00 00 05"), SessionProtocolViolation},
	{"subgroup status with properties", unhex("31 00 00", "00 02 3e02 00 03"), SessionProtocolViolation},
	{"subgroup properties too long", unhex("31 00 00", "00 c10000"), SessionProtocolViolation},
}
