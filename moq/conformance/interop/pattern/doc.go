// Package pattern is content for tests between implementations: tracks in which
// every object, its place, its properties and its payload can be computed by
// whoever receives it, also in another language.
//
// It must not know who publishes or receives, and over what.
//
// Start reading at Track.
package pattern
