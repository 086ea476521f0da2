package conformance

var sectionK = []Rule{
	{
		Number: 171, Level: Must, Role: Subscriber, Section: "2.4.2",
		Text:  "A track is malformed by objects beyond its end or that of a group or subgroup, by two ends of a subgroup, by a second copy that differs, by a priority that changes within a subgroup.",
		Tests: []string{"moq/conformance.TestMalformedTrack", "moq/live.TestMalformed"},
	},
	{
		Number: 172, Level: Must, Role: Endpoint, Section: "12.7",
		Text:  "A track is malformed by nested immutable properties, properties that cannot be read, and gaps that contradict objects or each other.",
		Tests: []string{"moq/conformance.TestMalformedTrack", "moq/live.TestMalformed"},
	},
	{
		Number: 173, Level: Must, Role: Subscriber, Section: "2.4.2",
		Text:  "What was asked of the publisher for a malformed track is cancelled, and nothing else.",
		Tests: []string{"moq/conformance.TestMalformedTrack", "relay.TestMalformedPublisherIsRemoved"},
	},
	{
		Number: 174, Level: Must, Role: Relay, Section: "2.4.2",
		Text:  "Subscribers of a malformed track get PUBLISH_DONE MALFORMED_TRACK, its fetch streams are reset with that code, the sessions go on.",
		Tests: []string{"moq/conformance.TestMalformedTrack", "relay.TestMalformedTrackEndsDownstream", "moq/conformance.TestMalformedFetch"},
	},
	{
		Number: 175, Level: Must, Role: Endpoint, Section: "2.5.1", Since: 18,
		Text:  "A mandatory track property on an object makes the track malformed.",
		Tests: []string{"moq/conformance.TestMalformedTrack", "moq/live.TestMalformed"},
	},
}
