// Package peer is the other end of a session under test: it speaks messages,
// streams and datagrams of package wire over a connection, right or wrong, and
// says what came back. It knows no session, no track and no relay.
//
// A Peer is one end of a transport.Conn in a chosen draft. The test scripts it:
// Hello exchanges SETUP, Request makes a request, Accept takes one of the other
// side, OpenSubgroup sends objects, Stream takes a data stream, ExpectClose wants
// the session closed with a code. What does not come in time fails the test.
//
// In draft 16 requests share a control stream and are told apart by their IDs;
// shared.go makes them look as in later drafts, where each has a stream.
//
// Tests run in a testing/synctest bubble: Quiet, which says that nothing more
// came, needs one. Goroutines end with the connection, which is closed with the
// test.
//
// Start reading at Peer (peer.go).
package peer
