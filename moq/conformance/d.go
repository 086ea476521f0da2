package conformance

var sectionD = []Rule{
	{
		Number: 58, Level: Must, Role: Publisher, Section: "6.1",
		Text:  "SUBSCRIBE_NAMESPACE and SUBSCRIBE_TRACKS are answered before anything else is sent on their stream; a subscriber closes on another message.",
		Tests: []string{"moq/conformance.TestNamespacesAreTold", "moq/conformance.TestAnswerComesFirst"},
	},
	{
		Number: 59, Level: Must, Role: Relay, Section: "6.2",
		Text:  "A namespace that is published is told to every session whose prefix matches.",
		Delta: "16: on the stream of SUBSCRIBE_NAMESPACE, by its options",
		Tests: []string{"moq/conformance.TestNamespacesAreTold"},
	},
	{
		Number: 60, Level: Must, Role: Relay, Section: "9.5",
		Text:  "PUBLISH and the news of PUBLISH_NAMESPACE go to all matching subscribers, the latter as NAMESPACE.",
		Delta: "22: PUBLISH_NAMESPACE itself is not forwarded; before, the text was a remnant",
		Tests: []string{"moq/conformance.TestNamespacesAreTold", "moq/conformance.TestOwnTracks"},
	},
	{
		Number: 61, Level: Fact, Role: Publisher, Section: "6.1", Since: 18,
		Text:  "SUBSCRIBE_NAMESPACE tells a session of its own namespaces too; SUBSCRIBE_TRACKS leaves out its own tracks.",
		Tests: []string{"moq/conformance.TestNamespacesAreTold", "moq/conformance.TestOwnTracks"},
	},
	{
		Number: 62, Level: MustNot, Role: Publisher, Section: "10.18",
		Text:  "NAMESPACE_DONE does not come before its NAMESPACE; a subscriber closes on it.",
		Tests: []string{"moq/conformance.TestAnswerComesFirst"},
	},
	{
		Number: 63, Level: Must, Role: Publisher, Section: "10.18",
		Text:  "A prefix that overlaps another of the same kind in the session is refused with PREFIX_OVERLAP, also in an update; the two kinds do not touch each other.",
		Delta: "16: one kind",
		Tests: []string{"moq.TestNamespaces", "moq/conformance.TestPrefixOverlap"},
	},
	{
		Number: 64, Level: Should, Role: Subscriber, Section: "10.18",
		Text:  "The end of the stream stands for NAMESPACE_DONE of all that is active; subscriptions by PUBLISH go on.",
		Tests: []string{"moq/conformance.TestNamespaceStreamEnds"},
	},
	{
		Number: 65, Level: May, Role: Publisher, Section: "10.18", Since: 18,
		Text:          "A publisher may reset the stream of a subscriber that does not read.",
		NotApplicable: "A subscriber that does not read is not kept with one stream less: its session is closed with CONTROL_MESSAGE_TIMEOUT (rule 212).",
	},
	{
		Number: 66, Level: MustNot, Role: Publisher, Section: "6.1", Since: 18,
		Text:  "No PUBLISH follows for a track after PUBLISH_BLOCKED for it.",
		Delta: "19: PUBLISH_SKIPPED, and a new PUBLISH may be forwarded later",
		Tests: []string{"moq/conformance.TestPublishBlocked"},
	},
	{
		Number: 67, Level: Fact, Role: Publisher, Section: "10.20", Since: 18,
		Text:  "A track that cannot be offered for want of streams is told by PUBLISH_BLOCKED.",
		Delta: "19: or for another reason",
		Tests: []string{"moq/conformance.TestPublishBlocked"},
	},
	{
		Number: 68, Level: Fact, Role: Publisher, Section: "10.19", Since: 18,
		Text:  "FORWARD of SUBSCRIBE_TRACKS is the FORWARD of the PUBLISH that follows from it.",
		Delta: "19: GROUP_ORDER too; 20: all subscription parameters, and FORWARD can be updated",
		Tests: []string{"moq/conformance.TestForwardOfSubscribeTracks", "relay.TestSubscribeTracksParameters"},
	},
	{
		Number: 69, Level: Fact, Role: Endpoint, Section: "6.2",
		Text:  "A namespace is withdrawn by cancelling its request; the other side revokes its consent in the same way.",
		Delta: "16: PUBLISH_NAMESPACE_DONE and PUBLISH_NAMESPACE_CANCEL",
		Tests: []string{"moq/conformance.TestNamespacesAreTold", "moq/conformance.TestRevokedNamespace"},
	},
	{
		Number: 70, Level: Should, Role: Subscriber, Section: "6.2",
		Text:     "Where the very namespace of a track was published, the track is asked for only there.",
		Deviates: "§9.5 binds relays more strongly: every publisher of the namespace or of a prefix is asked (rules 78, 79)",
	},
	{
		Number: 71, Level: ShouldNot, Role: Relay, Section: "6.2",
		Text:  "PUBLISH_NAMESPACE finds no ways through a mesh of relays; loops are ours to prevent.",
		Tests: []string{"relay.TestPublishAtEdge"},
	},
	{
		Number: 72, Level: Must, Role: Endpoint, Section: "3.2.1", Since: 18,
		Text:  "Namespaces whose first field begins with a period are reserved: unknown ones go to the application, and one that is just a period does not exist.",
		Tests: []string{"moq.TestSubscribeRefusals", "moq/conformance.TestReservedNamespaces"},
	},
	{
		Number: 73, Level: MustNot, Role: Relay, Section: "3.2.2", Since: 18,
		Text:  "What concerns .session stays in its session; unknown tracks there do not exist.",
		Tests: []string{"moq/conformance.TestReservedNamespaces"},
	},
	{
		Number: 74, Level: Must, Role: Subscriber, Section: "10.18",
		Text:  "A prefix has at most 32 fields; none of them means everything.",
		Tests: []string{"moq/conformance.TestPrefixLimits"},
	},
}
