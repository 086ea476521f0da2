package wire

// Fetch streams of draft 16: absolute IDs, integers of RFC 9000.
var fetchStreamCases16 = []fetchCase{
	{name: "fetch nothing", value: fetchStream{Header: FetchHeader{RequestID: 6}}, in: unhex("05 06")},
	{
		name: "fetch ascending",
		value: fetchStream{Items: []fetchItem{
			{Group: 5, ID: 3, Priority: 128, Payload: []byte("a")},             // first: everything
			{Group: 5, ID: 4, Priority: 128, Payload: []byte("b")},             // all implied
			{Group: 5, ID: 7, Priority: 128, Payload: []byte("c")},             // gap
			{Group: 6, ID: 8, Priority: 128},                                   // next group, id + 1
			{Group: 9, ID: 0, Subgroup: 1, Priority: 127},                      // subgroup + 1 of 0
			{Group: 9, ID: 1, Subgroup: 1, Priority: 127},                      // subgroup as before
			{Group: 9, ID: 2, Subgroup: 200, Priority: 127},                    // subgroup given
			{Group: 9, ID: 3, Priority: 127, HasProperties: true},              // empty properties
			{Group: 9, ID: 4, HasProperties: true, Properties: unhex("3e 01")}, // priority 0
		}},
		in: unhex("05 00",
			"1c 05 03 80 01 61",
			"00 01 62",
			"04 07 01 63",
			"08 06 00",
			"1e 09 00 7f 00",
			"01 00",
			"03 40c8 00",
			"20 00 00",
			"30 00 02 3e01 00"),
	},
	{
		name: "fetch descending", descending: true,
		value: fetchStream{Items: []fetchItem{
			{Group: 9, ID: 0, Priority: 128}, {Group: 9, ID: 1, Priority: 128},
			{Group: 8, ID: 0, Priority: 128}, {Group: 3, ID: 1, Priority: 128}, {Group: 0, ID: 9, Priority: 128},
		}},
		in: unhex("05 00", "1c 09 00 80 00", "00 00", "0c 08 00 00", "08 03 00", "0c 00 09 00"),
	},
	{
		name: "fetch largest location",
		value: fetchStream{Items: []fetchItem{
			{Group: 1<<62 - 2, ID: 1<<62 - 1, Subgroup: 1<<62 - 2}, {Group: 1<<62 - 1, ID: 1<<62 - 1, Subgroup: 1<<62 - 1},
		}},
		in: unhex("05 00",
			"1f fffffffffffffffe fffffffffffffffe ffffffffffffffff 00 00",
			"0e ffffffffffffffff ffffffffffffffff 00"),
	},
	{
		name: "fetch datagram objects",
		value: fetchStream{Items: []fetchItem{
			{Group: 1, ID: 0, Datagram: true, Priority: 1, Payload: []byte{1}},
			{Group: 1, ID: 1, Datagram: true, Priority: 1},
			{Group: 1, ID: 2, Subgroup: 7, Priority: 1},
			{Group: 1, ID: 3, Datagram: true, Priority: 1},
			{Group: 1, ID: 4, Subgroup: 7, Priority: 1},
		}},
		in: unhex("05 00", "405c 01 00 01 01 01", "4040 00", "03 07 00", "4040 00", "01 00"),
	},
	{
		name: "fetch datagram object with subgroup bits set", decodeOnly: true,
		value: fetchStream{Items: []fetchItem{
			{Group: 1, ID: 0, Datagram: true, Priority: 1}, {Group: 1, ID: 1, Datagram: true, Priority: 1},
		}},
		in: unhex("05 00", "405f 01 00 01 00", "4042 00"),
	},
	{
		// moqt-16 §10.4.4.2 does not say what a reference after a marker means;
		// moqt-18 §11.4.4.2 does, for the same bytes.
		name: "fetch ranges",
		value: fetchStream{Items: []fetchItem{
			{Kind: FetchItemEndUnknown, Group: 2, ID: 5},
			{Group: 2, ID: 6, Priority: 10},
			{Kind: FetchItemEndNonExistent, Group: 2, ID: 300},
			{Group: 2, ID: 301, Priority: 10},
			{Kind: FetchItemEndUnknown, Group: 4, ID: 0},
			{Group: 5, ID: 0, Priority: 10},
		}},
		in: unhex("05 00",
			"410c 02 05",
			"10 0a 00",
			"408c 02 412c",
			"00 00",
			"410c 04 00",
			"0c 05 00 00"),
	},
	{
		name: "fetch properties in another form",
		value: fetchStream{Items: []fetchItem{
			{Group: 1, ID: 1, HasProperties: true, Properties: unhex("3c 40"), Payload: []byte{7}},
		}},
		in: unhex("05 00", "3c 01 01 00 03 3c4040 01 07"),
	},
	{
		name: "fetch group given again", decodeOnly: true,
		value: fetchStream{Items: []fetchItem{{Group: 1, ID: 1}, {Group: 1, ID: 5}}},
		in:    unhex("05 00", "1c 01 01 00 00", "0c 01 05 00"),
	},
	{
		name: "fetch longer than needed", decodeOnly: true,
		value: fetchStream{Items: []fetchItem{{Group: 1, ID: 1}, {Group: 1, ID: 2}}},
		in:    unhex("4005 4000", "401f 01 00 01 00 00", "17 4000 02 00 00"),
	},
}

