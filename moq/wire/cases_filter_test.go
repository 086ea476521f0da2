package wire

// locationFilters are filters and their values in drafts 20 and 21, and 22; a
// value is "" where the form is not the one we write or cannot say it.
var locationFilters = []struct {
	name       string
	filter     Filter
	hex20      string
	hex22      string
	decodeOnly bool
}{
	{"none", Filter{}, "00", "00", false},
	{"next group", Filter{Type: FilterNextGroup}, "01 00", "01 00", false},
	{"current group", Filter{Type: FilterRelativeGroup, Groups: 1}, "01 01", "01 01", false},
	{"groups back", Filter{Type: FilterRelativeGroup, Groups: 200}, "02 80c8", "01 80c8", false},
	{"next object", Filter{Type: FilterLargestObject}, "02 00 00", "05", false},
	{"absolute start", Filter{Type: FilterAbsoluteStart, Start: Location{300, 1}}, "03 812c 01", "02 812c 01", false},
	{"absolute start of the first object", Filter{Type: FilterAbsoluteStart}, "", "02 00 00", false},
	{"absolute start of a group", Filter{Type: FilterAbsoluteStart, Start: Location{1, 0}}, "02 01 00", "02 01 00", false},
	{"groups", Filter{Type: FilterAbsoluteRange, Start: Location{5, 2}, EndGroup: 9}, "03 05 02 04", "03 05 02 04", false},
	{"first group", Filter{Type: FilterAbsoluteRange}, "03 00 00 00", "03 00 00 00", false},
	{
		"range", Filter{Type: FilterAbsoluteRange, Start: Location{5, 2}, EndGroup: 9, EndObject: Some(uint64(7))},
		"04 05 02 04 07", "04 05 02 04 07", false,
	},
	{
		"last object of all",
		Filter{Type: FilterAbsoluteRange, Start: Location{1<<64 - 1, 0}, EndGroup: 1<<64 - 1, EndObject: Some(uint64(1<<64 - 1))},
		"14 ff ffffffffffffffff 00 00 ff ffffffffffffffff", "04 ff ffffffffffffffff 00 00 ff ffffffffffffffff", false,
	},
	{"integers not minimal", Filter{Type: FilterAbsoluteStart, Start: Location{1, 0}}, "05 c00001 8000", "8002 c00001 8000", true},
}

// filterCases puts each filter into a SUBSCRIBE, a FETCH and a REQUEST_UPDATE.
func filterCases(hexOf func(i int) string) []messageCase {
	var cases []messageCase
	for i, f := range locationFilters {
		h := hexOf(i)
		if h == "" {
			continue
		}
		params := Parameters{Filter: Some(f.filter)}
		cases = append(cases,
			messageCase{name: "subscribe filter " + f.name, decodeOnly: f.decodeOnly,
				msg: &Subscribe{RequestID: 4, Track: liveVideo, Params: params}, in: frame("03", "04", liveVideoHex, "01 21", h)},
			messageCase{name: "fetch filter " + f.name, decodeOnly: f.decodeOnly,
				msg: &Fetch{RequestID: 4, Kind: FetchStandalone, Track: liveVideo, Params: params},
				in:  frame("16", "04", liveVideoHex, "01 21", h)},
			messageCase{name: "request_update filter " + f.name, decodeOnly: f.decodeOnly,
				msg: &RequestUpdate{RequestID: 4, Params: params}, in: frame("02", "04", "01 21", h)})
	}
	return cases
}

var (
	filterCases20 = filterCases(func(i int) string { return locationFilters[i].hex20 })
	filterCases22 = filterCases(func(i int) string { return locationFilters[i].hex22 })
)

