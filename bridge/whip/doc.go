// Package whip takes WebRTC publications over HTTP (WHIP, RFC 9725): it
// answers the SDP offer, receives H.264 or VP8 and Opus over ICE/DTLS/SRTP,
// and hands access units with wall-clock timestamps to a bridge.Hub.
//
// It must not know packaging, catalogs or MOQT: everything after a complete
// access unit belongs to package bridge. Nothing is transcoded.
//
// Start reading at Handler.open (handler.go), which turns an offer that came by
// package signalling into a session (session.go). A session reads each track in receive.go, and the
// steps of that path are plain state machines without sockets or clocks:
//
//	reorder.go           packets in sequence order, waiting a bounded time
//	h264.go, vp8.go      packets -> access units, dropping up to the next key frame after loss
//	keyframe.go          when to ask the sender for a key frame
//	clock.go             RTP timestamps -> wall clock, with sender reports
//
// offer.go decides what is taken from an offer, engine.go how pion is set up.
//
// # Locks and goroutines
//
// session.mu guards a session's stop reason and the start of goroutines; clock.mu the
// mappings shared by the tracks of a session. Neither is held while another is taken,
// that of the table of sessions (package signalling) included. Each session has one
// goroutine that waits for its end (session.run), gives its place back and closes its
// done channel, and two per track (media and RTCP), which are over before that.
package whip
