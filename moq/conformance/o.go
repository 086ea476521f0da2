package conformance

var sectionO = []Rule{
	{
		Number: 199, Level: Must, Role: Endpoint, Section: "10.4",
		Text:  "A second GOAWAY, a URI of more than 8192 bytes, and any URI from a client are violations.",
		Tests: []string{"moq.TestBadPeer/two GOAWAYs", "moq.TestBadPeer/GOAWAY with a URI from a client", "moq/wire.TestBadMessages", "moq/conformance.TestBadGoaway"},
	},
	{
		Number: 200, Level: Must, Role: Endpoint, Section: "10.4",
		Text:  "Requests after GOAWAY are refused with GOING_AWAY; the request ID in it has the right parity, else INVALID_REQUEST_ID.",
		Delta: "18 alone has a request ID in GOAWAY",
		Tests: []string{"moq/conformance.TestRequestsAfterGoaway", "moq/conformance.TestBadGoaway"},
	},
	{
		Number: 201, Level: ShouldNot, Role: Endpoint, Section: "10.4",
		Text:  "Who received GOAWAY makes no new requests.",
		Tests: []string{"moq.TestGoaway", "moq/conformance.TestNoRequestsAfterGoaway"},
	},
	{
		Number: 202, Level: Should, Role: Relay, Section: "3.6",
		Text:  "A relay that goes away says so downstream before it unsubscribes upstream.",
		Tests: []string{"relay.TestDrainKeepsUpstreamSubscriptions"},
	},
	{
		Number: 203, Level: Should, Role: Endpoint, Section: "3.6", Since: 18,
		Text:  "A session with requests left is closed with GOAWAY_TIMEOUT when the time of its GOAWAY is over.",
		Tests: []string{"moq.TestGoaway", "moq/conformance.TestGoawayTimeout"},
	},
	{
		Number: 204, Level: Should, Role: Endpoint, Section: "10.4", Since: 18,
		Text:  "GOAWAY on a request's stream moves that request: made again elsewhere, then given up here.",
		Tests: []string{"moq.TestRequestGoaway"},
	},
	{
		Number: 205, Level: Should, Role: Subscriber, Section: "3.6",
		Text:  "A client that was sent away closes with NO_ERROR once nothing is subscribed.",
		Tests: []string{"relay.TestDrainMovesTheRelaysBelow"},
	},
	{
		Number: 206, Level: May, Role: Subscriber, Section: "9.4.1",
		Text:  "A subscriber moves by subscribing at the new relay before it leaves the old.",
		Tests: []string{"relay.TestDrainMovesTheRelaysBelow"},
	},
	{
		Number: 207, Level: May, Role: Publisher, Section: "9.5.1",
		Text:  "A publisher moves by publishing in both sessions for a while; subscribers see one track.",
		Tests: []string{"moq/conformance.TestTwoPublishers", "relay.TestPublisherSwitchover"},
	},
}
