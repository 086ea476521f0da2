// Package live holds the live model of MOQT: Track > Group > Subgroup > Object.
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
// Start reading at Track (track.go), then Subgroup and Object, then Feed, which
// is how all of them are read.
package live
