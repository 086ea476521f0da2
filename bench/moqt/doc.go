// Package moqt is the load side of MOQT: a publisher that writes the frames of a
// [media.Source] when they are due, and viewers that note what they get of them.
// Both are clients of package moq and know nothing of the server: it may be any
// relay, over raw QUIC or WebTransport, in any draft that package moq speaks.
//
// A frame is an object, a group of pictures a group with one subgroup, as the
// bridge has it; objects carry the timestamp of LOC. The number of a frame is
// worked out from the location of its object, which the schedule determines, so
// that relays which drop properties can be measured too.
//
// The package judges nothing: see [tally.Viewer].
//
// # Where to start reading
//
// [Publish] in publish.go, [View] in view.go; numbers.go maps locations to frames.
package moqt
