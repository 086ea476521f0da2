// Package relay forwards tracks: it holds sessions with publishers,
// subscribers and other relays, subscribes to each track once at each of its
// publishers for any number of its own subscribers, and answers from the live
// model of package moq/live.
//
// It knows no media and never imports the bridge.
//
// Start reading at Relay (relay.go), then trackEntry (entry.go): the life of a
// track in a relay. feed.go finds its publishers and judges how they end,
// retire.go gives them up and takes that back, stranded.go tells relays below when
// there is none, refill.go fetches what is missing, forward.go asks for objects when somebody
// wants them. handler.go answers requests; publish.go, offer.go, status.go and
// namespaces.go those of one kind each. link.go is what there is with
// another relay, connection.go keeps the session to it; hearing.go takes in
// what is told on it of namespaces, telling.go tells others; candidates.go says
// where a track can be had, published.go which are offered at other relays, circle.go sees that it does not come around.
// upstreams.go changes the upstreams while the relay runs;
// keep.go is what is kept and for how long, also when that changes: one budget over all tracks (package
// cache), also of those that nobody uses any more.
// directory.go is what relays find each other by, listed.go what is known from
// it, region.go whom that has one ask; package cluster has a directory on NATS.
// survive.go keeps a panic to the session that it came in.
// treestatus.go, sessions.go and trackpage.go tell operators how links, sessions and
// tracks stand.
// tracing.go follows single requests from relay to relay; package trace does so for
// OpenTelemetry.
// access.go asks whether a request is permitted, permission.go ends what no longer is.
// drain.go has the peers of this relay move away; package route knows the
// ways to namespaces.
//
// Locks are taken in this order: that of SetUpstreams, Relay.mu, trackEntry.mu, those of the cache and of
// a track, then those of the
// links, of a link, of what is listed, of a table and of offers; that of the
// permissions last. None is held
// while a message is sent.
package relay
