// Package cluster is a relay.Directory on NATS: a JetStream key-value bucket
// says which relays there are and which namespaces their publishers announced.
// It runs a NATS server in the process, or uses one by URL.
//
// It knows nothing of sessions, tracks and objects, and decides no route: that
// is the relay's business (relay.Directory).
//
// Start reading at Directory (directory.go): each connection to NATS is a
// session (session.go) that watches the bucket, renews the relay's lease
// (renew.go) and writes its namespaces (register.go). view.go is what is known
// of others, without any NATS, and decides who is alive. record.go has the
// keys and values, server.go the server in the process.
//
// # What is stored
//
//	r.<relay>             JSON: the relay. Expires Config.Lease after it was last written.
//	n.<relay>.<digest>    text form of a namespace. Expires after Config.NamespaceTTL.
//
// A lease is per relay, not per namespace: a relay without one is dead, and its
// namespaces are not shown whether or not their keys are still there. So 100,000
// namespaces cost one small write per relay and second, and each namespace one
// write per half an hour, spread evenly.
//
// # Outages
//
// What was known stays while NATS cannot be reached. An outage is noticed by the
// relay's own lease: when it does not come back from the bucket in time, nobody's
// does, and no lease is taken for expired. After an outage the bucket is read
// anew and relays have twice the lease to return; what a relay no longer has
// when it says that it has written all is withdrawn.
//
// # Goroutines
//
// Join runs all in the caller's goroutine and in those of the session, which end
// with it. Directory.mu guards the relay's own namespaces and the status, and is
// held for map operations alone. The view belongs to Join's goroutine.
package cluster
