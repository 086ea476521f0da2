package conformance

var sectionJ = []Rule{
	{
		Number: 148, Level: MustNot, Role: Relay, Section: "2.1",
		Text:  "Payloads are never joined, split or changed; the other fields only as properties allow.",
		Tests: []string{"moq/conformance.TestObjectsPassUnchanged"},
	},
	{
		Number: 149, Level: MustNot, Role: Publisher, Section: "2.1",
		Text:  "The content of an object never changes.",
		Tests: []string{"moq/conformance.TestObjectsPassUnchanged"},
	},
	{
		Number: 150, Level: Must, Role: Relay, Section: "11.2.1",
		Text:  "An object goes on the way it came: in a stream of its subgroup or in a datagram, also where a track has both.",
		Tests: []string{"relay.TestDatagrams", "moq/conformance.TestDatagramsStayDatagrams"},
	},
	{
		Number: 151, Level: MustNot, Role: Publisher, Section: "2.2",
		Text:  "Two subgroups do not share a stream; one subgroup has a second stream only after a reset.",
		Tests: []string{"moq/conformance.TestSubgroupsHaveStreams"},
	},
	{
		Number: 152, Level: Must, Role: Publisher, Section: "2.2", Since: 18,
		Text:  "FIRST_OBJECT is set when a stream begins with the first object of its subgroup, also by a relay.",
		Tests: []string{"moq/conformance.TestFirstObject"},
	},
	{
		Number: 153, Level: MustNot, Role: Relay, Section: "9.4",
		Text:  "Objects of one stream are neither reordered nor dropped.",
		Tests: []string{"moq/conformance.TestObjectsPassUnchanged", "moq/conformance.TestSubgroupsHaveStreams"},
	},
	{
		Number: 154, Level: Must, Role: Relay, Section: "11.4.3",
		Text:  "A stream goes on only with the object that comes next; otherwise it is reset and another one opened.",
		Delta: "19: objects that a filter removed do not matter",
		Tests: []string{"moq/conformance.TestResetStaysReset", "moq/deliver.TestNextObject", "moq/deliver.TestFilteredStream"},
	},
	{
		Number: 155, Level: Must, Role: Publisher, Section: "11.4.3",
		Text:  "FIN when all objects of the subgroup were delivered, else a reset.",
		Tests: []string{"moq/conformance.TestCancelledByPeer", "moq/conformance.TestFinIsNoCancel", "moq/conformance.TestFinOfWholeSubgroup"},
	},
	{
		Number: 156, Level: Should, Role: Publisher, Section: "11.4.3",
		Text:  "A reset still delivers the header of the stream.",
		Tests: []string{"moq/transport.TestReliableBoundary", "moq/deliver.TestHeaderSurvivesReset"},
	},
	{
		Number: 157, Level: Fact, Role: Relay, Section: "11.4.3",
		Text:  "A reset upstream never becomes a FIN downstream.",
		Tests: []string{"moq/conformance.TestResetStaysReset", "moq/deliver.TestContinuedSubgroup"},
	},
	{
		Number: 158, Level: ShouldNot, Role: Publisher, Section: "11.4.3",
		Text:  "A subgroup whose stream was stopped or timed out has no second one.",
		Delta: "18: unless FORWARD was 0 meanwhile",
		Tests: []string{"moq/conformance.TestStoppedSubgroup", "moq/deliver.TestNotReopened"},
	},
	{
		Number: 159, Level: ShouldNot, Role: Publisher, Section: "11.4",
		Text:  "Two streams with the same header are not open at a time.",
		Tests: []string{"moq/conformance.TestSubgroupsHaveStreams"},
	},
	{
		Number: 160, Level: Must, Role: Endpoint, Section: "11.4.2",
		Text:  "END_OF_GROUP counts with a FIN alone; reserved types are violations.",
		Tests: []string{"moq/wire.TestSubgroupTypes", "moq/conformance.TestUnknownStreamTypes", "moq/conformance.TestResetStaysReset"},
	},
	{
		Number: 161, Level: Must, Role: Endpoint, Section: "11.2.1.2",
		Text:  "Properties of an object with another status than normal are a violation, and so is an unknown status.",
		Tests: []string{"moq/wire.TestBadSubgroupStreams", "moq/wire.TestBadDatagrams", "moq/conformance.TestBadObjects"},
	},
	{
		Number: 162, Level: Must, Role: Endpoint, Section: "11.3.1",
		Text:  "Datagrams with an empty properties field, with status and end of group, or of another form are violations.",
		Tests: []string{"moq/wire.TestBadDatagrams", "moq/wire.TestDatagramTypes", "moq/conformance.TestUnknownDatagrams"},
	},
	{
		Number: 163, Level: Fact, Role: Relay, Section: "11.3",
		Text:  "A datagram that is too large for a subscriber's path is dropped.",
		Tests: []string{"moq/conformance.TestLargeDatagram"},
	},
	{
		Number: 164, Level: Must, Role: Endpoint, Section: "11.1",
		Text:  "An alias stands for one track in a session, else DUPLICATE_TRACK_ALIAS; relays choose their own.",
		Delta: "19: several subscriptions of a track may share its alias",
		Tests: []string{"moq/conformance.TestAliases"},
	},
	{
		Number: 165, Level: May, Role: Subscriber, Section: "11.4.2",
		Text:  "Data of an unknown alias may be held back for a while, or dropped.",
		Tests: []string{"moq/conformance.TestUnknownAlias"},
	},
	{
		Number: 166, Level: Must, Role: Endpoint, Section: "11.4.2",
		Text:     "Flow control of the connection must not keep control streams from going on.",
		Deviates: "quic-go hands out connection credit in its own order; what guards control streams here is that few bytes of objects wait in the transport (rule 197), and that a control message that stays stuck ends its session after 10 s",
	},
	{
		Number: 167, Level: Should, Role: Subscriber, Section: "11.1",
		Text:  "Objects of a subscription that was cancelled are thrown away without ado.",
		Tests: []string{"moq/conformance.TestCancel"},
	},
	{
		Number: 168, Level: Should, Role: Endpoint, Section: "11.4",
		Text:  "A FIN within an object closes the session with PROTOCOL_VIOLATION.",
		Tests: []string{"moq/conformance.TestBadObjects"},
	},
	{
		Number: 169, Level: Must, Role: Endpoint, Section: "11.4.2",
		Text:  "An object ID beyond 64 bits is a violation.",
		Tests: []string{"moq/wire.TestBadSubgroupStreams", "moq/wire.TestBadFetchStreams", "moq/conformance.TestBadObjects"},
	},
	{
		Number: 170, Level: Fact, Role: Subscriber, Section: "11.4.2",
		Text:  "IDs left out on a subgroup stream say nothing about the objects that have them.",
		Tests: []string{"moq/conformance.TestGapsInIDs"},
	},
}
