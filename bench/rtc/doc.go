// Package rtc is the load of a benchmark over WebRTC: [Publish] sends the frames of
// a media.Source by WHIP (RFC 9725), [View] receives them by WHEP
// (draft-ietf-wish-whep) and notes in a tally.Viewer which frame was complete when.
// [Watch] measures what any WHEP server sends.
//
// Both ends are pion, set up as its documentation recommends, and as quick as
// browsers are: ICE takes the first pair that answers, and what is lost is asked for
// every 10 ms. There is no pacing: a picture is written as fast as the
// socket takes it. Congestion control is fed (TWCC), and nothing listens to it, as
// the source has one quality.
//
// H.264 is packetized by RFC 6184, Opus by RFC 7587. Everything else (AAC,
// messages) goes as opaque packets of the same sizes and a byte more, which only
// bench/sfu passes on. A frame's RTP timestamp is its Due in the clock of the track,
// so a viewer knows which frame it has without anything added to the media.
//
// The package knows neither windows nor rounds, and nothing of MOQT.
//
// # Where to start reading
//
// publish.go and view.go are the two sides, signal.go what they say over HTTP,
// engine.go how pion is set up, receive.go how tracks are read. packetize.go makes
// packets of frames, assemble.go frames of packets, numbers.go tells which frames
// they are. watch.go is the measurement of a foreign server, observe.go what it
// works out; await.go waits until such a server has a stream.
//
// # Goroutines
//
// Publish has one that reads RTCP for each track, View and Watch two for each
// track, which end when the peer connection is closed; Publisher.Run and View
// return when all of theirs have ended.
package rtc
