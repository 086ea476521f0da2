// Package sfu is a WebRTC forwarding unit made of pion: what MOQT is measured
// against. One publisher of a name sends its tracks by WHIP (RFC 9725), any number
// of viewers receive them by WHEP (draft-ietf-wish-whep). RTP packets are passed
// on as they come, each to all viewers by one webrtc.TrackLocalStaticRTP, with the
// interceptors that pion's documentation recommends: NACK, RTCP reports, TWCC.
// Viewers' requests for key frames are passed up to the publisher, not too often.
//
// It is meant to be as cheap as pion lets it be, so that a comparison is fair:
// one UDP port, AES-128-GCM, no DTLS cookie (ICE has verified the
// address already), one certificate, no statistics nobody reads and no logging. It
// hands packets to the kernel one by one, as pion does, or those of a picture
// together, as QUIC stacks do ([Config.Batch]): a comparison states both. It is as quick
// to start as pion lets it be, too: media may flow after the first check of ICE.
// TestAsCheapAsExample holds it against the program that pion's documentation shows for
// broadcasting.
//
// It must not know what is measured, nor what the media means: it neither
// encodes nor keeps pictures, so that a viewer's start waits for the next key
// frame of the publisher.
//
// # Where to start reading
//
// server.go answers offers, which come by package signalling. A publisher's packets take
// the way receive.go > track.go > batch.go. role.go runs the unit as a process of a
// benchmark.
//
// # Locks and goroutines
//
// Server.mu guards the table of streams and is never held while pion is called. A track
// is forwarded by who has its turn, one goroutine at a time; its key requests have a
// lock of their own, and so has the state of a session; batch.go says what is locked
// for sending. None of these is held while another is taken. A session has one
// goroutine that waits for its end and closes it; a publisher one more per track that forwards and one that reads RTCP; a viewer one
// per track that reads RTCP. All of them end when the peer connection is closed,
// and Server.Close waits for them.
package sfu
