package conformance

var sectionI = []Rule{
	{
		Number: 138, Level: May, Role: Relay, Section: "9.1",
		Text:  "Caching is a choice; an object is known by its track, group and ID.",
		Tests: []string{"moq/conformance.TestCache"},
	},
	{
		Number: 139, Level: Must, Role: Relay, Section: "9.1",
		Text:  "The cache keeps all that an object is: location, priority, subgroup or datagram, status, properties, payload.",
		Tests: []string{"moq/conformance.TestObjectsPassUnchanged", "moq/conformance.TestCache"},
	},
	{
		Number: 140, Level: May, Role: Relay, Section: "9.1",
		Text:  "A second copy of an object may be ignored; the cache is guarded against poisoning.",
		Tests: []string{"moq/conformance.TestSecondCopy", "moq/live.TestWriters"},
	},
	{
		Number: 141, Level: Must, Role: Endpoint, Section: "9.1",
		Text:     "A second copy that differs in subgroup, priority, way of delivery or payload makes the track malformed.",
		Tests:    []string{"moq/conformance.TestMalformedTrack", "moq/live.TestMalformed"},
		Deviates: "the priority that FETCH tells is not compared: publishers of the moq-dev family tell another one there (INTEROP.md)",
	},
	{
		Number: 142, Level: ShouldNot, Role: Relay, Section: "9.1",
		Text:  "An object that was said not to exist is neither kept nor forwarded.",
		Tests: []string{"moq/live.TestNotTakenAfterFetch"},
	},
	{
		Number: 143, Level: May, Role: Relay, Section: "9.1",
		Text:          "What is missing may be told in another form that means the same.",
		NotApplicable: "This relay passes on what is missing in the form in which it came; it makes no use of the choice.",
	},
	{
		Number: 144, Level: MustNot, Role: Relay, Section: "12.3",
		Text:  "An object is not sent anew later than MAX_CACHE_DURATION after its first byte came; then it is unknown.",
		Tests: []string{"moq/live.TestMaxCacheDuration", "moq/deliver.TestMaxCacheDuration"},
	},
	{
		Number: 145, Level: Must, Role: Relay, Section: "2.4.3",
		Text:  "What a track contains does not depend on parameters: one copy serves all.",
		Tests: []string{"moq/conformance.TestParametersKeepPayloads", "moq/conformance.TestCache"},
	},
	{
		Number: 146, Level: Should, Role: Endpoint, Section: "11.2.1.1",
		Text:  "The markers for the end of a group and of a track are kept like objects.",
		Tests: []string{"moq/conformance.TestEndOfGroupIsKept"},
	},
	{
		Number: 147, Level: MustNot, Role: Relay, Section: "2.4.2",
		Text:  "Objects that made a track malformed are not kept.",
		Tests: []string{"moq/conformance.TestMalformedTrack", "moq/live.TestMalformed"},
	},
}
