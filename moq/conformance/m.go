package conformance

var sectionM = []Rule{
	{
		Number: 184, Level: Should, Role: Publisher, Section: "7.2",
		Text:  "What goes first: the lower subscriber priority, then the lower publisher priority, then group order, then the lower subgroup.",
		Delta: "19: datagrams before streams on a tie; 20: rules for fills",
		Tests: []string{"moq/deliver.TestOrder", "moq/deliver.TestTies", "moq/deliver.TestFillOrder", "moq/conformance.TestPublisherPriority"},
	},
	{
		Number: 185, Level: Should, Role: Publisher, Section: "7.2",
		Text:     "Control streams go before request streams, these before objects.",
		Deviates: "requests go before objects on raw QUIC; on WebTransport streams go in the order of quic-go, as webtransport-go does not pass priorities on",
	},
	{
		Number: 186, Level: Should, Role: Relay, Section: "7.3",
		Text:  "A relay goes by the subscriber's and the original publisher's priorities.",
		Tests: []string{"moq/conformance.TestPublisherPriority", "relay.TestFullLink"},
	},
	{
		Number: 187, Level: ShouldNot, Role: Relay, Section: "7.3",
		Text:  "Priority and group order of a subscriber do not go upstream.",
		Tests: []string{"moq/conformance.TestParametersAreHopByHop"},
	},
	{
		Number: 188, Level: Should, Role: Publisher, Section: "7.1",
		Text:  "A new priority holds for what has not been scheduled yet.",
		Tests: []string{"moq/conformance.TestPriorityUpdate"},
	},
	{
		Number: 189, Level: Fact, Role: Publisher, Section: "7.2",
		Text:  "Requests of equal priority all make progress.",
		Tests: []string{"moq/conformance.TestEqualPriorities"},
	},
	{
		Number: 190, Level: Fact, Role: Publisher, Section: "7.1",
		Text:  "What flow control blocks cannot be scheduled: others go on.",
		Tests: []string{"moq.TestStuckSubscriber"},
	},
	{
		Number: 191, Level: Fact, Role: Publisher, Section: "10.2.7",
		Text:  "Defaults: priorities 128, the group order of the track, ascending in FETCH.",
		Tests: []string{"moq/conformance.TestFetchOrder"},
	},
	{
		Number: 192, Level: Fact, Role: Publisher, Section: "7.1",
		Text:  "The group order of a subscription cannot be changed.",
		Tests: []string{"moq/wire.TestRequestUpdateCheckFor"},
	},
	{
		Number: 193, Level: Should, Role: Publisher, Section: "11.5",
		Text:          "Padding goes behind everything else.",
		NotApplicable: "No padding is ever sent by this implementation.",
	},
}
