// Package cache says how long the live model is kept: one byte budget over all
// tracks of a relay, time, and a reaper.
//
// It holds no copy of anything: the cache is the live model of package moq/live,
// kept longer. It knows tracks and their groups, and nothing of sessions, of
// requests or of media.
//
// # What is kept
//
// Each track keeps its groups by number and time, and no object for longer than its
// MAX_CACHE_DURATION (moqt-18 §12.3): live.Options. While all tracks together have
// more than the budget, whole groups are forgotten, the oldest over all tracks
// first by the time of their newest object, but never the newest group of a track
// that lives and is read. When those alone are too much, the largest of them lose
// their first objects, and when even that is not enough, because objects arrive
// everywhere at once, Cache.Room says no and sessions refuse what comes. Pinned
// tracks are spared while they take no more than a quarter of the budget. Before all that,
// who has more than its share of the budget (Config.Share) loses what it has beyond it.
//
// A track that nobody uses any more rests (Cache.Rest): it is kept for its time, or
// until there is no room, and goes on where it was (Cache.Resume).
//
// # Who does it
//
// The goroutine of Cache.Run, which sleeps until the first group outlives its time
// or the budget is passed; and, when it does not keep up, whoever asks for Room.
//
// Locks are taken in this order: Cache.mu, that of a track, Cache.stirredMu.
//
// # Where to start reading
//
// Cache (cache.go), then evict.go and reap.go. memory.go finds out how much memory
// the machine has.
package cache
