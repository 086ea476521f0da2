// Package relay forwards tracks: it holds sessions with publishers,
// subscribers and a parent relay, subscribes to each track once for any number
// of its own subscribers, and answers from the live model of package moq/live.
//
// It knows no media and never imports the bridge.
//
// Start reading at Relay (relay.go), then trackEntry (entry.go): the life of a
// track in a relay. handler.go answers requests, upstream.go keeps the session
// to the parent, package route knows who publishes what.
package relay
