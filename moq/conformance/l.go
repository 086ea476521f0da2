package conformance

var sectionL = []Rule{
	{
		Number: 176, Level: Must, Role: Relay, Section: "2.5",
		Text:  "Unknown properties are kept and passed on unchanged; a newer set replaces an older, they are not merged.",
		Delta: "16: they are called extension headers",
		Tests: []string{"moq/conformance.TestTrackProperties", "moq/conformance.TestObjectsPassUnchanged"},
	},
	{
		Number: 177, Level: Must, Role: Relay, Section: "9.6",
		Text:  "All track properties are in PUBLISH, SUBSCRIBE_OK, FETCH_OK and the answer to TRACK_STATUS.",
		Delta: "16: not in that answer; 20: unless INCLUDE_PROPERTIES is 0",
		Tests: []string{"moq/conformance.TestTrackProperties"},
	},
	{
		Number: 178, Level: May, Role: Relay, Section: "2.5",
		Text:          "A known property may be changed as its definition allows.",
		Delta:         "19: by default it must not be",
		NotApplicable: "This relay changes no property, known or not: rule 176 is tested for both.",
	},
	{
		Number: 179, Level: MustNot, Role: Relay, Section: "12.7",
		Text:  "Immutable properties are passed on byte for byte.",
		Tests: []string{"moq/conformance.TestImmutableProperties"},
	},
	{
		Number: 180, Level: MustNot, Role: Relay, Section: "12.8",
		Text:  "A relay adds no gap properties.",
		Tests: []string{"moq/conformance.TestNoGapsAdded"},
	},
	{
		Number: 181, Level: MustNot, Role: Relay, Section: "2.5.1", Since: 18,
		Text:  "A track with a mandatory property that is unknown here is refused with UNSUPPORTED_EXTENSION and not processed.",
		Tests: []string{"moq/conformance.TestMandatoryProperty"},
	},
	{
		Number: 182, Level: MustNot, Role: Relay, Section: "2.5",
		Text:  "Properties in the ranges of applications are passed on and not interpreted.",
		Delta: "19: 0x78 to 0x7F instead of 0x38 to 0x3F",
		Tests: []string{"moq/conformance.TestTrackProperties"},
	},
	{
		Number: 183, Level: Must, Role: Endpoint, Section: "12.5",
		Text:  "Values of GROUP_ORDER, DYNAMIC_GROUPS and PUBLISHER_PRIORITY that do not exist are violations.",
		Tests: []string{"moq/wire.TestProperties", "moq/conformance.TestBadPropertyValues"},
	},
}
