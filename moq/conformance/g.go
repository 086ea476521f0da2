package conformance

var sectionG = []Rule{
	{
		Number: 108, Level: MustNot, Role: Publisher, Section: "5.1.2",
		Text:  "No object outside the range that was asked for is sent.",
		Delta: "22: FETCH as well",
		Tests: []string{"moq.TestFilters", "moq/conformance.TestLocationFilters"},
	},
	{
		Number: 109, Level: Must, Role: Endpoint, Section: "5.1.2",
		Text:  "Filter types other than those of the draft are violations, and so is an end beyond 64 bits.",
		Delta: "16: the end group is absolute; 20, 21: the number of fields tells the type; 22: types 0 to 5",
		Tests: []string{"moq/wire.TestBadMessages", "moq/conformance.TestBadFilters"},
	},
	{
		Number: 110, Level: Should, Role: Publisher, Section: "5.1.2", Until: 19,
		Text:  "A subscription whose range is over already is refused with INVALID_RANGE.",
		Tests: []string{"moq.TestSubscribeRefusals", "moq/conformance.TestRangeOver"},
	},
	{
		Number: 111, Level: Fact, Role: Publisher, Section: "5.1.2",
		Text:  "Largest Object is resolved when the message is processed; objects below the start never pass, even if they arrive later.",
		Tests: []string{"moq/conformance.TestLateObjects"},
	},
	{
		Number: 112, Level: Fact, Role: Publisher, Section: "5.1.2",
		Text:  "While nothing is published, relative filters begin at the first object.",
		Tests: []string{"moq/conformance.TestLocationFilters/nothing published yet"},
	},
	{
		Number: 113, Level: Fact, Role: Publisher, Section: "10.9.1",
		Text:  "An update may widen the range; what was published before is for FETCH, or a fill.",
		Tests: []string{"moq/conformance.TestWiderRange", "moq/deliver.TestBounds"},
	},
	{
		Number: 114, Level: Must, Role: Endpoint, Section: "19:5.1.3", Since: 19,
		Text:  "Range filters need MAX_FILTER_RANGES; too many, twice the same, or impossible ones are refused with INVALID_FILTER.",
		Tests: []string{"moq/conformance.TestBadRangeFilters"},
	},
	{
		Number: 115, Level: Must, Role: Publisher, Section: "19:5.1.4", Since: 19,
		Text:  "An object passes when forwarding, location and, in any one set, all range filters let it.",
		Tests: []string{"moq/conformance.TestRangeFilters", "moq/deliver.TestRangeFilters"},
	},
	{
		Number: 116, Level: Fact, Role: Publisher, Section: "19:5.1.3", Since: 19,
		Text:  "Track property filters decide which tracks SUBSCRIBE_TRACKS is offered; object property filters look at the header of the object.",
		Tests: []string{"relay.TestTrackPropertyFilter"},
	},
}
