package conformance

var sectionP = []Rule{
	{
		Number: 208, Level: Should, Role: Relay, Section: "13.1",
		Text:  "The rate and the number of a session's subscriptions are bounded; more is EXCESSIVE_LOAD.",
		Tests: []string{"relay.TestSessionLimits"},
	},
	{
		Number: 209, Level: Should, Role: Relay, Section: "13.7.1",
		Text:  "The state that namespace requests make is bounded.",
		Delta: "16: by MAX_REQUEST_ID",
		Tests: []string{"relay.TestSessionLimits"},
	},
	{
		Number: 210, Level: May, Role: Relay, Section: "13.7.2",
		Text:  "Short prefixes are guarded: by authorization, or NAMESPACE_TOO_LARGE.",
		Tests: []string{"relay.TestNamespaceTooLarge"},
	},
	{
		Number: 211, Level: Should, Role: Endpoint, Section: "13.5",
		Text:  "Windows fit the bitrate; out of resources, streams are cancelled, the least important first.",
		Tests: []string{"relay.TestFullLink"},
	},
	{
		Number: 212, Level: Fact, Role: Endpoint, Section: "13.6",
		Text:  "Peers that fall silent within a message or an object are timed out; idle sessions are kept alive.",
		Tests: []string{"moq.TestSilentPeer", "moq/transport.TestDeadPeer", "moq.TestSessionErrors", "moq/conformance.TestUnreadNamespaces"},
	},
	{
		Number: 213, Level: Should, Role: Endpoint, Section: "13.8",
		Text:  "MOQT_IMPLEMENTATION has name and version, no more, and can be left out.",
		Tests: []string{"moq/conformance.TestImplementation", "moq/conformance.TestSetupOfClient"},
	},
	{
		Number: 214, Level: Should, Role: Endpoint, Section: "20:13.8",
		Text:  "Words of the peer are made harmless before they are logged.",
		Delta: "a rule from 20 on, kept in all",
		Tests: []string{"moq/conformance.TestLogsAreClean"},
	},
	{
		Number: 215, Level: Must, Role: Endpoint, Section: "1.4.4",
		Text:  "A reason has at most 1024 bytes, else PROTOCOL_VIOLATION.",
		Tests: []string{"moq/wire.TestBadMessages", "moq/wire.TestAppendMessageRefuses", "moq/conformance.TestLongReason"},
	},
	{
		Number: 216, Level: Fact, Role: Endpoint, Section: "3.7",
		Text:          "Congestion control with little queueing suits live media.",
		NotApplicable: "Advice about the congestion controller, which is quic-go's; what this side adds, little data in the transport, is rule 197.",
	},
	{
		Number: 217, Level: Fact, Role: Relay, Section: "13.1",
		Text:  "Against poisoned caches only authorized publishers write, and second copies are compared.",
		Tests: []string{"relay.TestAuthorize", "moq/conformance.TestMalformedTrack"},
	},
	{
		Number: 218, Level: Should, Role: Endpoint, Section: "13.2",
		Text:     "TLS 1.3 as is best practice, with certificates on both sides between relays.",
		Delta:    "20: more on certificates of both sides",
		Tests:    []string{"moq/transport.TestDialTrust"},
		Deviates: "TLS 1.3 by certificate authority or fingerprint; relays show each other no client certificates",
	},
}
