package wire

// fetchCase is a whole stream that answers a FETCH.
type fetchCase struct {
	name       string
	descending bool
	value      fetchStream
	in         []byte
	decodeOnly bool
}

type fetchStream struct {
	Header FetchHeader
	Items  []fetchItem
}

// fetchItem is a FetchObject with its payload.
type fetchItem struct {
	Kind          FetchItem
	Group, ID     uint64
	Subgroup      uint64
	Datagram      bool
	Priority      uint8
	HasProperties bool
	Properties    Properties
	Payload       []byte
}

var fetchStreamCases = []fetchCase{
	{name: "fetch nothing", value: fetchStream{Header: FetchHeader{RequestID: 6}}, in: unhex("05 06")},
	{
		name: "fetch ascending",
		value: fetchStream{Items: []fetchItem{
			{Group: 5, ID: 3, Priority: 128, Payload: []byte("a")},             // first: everything
			{Group: 5, ID: 4, Priority: 128, Payload: []byte("b")},             // all implied
			{Group: 5, ID: 7, Priority: 128, Payload: []byte("c")},             // gap: delta 3
			{Group: 6, ID: 8, Priority: 128},                                   // next group, id + 1
			{Group: 9, ID: 0, Subgroup: 1, Priority: 127},                      // group delta 2, subgroup + 1 of 0
			{Group: 9, ID: 1, Subgroup: 1, Priority: 127},                      // subgroup as before
			{Group: 9, ID: 2, Subgroup: 200, Priority: 127},                    // subgroup given
			{Group: 9, ID: 3, Priority: 127, HasProperties: true},              // empty properties
			{Group: 9, ID: 4, HasProperties: true, Properties: unhex("3e 01")}, // priority 0
		}},
		in: unhex("05 00",
			"1c 05 03 80 01 61",
			"00 01 62",
			"04 03 01 63",
			"08 00 00",
			"1e 02 00 7f 00",
			"01 00",
			"03 80c8 00",
			"20 00 00",
			"30 00 02 3e01 00"),
	},
	{
		name: "fetch descending", descending: true,
		value: fetchStream{Items: []fetchItem{
			{Group: 9, ID: 0, Priority: 128}, {Group: 9, ID: 1, Priority: 128},
			{Group: 8, ID: 0, Priority: 128}, {Group: 3, ID: 1, Priority: 128}, {Group: 0, ID: 9, Priority: 128},
		}},
		in: unhex("05 00", "1c 09 00 80 00", "00 00", "0c 00 00 00", "08 04 00", "0c 02 09 00"),
	},
	{
		name: "fetch largest location",
		value: fetchStream{Items: []fetchItem{
			{Group: 1<<64 - 2, ID: 1<<64 - 1, Subgroup: 1<<64 - 2}, {Group: 1<<64 - 1, ID: 1<<64 - 1, Subgroup: 1<<64 - 1},
		}},
		in: unhex("05 00",
			"1f ff fffffffffffffffe ff fffffffffffffffe ff ffffffffffffffff 00 00",
			"0e 00 ff ffffffffffffffff 00"),
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
		in: unhex("05 00", "5c 01 00 01 01 01", "40 00", "03 07 00", "40 00", "01 00"),
	},
	{
		name: "fetch datagram object with subgroup bits set", decodeOnly: true,
		value: fetchStream{Items: []fetchItem{
			{Group: 1, ID: 0, Datagram: true, Priority: 1}, {Group: 1, ID: 1, Datagram: true, Priority: 1},
		}},
		in: unhex("05 00", "5f 01 00 01 00", "42 00"),
	},
	{
		name: "fetch ranges, their locations absolute",
		value: fetchStream{Items: []fetchItem{
			{Kind: FetchItemEndUnknown, Group: 2, ID: 5},
			{Group: 2, ID: 6, Priority: 10},
			{Kind: FetchItemEndNonExistent, Group: 2, ID: 300},
			{Group: 2, ID: 301, Priority: 10},
			{Kind: FetchItemEndUnknown, Group: 4, ID: 0},
			{Group: 5, ID: 0, Priority: 10},
		}},
		in: unhex("05 00",
			"810c 02 05",
			"10 0a 00",
			"808c 02 812c",
			"00 00",
			"810c 04 00",
			"0c 00 00 00"),
	},
	{
		name: "fetch range between objects of a subgroup", descending: true,
		value: fetchStream{Items: []fetchItem{
			{Group: 7, ID: 1, Subgroup: 3, Priority: 9},
			{Kind: FetchItemEndUnknown, Group: 6, ID: 4},
			{Group: 6, ID: 5, Subgroup: 3, Priority: 9},
			{Group: 6, ID: 9, Subgroup: 4, Priority: 9},
		}},
		in: unhex("05 00", "1f 07 03 01 09 00", "810c 06 04", "01 00", "06 04 00"),
	},
	{
		name: "fetch longer than needed", decodeOnly: true,
		value: fetchStream{Items: []fetchItem{{Group: 1, ID: 1}, {Group: 1, ID: 2}}},
		in:    unhex("8005 8000", "801f 01 00 01 00 00", "17 8000 01 00 00"),
	},
}

