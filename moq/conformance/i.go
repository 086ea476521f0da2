package conformance

var sectionI = []Rule{
	{
		Number: 138, Level: May, Role: Relay, Section: "9.1",
		Text:     "Caching is a choice; an object is known by its track, group and ID.",
		Deviates: untested,
	},
	{
		Number: 139, Level: Must, Role: Relay, Section: "9.1",
		Text:  "The cache keeps all that an object is: location, priority, subgroup or datagram, status, properties, payload.",
		Tests: []string{"moq/conformance.TestObjectsPassUnchanged"},
	},
	{
		Number: 140, Level: May, Role: Relay, Section: "9.1",
		Text:     "A second copy of an object may be ignored; the cache is guarded against poisoning.",
		Deviates: untested,
	},
	{
		Number: 141, Level: Must, Role: Endpoint, Section: "9.1",
		Text:     "A second copy that differs in subgroup, priority, way of delivery or payload makes the track malformed.",
		Deviates: untested,
	},
	{
		Number: 142, Level: ShouldNot, Role: Relay, Section: "9.1",
		Text:     "An object that was said not to exist is neither kept nor forwarded.",
		Deviates: untested,
	},
	{
		Number: 143, Level: May, Role: Relay, Section: "9.1",
		Text:     "What is missing may be told in another form that means the same.",
		Deviates: untested,
	},
	{
		Number: 144, Level: MustNot, Role: Relay, Section: "12.3",
		Text:     "An object is not sent anew later than MAX_CACHE_DURATION after its first byte came; then it is unknown.",
		Deviates: untested,
	},
	{
		Number: 145, Level: Must, Role: Relay, Section: "2.4.3",
		Text:  "What a track contains does not depend on parameters: one copy serves all.",
		Tests: []string{"moq/conformance.TestParametersKeepPayloads"},
	},
	{
		Number: 146, Level: Should, Role: Endpoint, Section: "11.2.1.1",
		Text:     "The markers for the end of a group and of a track are kept like objects.",
		Deviates: untested,
	},
	{
		Number: 147, Level: MustNot, Role: Relay, Section: "2.4.2",
		Text:     "Objects that made a track malformed are not kept.",
		Deviates: untested,
	},
}
