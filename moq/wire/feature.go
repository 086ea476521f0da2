package wire

// Feature is something that some drafts have and others lack. What concerns the
// bytes alone is no feature: it is in the table of drafts and stays in this
// package.
type Feature uint8

// Features. What comes with each is in the section named; see the Has method of
// [Version].
const (
	// FeatureControlStream: requests and their answers share one bidirectional
	// control stream (moqt-16 §9). Later drafts give each request a stream.
	FeatureControlStream Feature = iota
	// FeatureJoiningFetch: FETCH may join a subscription (moqt-18 §10.12.2).
	FeatureJoiningFetch
	// FeatureFill: the FILL_PARAMETERS of a subscription ask for the past, and a
	// FETCH is one LOCATION_FILTER (draft 20).
	FeatureFill
	// FeatureStateNotify: PUBLISH_STATE_NOTIFY (draft 20).
	FeatureStateNotify
	// FeatureRangeFilters: parameters 0x25 to 0x29 (moqt-19 §5.1.3).
	FeatureRangeFilters
	// FeatureRequestUpdateLimit: MAX_REQUEST_UPDATES (moqt-19 §10.3.1.7).
	FeatureRequestUpdateLimit
	// FeatureSharedTracks: several subscriptions of one Track in a session, with
	// a shared alias or not (moqt-19 §5.1).
	FeatureSharedTracks
	// FeatureGoawayRequestID: GOAWAY on the control stream names the first Request
	// ID that was not processed (moqt-18 §10.4).
	FeatureGoawayRequestID
	// FeatureGoawayTimeout: GOAWAY says how long the sender waits (moqt-18 §10.4).
	FeatureGoawayTimeout
	// FeatureRequestGoaway: GOAWAY on a request stream (moqt-18 §10.4).
	FeatureRequestGoaway
	// FeatureSubscribeTracks: SUBSCRIBE_TRACKS is a message of its own (moqt-18
	// §10.19). Draft 16 has Subscribe Options in SUBSCRIBE_NAMESPACE.
	FeatureSubscribeTracks
	// FeaturePublishOKParams: the answer to PUBLISH carries what the subscriber
	// wants (moqt-18 §10.5). Later a REQUEST_UPDATE does.
	FeaturePublishOKParams
	// FeatureTimedOutRange: fetch streams have the marker 0x20C (draft 20).
	FeatureTimedOutRange
	// FeatureFirstObject: a subgroup stream says whether it begins with the first
	// Object of the subgroup (moqt-18 §11.4.2).
	FeatureFirstObject
	// FeatureObjectTimeouts: an Object may override the timeouts of its Track
	// (moqt-19 §8).
	FeatureObjectTimeouts
	// FeatureRedirect: REQUEST_ERROR may say where to ask (moqt-18 §10.6.1).
	FeatureRedirect
	// FeatureReservedNamespaces: namespaces with a first field that begins with a
	// period are reserved (moqt-18 §3.2.1).
	FeatureReservedNamespaces
	// FeatureMandatoryProperties: a Track with an unknown property in the mandatory
	// range must not be processed (moqt-18 §2.5.1).
	FeatureMandatoryProperties
	// FeatureFinKeepsRequest: a FIN of the requester says that no REQUEST_UPDATE follows
	// and cancels nothing, not even namespace subscriptions (moqt-19 §3.3.2).
	FeatureFinKeepsRequest
)

// features is a set of Feature.
type features uint32

func setOf(fs ...Feature) features {
	var s features
	for _, f := range fs {
		s |= 1 << f
	}
	return s
}

func (s features) with(fs ...Feature) features    { return s | setOf(fs...) }
func (s features) without(fs ...Feature) features { return s &^ setOf(fs...) }
func (s features) has(f Feature) bool             { return s&(1<<f) != 0 }

// The drafts, each in terms of the one before it.
var (
	features16 = setOf(FeatureControlStream, FeatureJoiningFetch, FeaturePublishOKParams)
	features18 = features16.without(FeatureControlStream).with(FeatureGoawayRequestID, FeatureGoawayTimeout,
		FeatureRequestGoaway, FeatureSubscribeTracks, FeatureFirstObject, FeatureRedirect,
		FeatureReservedNamespaces, FeatureMandatoryProperties)
	features19 = features18.without(FeatureGoawayRequestID).with(FeatureRangeFilters, FeatureRequestUpdateLimit,
		FeatureSharedTracks, FeatureObjectTimeouts, FeatureFinKeepsRequest)
	features20 = features19.without(FeatureJoiningFetch, FeaturePublishOKParams).with(FeatureFill, FeatureStateNotify,
		FeatureTimedOutRange)
)

// Has reports whether draft v has f. It is false for everything in a draft that
// this package does not know.
func (v Version) Has(f Feature) bool { return v.draft().features.has(f) }
