// Package wire turns MOQT messages, stream headers, object headers and
// datagrams into bytes and back.
//
// It does no I/O, starts no goroutines, keeps no state beyond the small cursors
// that delta encodings need, and imports the standard library alone. It must not
// know sessions: who may send a message, in which order, on which stream and
// with which Request ID is decided by its caller. What a single message says
// about itself (field limits, parameter scopes, enumerations) is checked here.
//
// # Map
//
//   - Control messages: [AppendMessage], [DecodeMessage], and a struct for each message
//     that is a [Message]. [Parameters], [Filter], [RangeFilter] and [Token] are parts of
//     several.
//   - Data streams: [ParseStreamType] tells which; [SubgroupHeader] and [Object];
//     [FetchHeader] and [FetchObject]. A cursor remembers what the next item is relative
//     to. [Datagram] is one of its own.
//   - Names: [Namespace], [FullTrackName], [Location]. [Properties] are kept as bytes.
//   - Codes: [SessionError], [RequestError], [PublishDoneCode], [ResetCode].
//   - Drafts: [Version], [Feature].
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
// The texts are those of moqt-16, moqt-18 and moqt-19; for what was not at hand of
// later ones see the constants of [Version], and the comments beside each rule.
//
// # Units, ownership, concurrency
//
// Times are time.Duration, in whole milliseconds on the wire; lengths are bytes.
// Ranges are inclusive at both ends in the structs, whatever a draft writes; an Object
// of math.MaxUint64 is the whole rest of a group. Names Append... are for functions
// that append to a slice and return it, as append does. A decoded control message
// shares no memory with the input; the Properties of object headers and the payload
// of a datagram do. Encoding and decoding an object header allocates nothing, in
// draft 16 unless it has properties whose framing differs. All is safe for concurrent
// use except for the cursors, which belong to the goroutine of their stream.
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
// engines everything is written with. relay.go has what relays of this kind say to each
// other, trace.go the trace context of requests; both are for peers that said that they
// understand it. The golden vectors in testdata/vectors are
// shared with the TypeScript client.
package wire
