// Package live holds the live model of MOQT: Track > Group > Subgroup > Object
// (moqt-18 §2).
//
// A track is appended once, by the session that receives it or by the
// application that produces it, and read by any number of feeds: the sessions
// that subscribe to it, and readers inside the process. Objects become
// readable while their bytes still arrive, so a relay adds the transmission
// time of an object once and not once per hop.
//
// The package knows nothing of connections, of media or of who subscribes. It
// keeps the newest groups (Options) and remembers which ranges of locations it
// does not know, so that whoever answers a FETCH can tell "does not exist"
// from "never seen".
//
// # Map
//
//   - Make: [NewTrack] with [Options], ended by [Track.Close].
//   - Write: [Track.OpenSubgroup] gives a [SubgroupWriter], which takes whole objects
//     (Append) or their bytes as they come (Begin, Buffer, Commit);
//     [Track.AppendDatagram]; for the past [Track.NewFiller], within
//     [Track.ExpectFill] and [Track.EndFill].
//   - Read: [Track.NewReader] for complete objects, each once; [Track.NewFeed] and
//     [Subgroup] for what is sent on while it arrives; [Track.NewWalk] for a range in
//     the order of a FETCH response.
//   - Ask: [Track.Largest], [Track.Unknown], [Track.Missing], [Track.Interrupted],
//     [Track.Size].
//
// # Errors
//
// [ErrClosed]: the track or the writer is closed; for a reader, all was read.
// [ErrOrder]: the caller's objects do not ascend, or one is not complete; the writer
// can be used on. [*MalformedError]: what was written contradicts what is there
// (moqt-18 §2.4.2), as it does when a publisher is broken or two of them differ.
// Properties of a track that cannot be parsed are a *wire.Error.
//
// # Units, ownership, concurrency
//
// Sizes are bytes; a [Range] is half open, all other ranges are inclusive at both
// ends. Slices that are given to a track belong to it, those that it gives are
// shared and must not be changed; an object that was read stays valid when the track
// forgets it. Properties are in the form of draft 18 and later, whatever a session
// speaks (wire.Properties). Methods of Track, Subgroup and Object are safe for
// concurrent use; writers, fillers, feeds, readers and walks belong to one goroutine
// each. The package starts no goroutines: a [Listener] is called by whoever writes.
//
// # Drafts
//
// A track is the same whatever drafts it comes from and goes to.
// Object.Framing alone asks for one: it keeps the encoded header for each form.
//
// # Where to start reading
//
// Track (track.go), then Subgroup and Object, then Feed, which is how all of them
// are read.
package live
