// Package moq is Media over QUIC Transport: sessions that publish and
// subscribe to tracks, as client and as server, over raw QUIC, WebTransport or
// memory.
//
// A Session is one state machine for requests (moqt-18 §10). What it receives
// it appends to tracks of package live, what it publishes it reads from such
// tracks, so a relay is no more than a Handler that answers a request for a
// track with the live.Track that another session fills.
//
// The application sees requests of the peer through Handler. Origin is the
// Handler of a publisher that has its tracks at hand; Client keeps a session
// to one server alive.
//
// The package knows no media. Packages below it are loc, cmaf and msf.
//
// Start reading at Session (session.go), then Subscribe (subscribe.go) for the
// subscriber's side and Handler (serve.go) for the publisher's.
package moq
