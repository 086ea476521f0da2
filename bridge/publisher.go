package bridge

import (
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Publisher is where tracks go: an origin that answers subscriptions. Its
// methods are called with locks held; they must not call back into the hub.
type Publisher interface {
	AddNamespace(wire.Namespace)
	RemoveNamespace(wire.Namespace)
	AddTrack(*live.Track)
	RemoveTrack(wire.FullTrackName)
}

// Priorities of the tracks, lower is more urgent (moqt-18 §12.4). The catalog
// comes first (MSF "Catalog"); audio goes before video because it is small and
// its gaps are noticed most. The header of each subgroup has them, no property
// of the track: Shaka Player 5.2.12 fails on a SUBSCRIBE_OK with properties.
const (
	priorityCatalog = 0
	priorityAudio   = 64
	priorityVideo   = 128
)
