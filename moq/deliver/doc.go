// Package deliver decides what is sent next on a session.
//
// A Scheduler has one goroutine, the only writer of data streams of its
// session. It holds the session's requests (subscriptions and fetches); each
// has flows, one per open stream, which are no more than a position in a
// subgroup of the live model. The goroutine picks the most urgent flow that
// has bytes (order.go, moqt-18 §7.2), writes one bounded piece, and looks again:
// order is decided when the network takes bytes, not when they arrive.
//
// What of a subgroup goes on one stream, and how that ends, is in subgroup.go;
// what filters let through in filter.go; what comes too late in timeout.go. A
// subscriber that cannot keep up is never waited for: see Config.MaxLag.
//
// The package knows the live model and the transport, not how requests are
// made: the session does that. Start reading at Scheduler.Run, then
// Subscription and flow.
package deliver
