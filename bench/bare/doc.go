// Package bare has what servers are compared with: loops that write the bytes of a
// relay to as many clients and do nothing else. What a server needs beyond them is
// its own doing; what they need is the transport's.
//
//   - [Loop] is QUIC, or WebTransport: each object is given to all connections at
//     once, each of which has a goroutine that writes it. The settings are those of
//     package transport.
//   - [Packets] is UDP alone: the payload in as many packets as QUIC makes of it,
//     each by a system call of its own or many by one (UDP_SEGMENT, as quic-go sends),
//     encrypted by AES-128-GCM or not. There are no acknowledgements, no congestion
//     control, no pacing and no repair: nothing that carries the same packets is
//     cheaper.
//
// Both are libraries: the process that a loop runs in, and the schedule of what it
// sends, are its user's. [Watch] and [Catch] are their clients.
//
// The package must not know relays, sessions, media, nor what is measured.
//
// # Which client wants what
//
// A loop asks Config.Tracks for the tracks of a client by its number. Clients of
// Packets say their number, and so do those of a Loop that is Numbered; else it is
// the order in which they come. A client that comes late gets a track from its next
// group on.
//
// # Locks and goroutines
//
// A loop's mu guards its list of clients, of which senders read a copy; it is held
// over no I/O. A Loop has a goroutine that accepts and one or two for each
// connection, Packets one that reads. All of them end with Close, which waits for
// them.
//
// # Where to start reading
//
// [Loop.Give] in loop.go, [Packets.Send] in packets.go; encode.go makes the bytes.
package bare
