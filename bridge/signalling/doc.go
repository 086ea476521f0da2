// Package signalling is the HTTP side of WHIP (RFC 9725) and WHEP
// (draft-ietf-wish-whep): an SDP offer that is posted makes a session with a URL of
// its own, which takes trickled candidates and an end. An [Endpoint] serves one
// prefix; several may have their sessions in one table, [Sessions].
//
// It must not know what a session carries, nor the WebRTC stack that answers: it
// looks into no SDP but fragments with candidates, and needs the standard library
// alone. Who may do what is decided before a request comes here.
//
// # Where to start reading
//
// endpoint.go is what is answered to whom, sessions.go the table, refusal.go the
// errors that clients see.
//
// # Locks and goroutines
//
// Sessions.mu guards the table and is never held while a session is called. There
// are no goroutines: a session takes itself out of the table when it has ended.
package signalling