var badFilters20 = []badCase{
	{"subscribe filter five fields", withParameters("01 21 05 05 02 04 07 00"), SessionProtocolViolation},
	{"subscribe filter cut", withParameters("01 21 02 05 80"), SessionProtocolViolation},
	{"subscribe filter longer than the payload", withParameters("01 21 05 04 00"), SessionProtocolViolation},
	{"subscribe filter end overflow", withParameters("01 21 0b ff ffffffffffffffff 00 01"), SessionProtocolViolation},
	{"subscribe fill filter end overflow", withParameters("01 23 0e 01 21 0b ff ffffffffffffffff 00 01"), SessionProtocolViolation},
	{"track_status with filter", frame("0d", "03", liveVideoHex, "01 21 00"), SessionProtocolViolation},
}

var badFilters22 = []badCase{
	{"subscribe filter 6", withParameters("01 21 06"), SessionProtocolViolation},
	{"subscribe filter huge type", withParameters("01 21 ff ffffffffffffffff"), SessionProtocolViolation},
	{"subscribe filter cut", withParameters("01 21 04 05 02 04"), SessionProtocolViolation},
	{"subscribe filter missing", withParameters("01 21"), SessionProtocolViolation},
	{"subscribe filter with the length of old", withParameters("01 21 02 00 00 00"), SessionProtocolViolation},
	{"subscribe filter end overflow", withParameters("01 21 03 ff ffffffffffffffff 00 01"), SessionProtocolViolation},
	{"subscribe filter range end overflow", withParameters("01 21 04 ff ffffffffffffffff 00 01 00"), SessionProtocolViolation},
	{"subscribe fill filter end overflow", withParameters("01 23 0e 01 21 03 ff ffffffffffffffff 00 01"), SessionProtocolViolation},
	{"track_status with filter", frame("0d", "03", liveVideoHex, "01 21 00"), SessionProtocolViolation},
}

// withFilter is a SUBSCRIBE with one range filter.
func withFilter(f RangeFilter) *Subscribe {
	return &Subscribe{Track: liveVideo, Params: Parameters{RangeFilters: []RangeFilter{f}}}
}

// invalid is a SUBSCRIBE that must be refused for its range filters.
func invalid(filters ...RangeFilter) *Subscribe {
	return &Subscribe{Track: liveVideo, Params: Parameters{RangeFilters: filters, InvalidFilter: "true"}}
}

