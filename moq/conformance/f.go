package conformance

var sectionF = []Rule{
	{
		Number: 100, Level: Must, Role: Relay, Section: "9.5",
		Text:  "When a subscriber wants objects and the upstreams are held back, all of them are told FORWARD 1; new ones are asked with FORWARD 1.",
		Tests: []string{"moq/conformance.TestForwardGoesUpstream"},
	},
	{
		Number: 101, Level: Must, Role: Relay, Section: "9.5",
		Text:  "A PUBLISH of a track with a subscriber that wants objects is answered with FORWARD 1.",
		Delta: "20: by a REQUEST_UPDATE",
		Tests: []string{"moq/conformance.TestPublishIsWanted"},
	},
	{
		Number: 102, Level: Should, Role: Relay, Section: "9.2",
		Text:  "A new subscription upstream has FORWARD 1.",
		Delta: "19: must, if any subscriber wants objects",
		Tests: []string{"moq/conformance.TestForwardGoesUpstream"},
	},
	{
		Number: 103, Level: Must, Role: Publisher, Section: "5.1",
		Text:  "With FORWARD 0 no object is sent, control messages are.",
		Tests: []string{"moq.TestForward", "moq/conformance.TestHeldBack", "moq/conformance.TestUpdates"},
	},
	{
		Number: 104, Level: Must, Role: Endpoint, Section: "10.2.12",
		Text:  "FORWARD is 0 or 1, else a violation; it is 1 by default and stays in an update that leaves it out.",
		Tests: []string{"moq/conformance.TestParameters", "moq/conformance.TestUpdates"},
	},
	{
		Number: 105, Level: Must, Role: Relay, Section: "10.2.11",
		Text:  "LARGEST_OBJECT is the largest that any upstream named or a subscription brought, never one from a FETCH.",
		Tests: []string{"moq/conformance.TestLargestObject"},
	},
	{
		Number: 106, Level: Must, Role: Publisher, Section: "10.2.11",
		Text:  "LARGEST_OBJECT is in SUBSCRIBE_OK, PUBLISH, the answers to updates and to TRACK_STATUS as soon as something was published.",
		Tests: []string{"moq/conformance.TestLargestObject", "moq/conformance.TestUpdates", "moq/conformance.TestTrackStatus"},
	},
	{
		Number: 107, Level: Must, Role: Publisher, Section: "5.1",
		Text:  "The Joining Location is kept: what was the largest when the subscription was accepted or resumed.",
		Delta: "20: kept, though no FETCH joins any more",
		Tests: []string{"moq/conformance.TestJoin", "moq/conformance.TestJoinWaits"},
	},
}
