// Package whip takes WebRTC publications over HTTP (WHIP, RFC 9725): it
// answers the SDP offer, receives H.264 or VP8 and Opus over ICE/DTLS/SRTP,
// and hands access units with wall-clock timestamps to a bridge.Hub.
//
// It must not know packaging, catalogs or MOQT: everything after a complete
// access unit belongs to package bridge. Nothing is transcoded.
//
// Start reading at Handler.ServeHTTP (handler.go), which turns a request into a
// session (session.go). A session reads each track in receive.go, and the
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
// Handler.mu guards the table of sessions; session.mu its stop reason and the
// start of goroutines; clock.mu the mappings shared by the tracks of a session.
// None is held while another is taken. Each session has one goroutine that
// waits for its end (session.run) and two per track (media and RTCP), all over
// before its done channel closes, and one that then frees its place in the table.
package whip
