package conformance

var sectionH = []Rule{
	{
		Number: 117, Level: Must, Role: Publisher, Section: "10.12.3",
		Text:  "A FETCH is answered on one stream: groups in the order asked for, objects by ID, whatever their subgroup.",
		Tests: []string{"moq/deliver.TestFetchBytes", "moq/conformance.TestFetchOrder"},
	},
	{
		Number: 118, Level: Fact, Role: Publisher, Section: "10.12.3",
		Text:  "What is left out of a whole response does not exist.",
		Delta: "19: unless filters were asked for; 22: more for descending order",
		Tests: []string{"moq/conformance.TestFetchOfMissing"},
	},
	{
		Number: 119, Level: Must, Role: Publisher, Section: "10.12.3",
		Text:  "An empty response still is a stream: its header and FIN.",
		Tests: []string{"moq/conformance.TestFetchOfMissing"},
	},
	{
		Number: 120, Level: Must, Role: Relay, Section: "10.12.3",
		Text:  "Objects that the relay does not have are asked for upstream before the response goes on.",
		Delta: "22: no longer a must",
		Tests: []string{"relay.TestFetchThroughEdge", "moq/conformance.TestFillTimeout", "moq/conformance.TestFetchAcrossGroups"},
	},
	{
		Number: 121, Level: May, Role: Relay, Section: "10.12.3",
		Text:  "The response may begin from the cache before FETCH_OK; a failure upstream is told by REQUEST_ERROR or a reset.",
		Tests: []string{"moq/conformance.TestFillTimeout"},
	},
	{
		Number: 122, Level: Must, Role: Publisher, Section: "10.12.3",
		Text:  "A FETCH of nothing that was published is refused with INVALID_RANGE.",
		Tests: []string{"moq.TestFetchRefusals", "moq/conformance.TestFetchRefused"},
	},
	{
		Number: 123, Level: Must, Role: Subscriber, Section: "10.13",
		Text:  "FETCH_OK does not end before the range begins, else the receiver closes; the end is not beyond the largest object.",
		Delta: "20: the end is inclusive, no 0 for the whole group",
		Tests: []string{"moq/conformance.TestFetchEnd"},
	},
	{
		Number: 124, Level: May, Role: Publisher, Section: "10.12.3",
		Text:  "What is unknown is told by a marker, or by a reset with UNKNOWN_OBJECT_STATUS.",
		Delta: "16: the code is 0x4",
		Tests: []string{"moq.TestFetchUnknown"},
	},
	{
		Number: 125, Level: ShouldNot, Role: Publisher, Section: "11.4.4.2",
		Text:  "The marker for what does not exist is only used beside one for what is unknown.",
		Tests: []string{"moq/conformance.TestFetchOfMissing", "moq/deliver.TestFetchBytes"},
	},
	{
		Number: 126, Level: Should, Role: Relay, Section: "10.2.5", Since: 18,
		Text:  "FILL_TIMEOUT bounds how long upstreams are asked; 0 means not at all, and the rest is unknown.",
		Delta: "20: told as timed out, 0x20C",
		Tests: []string{"moq/conformance.TestFillTimeout", "relay.TestFillTimeout"},
	},
	{
		Number: 127, Level: May, Role: Relay, Section: "9.5",
		Text:  "With several publishers a FETCH may go to any of them.",
		Delta: "20: must go to at least one",
		Tests: []string{"moq/conformance.TestOneFetchUpstream", "relay.TestFetchFromAnotherPublisher"},
	},
	{
		Number: 128, Level: Must, Role: Publisher, Section: "10.12.2", Until: 19,
		Text:  "A joining FETCH of an unknown subscription is INVALID_JOINING_REQUEST_ID; of one that is held back, or without objects, INVALID_RANGE.",
		Tests: []string{"moq/conformance.TestJoinRefused"},
	},
	{
		Number: 129, Level: Must, Role: Publisher, Section: "10.12.2", Until: 19,
		Text:  "A joining FETCH waits for its subscription and for the updates before it.",
		Tests: []string{"moq/conformance.TestJoinWaits"},
	},
	{
		Number: 130, Level: Must, Role: Publisher, Section: "10.12.2.1", Until: 19,
		Text:  "A joining FETCH ends where the subscription begins, without gap or overlap, and begins with a whole group.",
		Delta: "16: the largest object of the subscription",
		Tests: []string{"moq/conformance.TestJoin"},
	},
	{
		Number: 131, Level: Must, Role: Publisher, Section: "5.2",
		Text:  "A FETCH is cancelled by STOP_SENDING for its request; its data stream is then reset.",
		Delta: "16: FETCH_CANCEL",
		Tests: []string{"moq/conformance.TestFetchCancelled"},
	},
	{
		Number: 132, Level: Must, Role: Publisher, Section: "20:5.1.3", Since: 20,
		Text:  "FILL_PARAMETERS of a subscription that forwards open a fetch stream with the ID of the message; nothing to fill, no stream.",
		Tests: []string{"moq/conformance.TestFill", "moq/conformance.TestNoFill"},
	},
	{
		Number: 133, Level: Must, Role: Publisher, Section: "20:5.1.3", Since: 20,
		Text:  "The end of the subscription resets its fills; a fill that fails is reset behind its header and does not touch the subscription.",
		Tests: []string{"moq/conformance.TestFillEndsWithSubscription", "moq/deliver.TestFill"},
	},
	{
		Number: 134, Level: Must, Role: Endpoint, Section: "20:5.1.3", Since: 20,
		Text:  "FILL_PARAMETERS hold only what may be in them, else a violation, and are for once.",
		Tests: []string{"moq/conformance.TestBadFillParameters", "moq/conformance.TestFill"},
	},
	{
		Number: 135, Level: Fact, Role: Relay, Section: "20:9.5", Since: 20,
		Text:  "A relay fills from what it has and asks upstream for the rest.",
		Tests: []string{"moq/conformance.TestFill"},
	},
	{
		Number: 136, Level: Must, Role: Subscriber, Section: "11.4.4.1",
		Text:  "The first object of a fetch stream has its group and ID; a reference to one that is not there, and a step out of range, are violations.",
		Delta: "16: groups and IDs are absolute where present",
		Tests: []string{"moq/wire.TestBadFetchStreams", "moq/wire.TestFetchFlags"},
	},
	{
		Number: 137, Level: Fact, Role: Subscriber, Section: "11.4.4.2",
		Text:  "Behind a marker, the location before is that of the marker, priority and subgroup before are those of the last object.",
		Tests: []string{"moq/wire.TestFetchStreams"},
	},
}