var rangeFilterCases = []messageCase{
	{
		// moqt-19 §5.1.3
		name: "subscribe the draft's example of ranges",
		msg:  withFilter(RangeFilter{Type: RangeObjectID, Ranges: []ValueRange{{3, 5}, {10, 15}}}),
		in:   withParameters("01 26 05 00 03 02 05 05"),
	},
	{
		name: "subscribe ranges without end",
		msg:  withFilter(RangeFilter{Type: RangeSubgroup, SetID: 255, Ranges: []ValueRange{{0, 0}, {200, 1<<64 - 1}}}),
		in:   withParameters("01 25 05 ff 00 00 80c8"),
	},
	{
		name: "subscribe end of ranges written out", decodeOnly: true,
		msg: withFilter(RangeFilter{Type: RangeSubgroup, Ranges: []ValueRange{{1, 1<<64 - 1}}}),
		in:  withParameters("01 25 0b 00 01 ff fffffffffffffffe"),
	},
	{
		name: "subscribe ranges that touch",
		msg:  withFilter(RangeFilter{Type: RangeObjectProperty, SetID: 1, Property: 0x3C, Ranges: []ValueRange{{1, 2}, {2, 2}}}),
		in:   withParameters("01 28 06 01 3c 01 01 00 00"),
	},
	{
		name: "subscribe sets of range filters",
		msg: &Subscribe{Track: liveVideo, Params: Parameters{RangeFilters: []RangeFilter{
			{Type: RangeSubgroup, Ranges: []ValueRange{{1, 1}}}, {Type: RangeSubgroup, SetID: 1, Ranges: []ValueRange{{2, 2}}},
			{Type: RangePriority, SetID: 1, Ranges: []ValueRange{{0, 255}}}, {Type: RangePriority, SetID: 2, Ranges: []ValueRange{{7, 1<<64 - 1}}},
			{Type: RangeObjectProperty, Property: 0x3C, Ranges: []ValueRange{{1, 1}}},
			{Type: RangeObjectProperty, Property: 0x3E, Ranges: []ValueRange{{1, 1}}},
		}}},
		in: withParameters("06 25 03 00 01 00", "00 03 01 02 00", "02 04 01 00 80ff", "00 02 02 07",
			"01 04 00 3c 01 00", "00 04 00 3e 01 00"),
	},
	{
		name: "subscribe_tracks with a track property filter",
		msg: &SubscribeTracks{RequestID: 8, Params: Parameters{RangeFilters: []RangeFilter{
			{Type: RangeObjectID, Ranges: []ValueRange{{0, 0}}}, {Type: RangeTrackProperty, Property: 0x0E, Ranges: []ValueRange{{0, 9}}}}}},
		in: frame("51", "08 00 02 26 03 00 00 00 03 04 00 0e 00 09"),
	},
	{
		name: "request_update removes range filters",
		msg: &RequestUpdate{RequestID: 10, Params: Parameters{RangeFilters: []RangeFilter{
			{Type: RangeSubgroup}, {Type: RangeObjectProperty}, {Type: RangeTrackProperty}}}},
		in: frame("02", "0a 03 25 00 03 00 01 00"),
	},
	{name: "subscribe range filter repeated", decodeOnly: true,
		msg: invalid(RangeFilter{Type: RangeSubgroup, SetID: 1, Ranges: []ValueRange{{1, 1}}}),
		in:  withParameters("02 25 03 01 01 00 00 03 01 02 00")},
	{name: "subscribe range filter of priority 256", decodeOnly: true,
		msg: invalid(), in: withParameters("01 27 04 00 00 8100")},
	{name: "subscribe range filter from priority 256", decodeOnly: true,
		msg: invalid(), in: withParameters("01 27 03 00 8100")},
	{name: "subscribe range filter of an odd property", decodeOnly: true,
		msg: invalid(), in: withParameters("01 28 04 00 0b 01 00")},
	{name: "subscribe range filter overflow of an end", decodeOnly: true,
		msg: invalid(), in: withParameters("01 25 0b 00 02 ff fffffffffffffffe")},
	{name: "subscribe range filter overflow of a start", decodeOnly: true,
		msg: invalid(), in: withParameters("01 25 0c 00 02 00 ff fffffffffffffffe")},
	{name: "subscribe range filter without ranges", decodeOnly: true,
		msg: invalid(), in: withParameters("01 25 01 00")},
	{name: "subscribe range filter of length 0", decodeOnly: true,
		msg: invalid(RangeFilter{Type: RangeSubgroup}), in: withParameters("01 25 00")},
	{name: "request_update removes and sets", decodeOnly: true,
		msg: &RequestUpdate{RequestID: 10, Params: Parameters{InvalidFilter: "true", RangeFilters: []RangeFilter{{Type: RangeSubgroup}}}},
		in:  frame("02", "0a 02 25 00 00 03 01 01 00")},
}

var badRangeFilters = []badCase{
	{"subscribe range filter cut in a start", withParameters("01 25 02 00 80"), SessionProtocolViolation},
	{"subscribe range filter cut in an end", withParameters("01 25 03 00 01 80"), SessionProtocolViolation},
	{"subscribe range filter cut in the property", withParameters("01 28 02 00 80"), SessionProtocolViolation},
	{"subscribe range filter without property", withParameters("01 28 01 00"), SessionProtocolViolation},
	{"subscribe range filter longer than the payload", withParameters("01 25 05 00 01"), SessionProtocolViolation},
	{"subscribe with track property filter", withParameters("01 29 04 00 0e 03 02"), SessionProtocolViolation},
	{"subscribe_namespace with range filter", frame("50", "08 00 01 25 03 00 03 02"), SessionProtocolViolation},
}
