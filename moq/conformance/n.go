package conformance

var sectionN = []Rule{
	{
		Number: 194, Level: Fact, Role: Publisher, Section: "8",
		Text:  "Of the publisher's and the subscriber's timeout the smaller one that is not 0 holds; 0 means none.",
		Delta: "16: one timeout, never 0; 19: the first object of a subgroup may override the track's",
		Tests: []string{"moq/deliver.TestEffectiveTimeout"},
	},
	{
		Number: 195, Level: Must, Role: Publisher, Section: "8",
		Text:  "An object older than its timeout is not handed to the network: its stream is reset with DELIVERY_TIMEOUT, its datagram dropped.",
		Delta: "20: the time runs from the last byte of the header",
		Tests: []string{"moq/deliver.TestObjectTimeout", "moq/deliver.TestObjectDeliveryTimeout", "moq/deliver.TestDatagramTimeout"},
	},
	{
		Number: 196, Level: Must, Role: Publisher, Section: "8", Since: 18,
		Text:  "A subgroup that is complete has its timeout to be delivered, else its stream is reset.",
		Tests: []string{"moq/deliver.TestSubgroupDeliveryTimeout"},
	},
	{
		Number: 197, Level: Should, Role: Publisher, Section: "8",
		Text:  "Little data waits in the transport.",
		Tests: []string{"relay.TestFullLink"},
	},
	{
		Number: 198, Level: May, Role: Publisher, Section: "8",
		Text:  "Without timeouts everything is delivered; beyond the limits the subscription ends with TOO_FAR_BEHIND.",
		Delta: "16: another number",
		Tests: []string{"moq/conformance.TestTooFarBehind", "moq.TestStalledSubscription"},
	},
}
