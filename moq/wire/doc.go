// Package wire turns MOQT messages, stream headers, object headers and
// datagrams into bytes and back.
//
// It does no I/O, starts no goroutines, keeps no state beyond the small cursors
// that delta encodings need, and imports the standard library alone. It must not
// know sessions: who may send a message, in which order, on which stream and
// with which Request ID is decided by its caller. What a single message says
// about itself (field limits, parameter scopes, enumerations) is checked here.
//
// # Errors
//
// Three kinds of failure are told apart. [ErrShort] means the bytes seen so far
// are a valid beginning: read more and try again. An [*Error] means the peer
// broke the protocol and the session must be closed with its code. Encoders
// return plain errors: the caller filled in something that cannot be sent.
//
// # Drafts
//
// Every function takes a [Version]. What differs between drafts is written in
// one table, see version.go: which messages, parameters and numbers there are and
// how they look. The structs are the same for all drafts, in terms of the newest.
// What a draft has no field for is left out when it is advice and refused when
// losing it would change what is delivered; codes become the nearest there is
// (translate.go). What a session does differently it asks of [Version.Has].
//
// # Where to start
//
// message.go frames control messages, messagetable.go lists them per draft;
// request.go, response.go and namespace.go hold them, request16.go those that only
// draft 16 has. parameterplaces.go says which parameter belongs where,
// parametertable.go how it is written, filter.go, locationfilter.go and
// rangefilter.go what a subscription selects. subgroup.go,
// fetch.go and datagram.go are the data plane. property.go reads Key-Value-Pairs,
// gap.go what in them makes a Track malformed; transcode.go rewrites them for draft
// 16, which has other integers (quicvarint.go). codec.go is the pair of little
// engines everything is written with. The golden vectors in testdata/vectors are
// shared with the TypeScript client.
package wire
