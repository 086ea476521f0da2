package conformance

var sectionA = []Rule{
	{
		Number: 1, Level: Must, Role: Endpoint, Section: "3.1",
		Text:  "QUIC datagrams are supported and negotiated; a peer without them gets no session.",
		Tests: []string{"moq/transport.TestClientWithoutDatagrams", "moq/transport.TestConformance"},
	},
	{
		Number: 2, Level: Must, Role: Endpoint, Section: "3.1",
		Text:  "The draft is negotiated by ALPN on raw QUIC, by quoted strings in WT-Available-Protocols and WT-Protocol on WebTransport.",
		Tests: []string{"moq/transport.TestVersions", "moq/transport.TestWebTransportHeader", "moq/transport.TestServerWithoutWTProtocol", "moq/wire.TestVersions"},
	},
	{
		Number: 3, Level: Must, Role: Endpoint, Section: "3.2",
		Text:  "SETUP carries what the draft demands: a client on raw QUIC names path and authority there; extensions come only through SETUP.",
		Delta: "16: CLIENT_SETUP and SERVER_SETUP",
		Tests: []string{"moq/conformance.TestSetupOfClient", "moq/conformance.TestControlStream"},
	},
	{
		Number: 4, Level: Must, Role: Endpoint, Section: "3.3",
		Text:  "Each side has one unidirectional control stream that begins with SETUP and lasts as long as the session.",
		Delta: "16: one bidirectional control stream, opened by the client",
		Tests: []string{"moq.TestBadPeer/second control stream", "moq/conformance.TestControlStream"},
	},
	{
		Number: 5, Level: Must, Role: Endpoint, Section: "3.3",
		Text:  "A bidirectional stream begins with a request; anything else closes the session with PROTOCOL_VIOLATION.",
		Delta: "16: only the control stream and SUBSCRIBE_NAMESPACE",
		Tests: []string{"moq.TestBadPeer/answer without a request", "moq.TestBadPeer/garbage instead of a request", "moq/conformance.TestFirstOnRequestStream"},
	},
	{
		Number: 6, Level: Should, Role: Endpoint, Section: "3.3",
		Text:  "Requests and data that overtake the peer's SETUP are kept until it comes.",
		Tests: []string{"moq/conformance.TestOvertakenSetup"},
	},
	{
		Number: 7, Level: ShouldNot, Role: Endpoint, Section: "3.3",
		Text:  "Parameters that need negotiation are not used before the peer's SETUP.",
		Tests: []string{"moq/conformance.TestNothingBeforeSetup"},
	},
	{
		Number: 8, Level: Must, Role: Endpoint, Section: "10.3",
		Text:  "Unknown setup options are ignored, also repeated ones; a known one that is repeated is a violation.",
		Tests: []string{"moq/wire.TestMessages", "moq/wire.TestBadMessages", "moq/conformance.TestSetupOptions"},
	},
	{
		Number: 9, Level: Must, Role: Endpoint, Section: "10.3.1",
		Text:  "AUTHORITY and PATH come from clients on raw QUIC alone: elsewhere INVALID_AUTHORITY or INVALID_PATH, malformed ones MALFORMED_AUTHORITY or MALFORMED_PATH.",
		Tests: []string{"moq/conformance.TestPathAndAuthority", "moq/conformance.TestSetupOfClient"},
	},
	{
		Number: 10, Level: Must, Role: Endpoint, Section: "3.4",
		Text:  "An unknown type of unidirectional stream closes the session.",
		Delta: "16: neither padding nor SETUP among them",
		Tests: []string{"moq.TestBadPeer/unknown stream type", "moq/wire.TestStreamTypes", "moq/conformance.TestUnknownStreamTypes"},
	},
	{
		Number: 11, Level: Must, Role: Endpoint, Section: "11.5",
		Text:  "An unknown type of datagram closes the session; padding, in streams and datagrams, is read and thrown away.",
		Delta: "16: no padding",
		Tests: []string{"moq/wire.TestDatagramTypes", "moq/wire.TestPaddingDatagrams", "moq/conformance.TestUnknownDatagrams", "moq/conformance.TestPadding"},
	},
	{
		Number: 12, Level: Must, Role: Endpoint, Section: "10",
		Text:  "An unknown control message closes the session, and so does one whose length does not fit its fields.",
		Tests: []string{"moq.TestBadPeer/unknown message on the control stream", "moq/wire.TestTrailingByte", "moq/wire.TestTruncatedMessages", "moq/conformance.TestControlMessages"},
	},
	{
		Number: 13, Level: Must, Role: Endpoint, Section: "1.4.3",
		Text:  "Types beyond 64 bits and values beyond 65535 bytes in Key-Value-Pairs are violations; values that cannot be read are KEY_VALUE_FORMATTING_ERROR.",
		Delta: "16: the range is 62 bits",
		Tests: []string{"moq/wire.TestBadProperties", "moq/wire.TestBadMessages", "moq/wire.TestLongestPropertyValue", "moq/conformance.TestKeyValuePairs"},
	},
	{
		Number: 14, Level: Must, Role: Endpoint, Section: "1.4.1",
		Text:  "Integers in more bytes than they need are accepted.",
		Delta: "16: the integers of RFC 9000",
		Tests: []string{"moq/wire.TestVarints", "moq/conformance.TestLongIntegers"},
	},
	{
		Number: 15, Level: Must, Role: Endpoint, Section: "2.4.1",
		Text:  "Namespaces have at most 32 fields of at least one byte, full names at most 4096 bytes, compared byte by byte; violations close the session.",
		Delta: "16: at least one field, but in a namespace prefix",
		Tests: []string{"moq/wire.TestBadMessages", "moq/wire.TestNameKeysDiffer", "moq/wire.TestNamespacePrefixes", "moq/conformance.TestNameLimits"},
	},
	{
		Number: 16, Level: Must, Role: Endpoint, Section: "14", Since: 18,
		Text:  "Reserved (GREASE) options, properties and error codes are tolerated; an unknown error code means INTERNAL_ERROR.",
		Tests: []string{"moq/conformance.TestGreaseInSetup", "moq/conformance.TestGreaseInProperties", "moq/conformance.TestUnknownErrorCodes"},
	},
	{
		Number: 17, Level: May, Role: Relay, Section: "3.3.1",
		Text:          "Upstream subscriptions may wait until the handshake is complete, or 0-RTT be refused.",
		NotApplicable: "0-RTT is not accepted: the listener leaves quic-go's Allow0RTT off, so no request arrives before the handshake is complete.",
	},
	{
		Number: 18, Level: Must, Role: Relay, Section: "4",
		Text:  "A relay understands every message; a request that it does not serve is answered NOT_SUPPORTED.",
		Tests: []string{"moq/conformance.TestEveryRequestIsAnswered"},
	},
	{
		Number: 19, Level: MustNot, Role: Relay, Section: "9.5",
		Text:  "What closes one session is not passed on to another.",
		Tests: []string{"moq/conformance.TestOffencesStay"},
	},
	{
		Number: 20, Level: Should, Role: Endpoint, Section: "3.5",
		Text:  "A session is closed with the code that tells why.",
		Delta: "16: also TOO_MANY_REQUESTS; 19: also TOO_MANY_REQUEST_UPDATES; 20: no VERSION_NEGOTIATION_FAILED",
		Tests: []string{"moq.TestBadPeer", "moq.TestSilentPeer", "moq/conformance.TestRequestIDs", "moq/conformance.TestPathAndAuthority", "moq/conformance.TestKeyValuePairs", "moq.TestSessionErrors", "moq.TestSessionErrorsCovered"},
	},
}
