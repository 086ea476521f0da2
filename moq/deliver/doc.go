// Package deliver decides what is sent next on a session.
//
// A Scheduler has one goroutine, the only writer of data streams of its
// session. It holds the session's requests (subscriptions and fetches); each
// has flows, one per open stream, which are no more than a position in a
// subgroup of the live model. The goroutine picks the most urgent flow that
// has bytes (moqt-18 §7.2), writes one bounded piece, and looks again: order is
// decided when the network takes bytes, not when they arrive.
//
// Who notes that something more urgent came interrupts a write that is blocked
// (gate), and while a session has things of different urgency the less urgent ones
// are sent no faster than the link takes them (governor, pace): what was handed to
// the transport is beyond recall.
//
// While nothing is heard of a peer that was sent something, only single packets are tried
// (silence): what an interrupted link loses fills the transport's window, and it would
// notice late that the link is back.
//
// A subscriber that cannot keep up is never waited for: see Config.MaxLag and
// Config.MaxLagBytes.
//
// The package knows the live model and the transport, not how requests are
// made: the session does that. Applications meet its [Config] and [Counters],
// in moq.Config.Deliver.
//
// # Map
//
// [New] makes a Scheduler and [Scheduler.Run] works until the connection ends.
// [Scheduler.Subscribe] sends a track on, by one stream per subgroup and by
// datagrams, until the track has ended (Subscribe.Done), Subscription.Finish or
// Cancel; [Scheduler.Fetch] sends a range on one stream, as the answer to a FETCH or
// as the fill of a subscription.
//
// # Errors
//
// There are none to tell apart: what cannot be sent in time is reset, with the code
// that says why (moqt-18 §3.3.3: DELIVERY_TIMEOUT, TOO_FAR_BEHIND, CANCELLED,
// MALFORMED_TRACK), and counted. Run returns the cause of the end of the connection.
//
// # Units, ownership, concurrency
//
// Times are time.Duration, sizes bytes, priorities 0 to 255 with lower first (moqt-18
// §7), ranges inclusive at both ends. What is sent is read from the shared bytes of
// the track without a copy. Methods of Scheduler, Subscription and FetchResponse are
// safe for concurrent use and do not wait; the Done callbacks are called by the
// scheduler's goroutine and must not block. Of the locks in the package, Scheduler.mu
// and gate.mu, none is held while the other is taken; gate.mu is held while the
// deadline of a stream is set, by whoever notes something or by the gate's timer.
//
// # Drafts
//
// The codec hides nearly all. Besides, the timeouts of single subgroups hold from
// draft 19 on (FeatureObjectTimeouts), fills exist and ranges that were late are
// marked as such from draft 20 on (FeatureFill, FeatureTimedOutRange).
//
// # Where to start reading
//
// Scheduler.Run, then queues, Subscription and flow; for the network write.go, gate,
// post (datagrams), governor and silence.
package deliver
