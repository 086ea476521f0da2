package wire

import "strings"

var namespaceMessageCases = []messageCase{
	{
		name: "publish_namespace",
		msg: &PublishNamespace{RequestID: 5, Namespace: Namespace{"live", "cam1"},
			Params: Parameters{AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}}},
		in: frame("06", "05 02 04 6c697665 04 63616d31 01 03 02 02 01"),
	},
	{
		name: "subscribe_namespace",
		msg:  &SubscribeNamespace{RequestID: 8, Prefix: Namespace{"live"}},
		in:   frame("50", "08 01 04 6c697665 00"),
	},
	{
		name: "subscribe_namespace everything",
		msg: &SubscribeNamespace{RequestID: 8,
			Params: Parameters{AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}}},
		in: frame("50", "08 00 01 03 02 02 01"),
	},
	{
		name: "subscribe_tracks",
		msg: &SubscribeTracks{RequestID: 8, Prefix: Namespace{"live"}, Params: Parameters{
			AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}, Forward: Some(false)}},
		in: frame("51", "08 01 04 6c697665 02 03 02 02 01 0d 00"),
	},
	{name: "namespace", msg: &NamespaceMsg{Suffix: Namespace{"cam1"}}, in: frame("08", "01 04 63616d31")},
	{name: "namespace equal to the prefix", msg: &NamespaceMsg{}, in: frame("08", "00")},
	{name: "namespace_done", msg: &NamespaceDone{Suffix: Namespace{"cam1"}}, in: frame("0e", "01 04 63616d31")},
	{
		name: "publish_blocked", msg: &PublishBlocked{Suffix: Namespace{"cam1"}, Name: "a\x00"},
		in: frame("0f", "01 04 63616d31 02 6100"),
	},
	{name: "publish_blocked empty name", msg: &PublishBlocked{}, in: frame("0f", "00 00")},
}

var badNamespaceMessages = []badCase{
	{"publish_namespace with forward", frame("06", "05 00 01 10 01"), SessionProtocolViolation},
	{"publish_namespace 33 fields", frame("06", "05 21", strings.Repeat("0161", 33), "00"), SessionProtocolViolation},
	{"publish_namespace trailing byte", frame("06", "05 00 00 00"), SessionProtocolViolation},
	{"subscribe_namespace with forward", frame("50", "08 00 01 10 01"), SessionProtocolViolation},
	{"subscribe_namespace with options byte", frame("50", "08 00 00 01"), SessionProtocolViolation},
	{"subscribe_tracks with largest object", frame("51", "08 00 01 09 01 02"), SessionProtocolViolation},
	{"namespace empty field", frame("08", "01 00"), SessionProtocolViolation},
	{"namespace too long", frame("08", "02 9000", letters(4096), "01 61"), SessionProtocolViolation},
	{"namespace trailing byte", frame("08", "00 00"), SessionProtocolViolation},
	{"namespace_done trailing byte", frame("0e", "00 00"), SessionProtocolViolation},
	{"publish_blocked without name", frame("0f", "00"), SessionProtocolViolation},
	{"publish_blocked name too long", frame("0f", "00 9001", letters(4097)), SessionProtocolViolation},
	{"publish_blocked trailing byte", frame("0f", "00 00 00"), SessionProtocolViolation},
}
