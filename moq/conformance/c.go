package conformance

var sectionC = []Rule{
	{
		Number: 44, Level: Must, Role: Relay, Section: "9.4",
		Text:  "Every subscriber is authorized for itself, also when the relay has the track already.",
		Tests: []string{"relay.TestAuthorize"},
	},
	{
		Number: 45, Level: Must, Role: Relay, Section: "9.5",
		Text:  "A publisher is authorized for the namespace of its PUBLISH_NAMESPACE and for the full name of each PUBLISH.",
		Tests: []string{"relay.TestAuthorize"},
	},
	{
		Number: 46, Level: Must, Role: Publisher, Section: "10.18",
		Text:  "A subscriber is authorized for the prefix of SUBSCRIBE_NAMESPACE and SUBSCRIBE_TRACKS.",
		Tests: []string{"relay.TestAuthorize"},
	},
	{
		Number: 47, Level: MustNot, Role: Relay, Section: "5.1",
		Text:  "No PUBLISH goes to a client that did not ask for such tracks.",
		Tests: []string{"moq/conformance.TestNoPublishUnasked"},
	},
	{
		Number: 48, Level: Must, Role: Endpoint, Section: "10.2.2",
		Text:  "A token is DELETE, REGISTER, USE_ALIAS or USE_VALUE; one that cannot be read is KEY_VALUE_FORMATTING_ERROR.",
		Tests: []string{"moq/conformance.TestUnreadableToken", "moq/conformance.TestTokens"},
	},
	{
		Number: 49, Level: Must, Role: Endpoint, Section: "10.2.2",
		Text:  "An alias is registered even if its message fails; registered again it is DUPLICATE_AUTH_TOKEN_ALIAS.",
		Tests: []string{"moq/conformance.TestTokens"},
	},
	{
		Number: 50, Level: Must, Role: Endpoint, Section: "10.2.2",
		Text:  "An unknown alias is UNKNOWN_AUTH_TOKEN_ALIAS; malformed and expired tokens refuse their request with codes of their own.",
		Tests: []string{"moq/conformance.TestTokens"},
	},
	{
		Number: 51, Level: Must, Role: Endpoint, Section: "10.2.2",
		Text:  "MAX_AUTH_TOKEN_CACHE_SIZE is enforced, 16 bytes and the value for each token, 0 by default; beyond it AUTH_TOKEN_CACHE_OVERFLOW.",
		Tests: []string{"moq.TestBadPeer/token alias registered without room", "moq/conformance.TestTokenCacheSize", "moq/conformance.TestTokens"},
	},
	{
		Number: 52, Level: MustNot, Role: Endpoint, Section: "10.3.1.4",
		Text:  "A REGISTER in SETUP that finds no room does not fail the session: it is used as a value.",
		Tests: []string{"moq/conformance.TestTokensInSetup"},
	},
	{
		Number: 53, Level: Must, Role: Server, Section: "10.2.2",
		Text:  "DELETE and USE_ALIAS in the client's SETUP are violations.",
		Tests: []string{"moq/conformance.TestTokensInSetup"},
	},
	{
		Number: 54, Level: MustNot, Role: Endpoint, Section: "10.2.2", Since: 18,
		Text:          "An alias is not used on another stream before its REGISTER was answered, nor deleted while a use is unanswered.",
		NotApplicable: "This side neither registers nor uses an alias of its own accord: tokens go out as the application gives them, which alone knows the order of its messages.",
	},
	{
		Number: 55, Level: May, Role: Endpoint, Section: "10.2.2",
		Text:  "A message may have several tokens that differ.",
		Tests: []string{"moq/conformance.TestTokens"},
	},
	{
		Number: 56, Level: Must, Role: Relay, Section: "13.2",
		Text:  "Impersonation is prevented by authentication.",
		Delta: "20: identity or token must permit publishing this namespace",
		Tests: []string{"relay.TestAuthorize"},
	},
	{
		Number: 57, Level: MustNot, Role: Publisher, Section: "20:10.2.2", Since: 20,
		Text:  "The token of SUBSCRIBE_TRACKS is not copied into the PUBLISH that follows from it.",
		Tests: []string{"moq/conformance.TestTokensAreNotCopied"},
	},
}
