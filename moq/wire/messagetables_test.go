package wire

import "slices"

var (
	from19   = []Version{Draft19, Draft20, Draft21, Draft22}
	twenties = []Version{Draft20, Draft21}
	draft18  = []Version{Draft18}
	draft19  = []Version{Draft19}
	draft22  = []Version{Draft22}
)

// messageTables hold every control message of every draft.
var messageTables = []table[messageCase]{
	{from18, slices.Concat(setupCases, goawayCases, subscribeCases, trackStatusCases, publishCases, requestUpdateCases,
		subscribeOKCases, requestOKCases, requestErrCases, publishDoneCases, namespaceMessageCases)},
	{before20, slices.Concat(subscribeFilterCases, requestUpdateFilterCases, fetchCases, fetchOKCases, publishDoneCountCases)},
	{draft16, slices.Concat(sessionCases16, subscribeCases16, requestCases16, responseCases16, namespaceCases16)},
	{draft18, slices.Concat(goawayIDCases, publishOKCases)},
	{from19, slices.Concat(cases19, rangeFilterCases)},
	{draft19, publishOKCases19},
	{from20, cases20},
	{twenties, slices.Concat(filterCases20, fillFilterCases("02 00 00", "01 02"))},
	{draft22, slices.Concat(filterCases22, fillFilterCases("05", "01 02"))},
}

var badMessageTables = []table[badCase]{
	{from18, slices.Concat(badFrames, badSetups, badGoaways, badSubscribes, badTrackStatuses, badPublishes,
		badRequestUpdates, badSubscribeOKs, badFetchOKs, badRequestOKs, badRequestErrs, badPublishDones, badNamespaceMessages)},
	{before20, slices.Concat(badFilters, badFetches, []badCase{
		{"publish_state_notify of later", frame("22", "00"), SessionProtocolViolation},
		{"subscribe with a fill of later", withParameters("01 23 01 00"), SessionProtocolViolation},
		{"subscribe include properties of later", withParameters("01 35 00"), SessionProtocolViolation},
	})},
	{draft16, badMessages16},
	{draft18, []badCase{
		{"subscribe range filter of later", withParameters("01 25 03 00 03 02"), SessionProtocolViolation},
		{"subscribe_tracks with priority of later", frame("51", "08 00 01 20 01"), SessionProtocolViolation},
		{"subscribe_tracks with filter of later", frame("51", "08 00 01 21 01 02"), SessionProtocolViolation},
	}},
	{from19, slices.Concat(bad19, badRangeFilters)},
	{from20, bad20},
	{twenties, badFilters20},
	{draft22, badFilters22},
}

var cutMessageTables = []table[string]{
	{from18, []string{"", "af", "af00", "03", "0300", "070001", "10 0003 00 00"}},
	{draft16, []string{"", "40", "20", "2000", "200001", "0a 0002 40"}},
}

var nameTables = []table[nameCase]{{from18, nameCases}, {draft16, nameCases16}}

var badNameTables = []table[badCase]{{from18, badNames}, {draft16, badNames16}}
