package wire

// The drafts that tables of cases hold for.
var (
	draft16    = []Version{Draft16}
	from18     = []Version{Draft18, Draft19, Draft20, Draft21, Draft22}
	from16     = append(draft16, from18...)
	from20     = []Version{Draft20, Draft21, Draft22}
	before20   = []Version{Draft18, Draft19}
	everyDraft = from16
)

// table is cases and the drafts they hold for.
type table[C any] struct {
	drafts []Version
	cases  []C
}

// each calls f with every case of the tables and each of its drafts.
func each[C any](tables []table[C], f func(Version, C)) {
	for _, t := range tables {
		for _, v := range t.drafts {
			for _, c := range t.cases {
				f(v, c)
			}
		}
	}
}

// subgroupTables and the others hold what there is about a kind of stream.
var (
	subgroupTables     = []table[subgroupCase]{{from18, subgroupCases}, {draft16, subgroupCases16}}
	badSubgroupTables  = []table[badCase]{{from18, badSubgroups}, {draft16, badSubgroups16}}
	fetchTables        = []table[fetchCase]{{from18, fetchStreamCases}, {from20, fetchStreamCases20}, {draft16, fetchStreamCases16}}
	badFetchTables     = []table[badCase]{{from18, badFetchStreams}, {before20, badFetchStreamsBefore20}, {draft16, badFetchStreams16}}
	datagramTables     = []table[datagramCase]{{from18, datagramCases}, {draft16, datagramCases16}}
	badDatagramTables  = []table[badCase]{{from18, badDatagrams}, {draft16, badDatagrams16}}
	propertyTables     = []table[propertiesCase]{{from18, propertiesCases}, {draft16, propertiesCases16}}
	badPropertyTables  = []table[badCase]{{from18, badProperties}, {draft16, badProperties16}}
	varintTables       = []table[varintCase]{{from18, varintCases}, {draft16, quicVarintCases}}
	cutSubgroupTables  = []table[string]{{from18, cutSubgroups}, {draft16, cutSubgroups16}}
	cutFetchTables     = []table[string]{{from18, cutFetchStreams}, {draft16, cutFetchStreams16}}
	cutVarintTables    = []table[string]{{from18, cutVarints}, {draft16, cutVarints16}}
	descendingBadTable = []table[badCase]{{from18, badDescendingFetches}}
)
