package whip

import "time"

// keyRetry is the pause between two requests while a key frame is missing:
// longer than a round trip, so that one loss does not cause a row of key frames.
const keyRetry = 300 * time.Millisecond

// keyRequests decides when to ask the sender for a key frame: at the start,
// after loss until one comes, and when the last one is older than every (a
// MOQT group starts at each, and a viewer can join at none older).
type keyRequests struct {
	every time.Duration
	last  time.Time // of the latest key frame
	asked time.Time
}

// got notes that a key frame came.
func (k *keyRequests) got(now time.Time) { k.last = now }

// due says whether to send a request now; the caller then sends it. missing:
// nothing can be shown until a key frame comes. coming: one is on its way, in
// part, and another request would only make the sender repeat it.
func (k *keyRequests) due(now time.Time, missing, coming bool) bool {
	if coming || !missing && now.Sub(k.last) < k.every {
		return false
	}
	if !k.asked.IsZero() && now.Sub(k.asked) < keyRetry {
		return false
	}
	k.asked = now
	return true
}