// fetchStreamCases20 have the marker that draft 20 added.
var fetchStreamCases20 = []fetchCase{
	{
		name: "fetch range that timed out",
		value: fetchStream{Items: []fetchItem{
			{Group: 2, ID: 5, Priority: 10, Payload: []byte{1}},
			{Kind: FetchItemEndTimedOut, Group: 2, ID: 300},
			{Kind: FetchItemEndUnknown, Group: 3, ID: 0},
			{Group: 3, ID: 1, Priority: 10},
		}},
		in: unhex("05 00", "1c 02 05 0a 01 01", "820c 02 812c", "810c 03 00", "00 00"),
	},
}

var cutFetchStreams16 = []string{"05", "0500 1c", "0500 1c050380", "0500 1c05038001", "0500 410c02"}

var badFetchStreams16 = []badCase{
	{"fetch type wrong", unhex("06 00"), SessionProtocolViolation},
	{"fetch first without group", unhex("05 00", "14 03 80 00"), SessionProtocolViolation},
	{"fetch first without id", unhex("05 00", "18 05 80 00"), SessionProtocolViolation},
	{"fetch first without priority", unhex("05 00", "0c 05 03 00"), SessionProtocolViolation},
	{"fetch first with prior subgroup", unhex("05 00", "1d 05 03 80 00"), SessionProtocolViolation},
	{"fetch first with prior subgroup + 1", unhex("05 00", "1e 05 03 80 00"), SessionProtocolViolation},
	{"fetch first datagram without id", unhex("05 00", "4058 05 80 00"), SessionProtocolViolation},
	{"fetch flags 0x80", unhex("05 00", "4080 00 00"), SessionProtocolViolation},
	{"fetch flags 0x8d", unhex("05 00", "408d 00 00"), SessionProtocolViolation},
	{"fetch flags 0x20c", unhex("05 00", "420c 00 00"), SessionProtocolViolation},
	{"fetch flags huge", unhex("05 00", "ffffffffffffffff 00 00"), SessionProtocolViolation},
	{"fetch after range with prior priority", unhex("05 00", "410c 02 05", "00 00"), SessionProtocolViolation},
	{"fetch after range with prior subgroup", unhex("05 00", "410c 02 05", "11 0a 00"), SessionProtocolViolation},
	{"fetch id overflow", unhex("05 00", "1c 05 ffffffffffffffff 00 00", "00 00"), SessionProtocolViolation},
	{"fetch id overflow in the next group", unhex("05 00", "1c 05 ffffffffffffffff 00 00", "08 06 00"), SessionProtocolViolation},
	{"fetch subgroup overflow", unhex("05 00", "1f 05 ffffffffffffffff 00 00 00", "02 00"), SessionProtocolViolation},
	{"fetch properties too long", unhex("05 00", "3c 05 03 80 8001ffff"), SessionProtocolViolation},
	{"fetch properties cut", unhex("05 00", "3c 05 03 80 01 3c 00"), SessionKeyValueFormattingError},
}
