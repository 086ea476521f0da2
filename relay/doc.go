// Package relay forwards tracks: it holds sessions with publishers,
// subscribers and a parent relay, subscribes to each track once at each of its
// publishers for any number of its own subscribers, and answers from the live
// model of package moq/live.
//
// It knows no media and never imports the bridge.
//
// Start reading at Relay (relay.go), then trackEntry (entry.go): the life of a
// track in a relay. feed.go finds its publishers and judges how they end,
// refill.go fetches what is missing, forward.go asks for objects when somebody
// wants them. handler.go answers requests; publish.go, offer.go, status.go and
// namespaces.go those of one kind each. upstream.go keeps the session to the
// parent, drain.go moves away from one that leaves; package route knows who
// publishes what.
//
// Locks are taken in this order: Relay.mu, trackEntry.mu, then those of the
// parent, of a table and of offers. None is held while a message is sent.
package relay