var cutFetchStreams = []string{"05", "0500 1c", "0500 1c050380", "0500 1c05038001", "0500 810c02"}

var badFetchStreams = []badCase{
	{"fetch type wrong", unhex("06 00"), SessionProtocolViolation},
	{"fetch first without group", unhex("05 00", "14 03 80 00"), SessionProtocolViolation},
	{"fetch first without id", unhex("05 00", "18 05 80 00"), SessionProtocolViolation},
	{"fetch first without priority", unhex("05 00", "0c 05 03 00"), SessionProtocolViolation},
	{"fetch first with prior subgroup", unhex("05 00", "1d 05 03 80 00"), SessionProtocolViolation},
	{"fetch first with prior subgroup + 1", unhex("05 00", "1e 05 03 80 00"), SessionProtocolViolation},
	{"fetch first datagram without id", unhex("05 00", "58 05 80 00"), SessionProtocolViolation},
	{"fetch flags 0x80", unhex("05 00", "8080 00 00"), SessionProtocolViolation},
	{"fetch flags 0x8d", unhex("05 00", "808d 00 00"), SessionProtocolViolation},
	{"fetch flags huge", unhex("05 00", "ff ffffffffffffffff 00 00"), SessionProtocolViolation},
	{"fetch after range with prior priority", unhex("05 00", "810c 02 05", "00 00"), SessionProtocolViolation},
	{"fetch after range with prior subgroup", unhex("05 00", "810c 02 05", "11 0a 00"), SessionProtocolViolation},
	{"fetch after datagram with prior subgroup", unhex("05 00", "5c 01 00 01 00", "01 00"), SessionProtocolViolation},
	{"fetch group overflow", unhex("05 00", "1c ff ffffffffffffffff 00 00 00", "08 00 00"), SessionProtocolViolation},
	{"fetch group overflow by delta", unhex("05 00", "1c 05 00 00 00", "08 ff fffffffffffffffa 00"), SessionProtocolViolation},
	{"fetch id overflow", unhex("05 00", "1c 05 ff ffffffffffffffff 00 00", "00 00"), SessionProtocolViolation},
	{"fetch id overflow in the next group", unhex("05 00", "1c 05 ff ffffffffffffffff 00 00", "08 00 00"), SessionProtocolViolation},
	{"fetch id overflow by delta", unhex("05 00", "1c 05 02 00 00", "04 ff fffffffffffffffe 00"), SessionProtocolViolation},
	{"fetch subgroup overflow", unhex("05 00", "1f 05 ff ffffffffffffffff 00 00 00", "02 00"), SessionProtocolViolation},
	{"fetch properties too long", unhex("05 00", "3c 05 03 80 c10000"), SessionProtocolViolation},
}

// badFetchStreamsBefore20 have the marker that draft 20 added.
var badFetchStreamsBefore20 = []badCase{
	{"fetch flags 0x20c", unhex("05 00", "820c 00 00"), SessionProtocolViolation},
}

// badDescendingFetches are read in descending group order.
var badDescendingFetches = []badCase{
	{"fetch group below zero", unhex("05 00", "1c 05 00 00 00", "08 05 00"), SessionProtocolViolation},
	{"fetch group below zero at zero", unhex("05 00", "1c 00 00 00 00", "08 00 00"), SessionProtocolViolation},
}
