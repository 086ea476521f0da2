// Package live holds the live model of MOQT: Track > Group > Subgroup > Object.
//
// A track is appended by the application that produces it or by the sessions
// that receive it, and read by any number of feeds: the sessions that subscribe
// to it, and readers inside the process. Objects become readable while their
// bytes still arrive, so a relay adds the transmission time of an object once
// and not once per hop.
//
// Each object is there once, however many publishers bring it: of those at work
// on it each adds what no other has brought before, the rest is compared
// (writer.go). What no track may do, for example change an object, is found and
// returned as a *MalformedError to whoever wrote it (malformed.go).
//
// The package knows nothing of connections, of media or of who subscribes. It
// keeps the newest groups (Options) and remembers which ranges of locations it
// does not know, and which will never exist, so that whoever answers a FETCH
// can tell "does not exist" from "never seen" (fill.go, walk.go).
//
// Start reading at Track (track.go), then Subgroup and Object, then Feed, which
// is how all of them are read.
package live
