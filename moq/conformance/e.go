package conformance

var sectionE = []Rule{
	{
		Number: 75, Level: Must, Role: Relay, Section: "9.4",
		Text:  "SUBSCRIBE_OK is sent downstream when the subscription upstream is established, not before.",
		Tests: []string{"moq/conformance.TestUpstreamFirst"},
	},
	{
		Number: 76, Level: Must, Role: Relay, Section: "9.4",
		Text:  "FETCH_OK is withheld until the end of the range is known.",
		Tests: []string{"moq/conformance.TestFetchEnd", "moq/conformance.TestFillTimeout", "relay.TestFetchOKWaitsForTheEnd"},
	},
	{
		Number: 77, Level: Must, Role: Relay, Section: "9.5",
		Text:  "A SUBSCRIBE for a track that is established upstream is accepted.",
		Tests: []string{"moq/conformance.TestUpstreamFirst", "moq/conformance.TestOneUpstream"},
	},
	{
		Number: 78, Level: Must, Role: Relay, Section: "9.5",
		Text:  "Without an established subscription upstream, every publisher of the namespace or a prefix of it is asked.",
		Tests: []string{"moq/conformance.TestAllPublishersAreAsked"},
	},
	{
		Number: 79, Level: Must, Role: Relay, Section: "9.5",
		Text:  "A SUBSCRIBE goes to all publishers that match, field by field.",
		Tests: []string{"moq/conformance.TestAllPublishersAreAsked"},
	},
	{
		Number: 80, Level: Must, Role: Relay, Section: "9.5",
		Text:  "A PUBLISH_NAMESPACE that matches subscriptions served by others has the relay subscribe at the new publisher too.",
		Tests: []string{"moq/conformance.TestAllPublishersAreAsked"},
	},
	{
		Number: 81, Level: Must, Role: Relay, Section: "9.5",
		Text:  "A PUBLISH of a track that has subscribers is accepted.",
		Tests: []string{"moq/conformance.TestPublishIsWanted"},
	},
	{
		Number: 82, Level: Must, Role: Relay, Section: "9.5",
		Text:  "A PUBLISH goes on, as PUBLISH, to every SUBSCRIBE_TRACKS that matches.",
		Delta: "16: to SUBSCRIBE_NAMESPACE with the option for it",
		Tests: []string{"relay.TestPublishAndSubscribeTracks", "moq/conformance.TestOwnTracks"},
	},
	{
		Number: 83, Level: Must, Role: Relay, Section: "9.5", Since: 18,
		Text:  "A PUBLISH completes the SUBSCRIBE that waits for its track, and is not forwarded to that session as well.",
		Tests: []string{"moq/conformance.TestRendezvous/for PUBLISH"},
	},
	{
		Number: 84, Level: Must, Role: Relay, Section: "10.2.6", Since: 18,
		Text:  "A SUBSCRIBE waits RENDEZVOUS_TIMEOUT for a publisher, then TIMEOUT; without the parameter DOES_NOT_EXIST at once.",
		Tests: []string{"moq/conformance.TestRendezvous"},
	},
	{
		Number: 85, Level: May, Role: Relay, Section: "9.4",
		Text:  "Subscriptions of one track may share one upstream.",
		Delta: "22: their filters may be combined",
		Tests: []string{"moq/conformance.TestOneUpstream"},
	},
	{
		Number: 86, Level: Must, Role: Relay, Section: "9.3",
		Text:  "Objects of one track are taken from several publishers and go on to every subscriber, each object once.",
		Tests: []string{"moq/conformance.TestTwoPublishers"},
	},
	{
		Number: 87, Level: Must, Role: Endpoint, Section: "5.1",
		Text:  "A track is subscribed to once in a session and direction; a second SUBSCRIBE is a DUPLICATE_SUBSCRIPTION.",
		Delta: "19: any number of times, each gets every object",
		Tests: []string{"moq.TestSubscribeRefusals", "moq.TestPublish", "moq/conformance.TestSubscribeTwice", "moq.TestSharedTracks"},
	},
	{
		Number: 88, Level: Must, Role: Endpoint, Section: "5.1", Until: 18,
		Text:  "A SUBSCRIBE that meets this side's pending PUBLISH is a DUPLICATE_SUBSCRIPTION; a PUBLISH that meets a pending SUBSCRIBE ends that first.",
		Tests: []string{"relay.TestPublishWhileAsked"},
	},
	{
		Number: 89, Level: Must, Role: Relay, Section: "5.1",
		Text:  "A session may subscribe to a track that it publishes itself.",
		Tests: []string{"moq/conformance.TestOwnTrack"},
	},
	{
		Number: 90, Level: May, Role: Relay, Section: "9.5",
		Text:  "PUBLISH may be answered with FORWARD 0 until there are subscribers.",
		Delta: "20: by a REQUEST_UPDATE",
		Tests: []string{"moq/conformance.TestForwardLater"},
	},
	{
		Number: 91, Level: Should, Role: Publisher, Section: "5.1",
		Text:  "Objects may be sent before PUBLISH_OK; bytes of unfinished objects are sent as they come.",
		Tests: []string{"moq/conformance.TestObjectsBeforeOK", "relay.TestCutThrough"},
	},
	{
		Number: 92, Level: Should, Role: Subscriber, Section: "10.10",
		Text:  "An unwanted PUBLISH is refused with UNINTERESTED, and its streams are stopped.",
		Tests: []string{"moq/conformance.TestUnwantedPublish"},
	},
	{
		Number: 93, Level: Fact, Role: Relay, Section: "9.4",
		Text:  "A relay need not notice that a filter has nothing more to give.",
		Delta: "20: publishers do not end subscriptions for it",
		Tests: []string{"moq/conformance.TestRangePassed"},
	},
	{
		Number: 94, Level: Must, Role: Relay, Section: "10.2.13",
		Text:  "NEW_GROUP_REQUEST goes upstream when it asks for more than there is and no request for as much is outstanding, on tracks with dynamic groups.",
		Tests: []string{"moq/conformance.TestNewGroupRequest", "relay.TestNewGroupRequests"},
	},
	{
		Number: 95, Level: MustNot, Role: Subscriber, Section: "10.2.13",
		Text:  "NEW_GROUP_REQUEST is not in an update for a track without dynamic groups.",
		Tests: []string{"moq/conformance.TestNewGroupRequest/not dynamic"},
	},
	{
		Number: 96, Level: ShouldNot, Role: Relay, Section: "10.2.3",
		Text:  "The delivery timeouts of subscribers do not go upstream.",
		Tests: []string{"moq/conformance.TestParametersAreHopByHop"},
	},
	{
		Number: 97, Level: Should, Role: Relay, Section: "19:6.3", Since: 19,
		Text:          "Filters of several subscribers are joined upstream, or refused with a code that says why.",
		NotApplicable: "A relay of this kind asks upstream for tracks by name and for namespaces, never by SUBSCRIBE_TRACKS, so there are no track filters to join or to pass on; range filters of subscribers are applied here (rule 115).",
	},
	{
		Number: 98, Level: Must, Role: Publisher, Section: "20:10.10", Since: 20,
		Text:  "PUBLISH_STATE_NOTIFY comes from publishers on a subscription's stream only, names the largest object, and is not answered.",
		Tests: []string{"moq/conformance.TestStateNotify", "moq.TestStateNotify"},
	},
	{
		Number: 99, Level: Should, Role: Publisher, Section: "20:10.2.20", Since: 20,
		Text:  "INCLUDE_PROPERTIES 0 leaves track properties out of the answer; values above 1 are violations.",
		Tests: []string{"moq/conformance.TestIncludeProperties"},
	},
}
