package conformance

var sectionB = []Rule{
	{
		Number: 21, Level: Must, Role: Endpoint, Section: "10.1",
		Text:  "Request IDs are even from clients, odd from servers, and not used twice, also by REQUEST_UPDATE; otherwise INVALID_REQUEST_ID.",
		Delta: "16: without gaps, and below MAX_REQUEST_ID",
		Tests: []string{"moq.TestBadPeer/request ID of the wrong parity", "moq.TestBadPeer/request ID far ahead", "moq/conformance.TestRequestIDs", "moq.TestRequestCredit"},
	},
	{
		Number: 22, Level: Must, Role: Endpoint, Section: "10.2",
		Text:  "Parameters ascend by type and are as many as counted; an unknown one, or one in the wrong message, is a violation.",
		Delta: "16: one in the wrong message is ignored",
		Tests: []string{"moq/wire.TestParameterPlaces", "moq/wire.TestBadMessages", "moq/wire.TestRequestOKCheckFor", "moq/wire.TestRequestUpdateCheckFor", "moq/conformance.TestParameters"},
	},
	{
		Number: 23, Level: MustNot, Role: Endpoint, Section: "10.2",
		Text:  "No parameter is repeated but those that may be.",
		Delta: "19: range filters may be as well",
		Tests: []string{"moq/wire.TestRepeatedParameters", "moq/conformance.TestParameters"},
	},
	{
		Number: 24, Level: MustNot, Role: Relay, Section: "10.2",
		Text:  "Parameters concern one hop: a relay does not pass them on; track properties go from end to end.",
		Tests: []string{"moq/conformance.TestParametersAreHopByHop"},
	},
	{
		Number: 25, Level: MustNot, Role: Publisher, Section: "10.2",
		Text:  "No parameter changes the payload of an object.",
		Tests: []string{"moq/conformance.TestParametersKeepPayloads"},
	},
	{
		Number: 26, Level: Must, Role: Publisher, Section: "5.1",
		Text:  "Each SUBSCRIBE and each FETCH has exactly one answer.",
		Tests: []string{"moq/conformance.TestEveryRequestIsAnswered"},
	},
	{
		Number: 27, Level: Must, Role: Subscriber, Section: "5.1",
		Text:  "Each PUBLISH and each PUBLISH_NAMESPACE has exactly one answer.",
		Delta: "16: PUBLISH_OK is a message of its own",
		Tests: []string{"moq/conformance.TestEveryRequestIsAnswered"},
	},
	{
		Number: 28, Level: Must, Role: Endpoint, Section: "10.9",
		Text:  "Each REQUEST_UPDATE has one answer; what it leaves out stays as it is.",
		Delta: "16: it names the request it updates; 19: one without a request to update is a violation",
		Tests: []string{"moq/conformance.TestUpdates", "moq/conformance.TestStrayUpdate"},
	},
	{
		Number: 29, Level: Must, Role: Publisher, Section: "10.9.1",
		Text:  "A REQUEST_UPDATE that fails also ends what it was for: PUBLISH_DONE UPDATE_FAILED, a reset of the fetch stream, the end of the namespace request.",
		Delta: "19: SUBSCRIBE_TRACKS as well",
		Tests: []string{"moq/conformance.TestFailedUpdate"},
	},
	{
		Number: 30, Level: Must, Role: Endpoint, Section: "10.9.1",
		Text:  "Of several REQUEST_UPDATEs at once, each that succeeds has its REQUEST_OK.",
		Tests: []string{"moq/conformance.TestUpdates"},
	},
	{
		Number: 31, Level: Must, Role: Endpoint, Section: "19:10.3.1", Since: 19,
		Text:  "No more updates are unanswered than MAX_REQUEST_UPDATES allows; more close the session with TOO_MANY_REQUEST_UPDATES.",
		Tests: []string{"moq/conformance.TestUpdateLimit"},
	},
	{
		Number: 32, Level: Should, Role: Endpoint, Section: "3.3.2",
		Text:  "A request is cancelled by a reset and STOP_SENDING with a fitting code, refused by REQUEST_ERROR and FIN.",
		Delta: "16: UNSUBSCRIBE, FETCH_CANCEL, PUBLISH_NAMESPACE_DONE and _CANCEL",
		Tests: []string{"moq/conformance.TestCancel", "moq/conformance.TestEveryRequestIsAnswered"},
	},
	{
		Number: 33, Level: MustNot, Role: Endpoint, Section: "19:3.3.2",
		Text:  "No FIN before all that is owed was sent; a FIN does not cancel, and one without an answer means that the request failed.",
		Delta: "a rule from 19 on, kept in all",
		Tests: []string{"moq/conformance.TestFinIsNoCancel", "moq/conformance.TestFinWithoutAnswer"},
	},
	{
		Number: 34, Level: Must, Role: Publisher, Section: "5.1.1",
		Text:  "After STOP_SENDING for a subscription all its data streams are reset.",
		Delta: "16: after UNSUBSCRIBE",
		Tests: []string{"moq/conformance.TestCancelledByPeer"},
	},
	{
		Number: 35, Level: MustNot, Role: Publisher, Section: "10.11",
		Text:  "PUBLISH_DONE comes after the last data stream was ended and the last datagram was sent.",
		Tests: []string{"moq/conformance.TestDoneComesLast"},
	},
	{
		Number: 36, Level: Must, Role: Publisher, Section: "10.11",
		Text:  "The stream count of PUBLISH_DONE is exact, or says that it is unknown.",
		Delta: "20: unknown is 2^64-1, and fill streams count",
		Tests: []string{"moq/conformance.TestStreamCount"},
	},
	{
		Number: 37, Level: Should, Role: Subscriber, Section: "10.11",
		Text:  "After PUBLISH_DONE a subscriber waits for the streams announced, for some time, and then gives up those that are missing.",
		Tests: []string{"moq/conformance.TestMissingStreams"},
	},
	{
		Number: 38, Level: MustNot, Role: Publisher, Section: "5.1.1",
		Text:  "No object is sent for a request that was refused.",
		Tests: []string{"moq/conformance.TestRefusedGetsNothing"},
	},
	{
		Number: 39, Level: Must, Role: Endpoint, Section: "10.14",
		Text:  "TRACK_STATUS is answered as a SUBSCRIBE would be, but leaves nothing behind: no alias, no object, no PUBLISH_DONE; FIN after the answer.",
		Tests: []string{"moq/conformance.TestTrackStatus"},
	},
	{
		Number: 40, Level: Must, Role: Subscriber, Section: "10.5", Since: 18,
		Text:  "Track properties in a REQUEST_OK are a violation unless it answers TRACK_STATUS.",
		Tests: []string{"moq/wire.TestRequestOKCheckFor", "moq/conformance.TestPropertiesInOK"},
	},
	{
		Number: 41, Level: Should, Role: Publisher, Section: "10.2.10",
		Text:          "EXPIRES is advisory: a relay may spread it, and a subscriber prolongs by REQUEST_UPDATE.",
		Delta:         "19: in the answers to namespace requests as well",
		NotApplicable: "Nothing here expires: no subscription is granted for a time, so EXPIRES is never sent, and one that is received asks for nothing until the publisher ends the subscription.",
	},
	{
		Number: 42, Level: Should, Role: Endpoint, Section: "10.6.2",
		Text:  "The retry interval is milliseconds plus one, 0 says do not retry; EXCESSIVE_LOAD has one.",
		Delta: "20: 0 does not forbid to follow a REDIRECT",
		Tests: []string{"moq/wire.TestMessages", "relay.TestSessionLimits", "relay.TestRefusedPublisherIsAskedAgain"},
	},
	{
		Number: 43, Level: Must, Role: Relay, Section: "10.6", Since: 18,
		Text:  "REDIRECT may be passed on or kept; a server that receives a URI closes the session, and so does a track name in answer to a namespace request.",
		Delta: "19: also for PUBLISH and SUBSCRIBE_TRACKS",
		Tests: []string{"relay.TestRedirectIsHandedOnAndRemembered", "moq.TestSessionErrors"},
	},
}
