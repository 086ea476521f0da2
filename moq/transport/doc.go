// Package transport carries MOQT sessions: it dials and accepts connections
// over raw QUIC, over WebTransport, and over memory for tests, and shows all
// three as one Conn with streams and datagrams (moqt-18 §3.1).
//
// One UDP port serves both kinds. The ALPN of the TLS handshake tells them
// apart: a MOQT version ("moqt-18") is raw QUIC, "h3" is HTTP/3 and becomes a
// Conn once the client has sent an extended CONNECT for WebTransport.
//
// # Map
//
// [Dial] with a [DialConfig] connects; [Listen] with a [ListenConfig] serves both
// kinds, and [Listener.Accept] yields each [Conn]. A Conn opens and accepts streams
// ([Stream], [SendStream], [ReceiveStream]), sends datagrams, and tells what it is
// ([Info]) and how it fares ([Stats]). [MemoryPair] and [MemoryConfig] are for tests.
//
// # Errors
//
// [*DialError] is all that Dial returns; errors.Is finds [ErrNoCommonVersion] in it.
// [*CloseError]: one of the applications closed the connection, with a session error
// code (moqt-18 §3.5). [*StreamError]: one direction of a stream was given up, with a
// reset code (moqt-18 §3.3.3), while the connection goes on. Both say who did it, and
// both can be compared by errors.Is. [ErrStreamLimit] and [ErrDatagramTooLarge] are
// for the caller to adapt to; [ErrListenerClosed] ends an accept loop. What is left
// (a timeout, a lost network) are the errors of quic-go, as context.Cause of
// Conn.Context.
//
// # Units, ownership, concurrency
//
// Times are time.Duration, sizes and windows bytes. Write and
// SendDatagram do not keep what they are given; what Read and ReceiveDatagram yield
// is the caller's. A Conn and a Listener are safe for concurrent use; of a stream one
// goroutine reads and one writes, all else may be called at any time.
//
// # Drafts
//
// The package negotiates the draft and nothing in it depends on one: DialConfig and
// ListenConfig name versions by their tokens, wire.Version.String, preferred first
// (moqt-18 §3.1). RESET_STREAM_AT is used wherever the peer has it.
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
