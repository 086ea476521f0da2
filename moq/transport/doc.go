// Package transport carries MOQT sessions: it dials and accepts connections
// over raw QUIC, over WebTransport, and over memory for tests, and shows all
// three as one Conn with streams and datagrams (moqt-18 §3.1).
//
// One UDP port serves both kinds. The ALPN of the TLS handshake tells them
// apart: a MOQT version ("moqt-18") is raw QUIC, "h3" is HTTP/3 and becomes a
// Conn once the client has sent an extended CONNECT for WebTransport.
//
// # What it must not know
//
// No MOQT message, no track, no setup option: the codes it carries are plain
// numbers to it. From moq/wire it takes the names of the versions, and the two
// codes with which it closes connections on its own.
//
// # Where to start reading
//
// transport.go holds the interfaces and says what each promises; memory.go is
// the smallest implementation of them. dial.go and listen.go are the two ways
// to a Conn, quic.go and webtransport.go the two adapters, errors.go the one
// place where their errors become ours, and settings.go the windows and
// limits with the reasons for them. conformance_test.go is one table that all
// three implementations pass.
package transport
