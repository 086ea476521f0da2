// Package media is what a benchmark sends: frames of video and sound, when each
// is due, and what it contains. The same frames go through every system that is
// compared.
//
// A [Source] is a schedule that never ends. [Profile] makes one up, with the
// sizes and rates of the load profiles and bytes that depend on a seed; [File]
// loops a recording. Both are deterministic: publisher and viewers make the same
// source and need not talk to each other. A viewer that has a frame together
// asks a [Checker] whether it is the one that was sent.
//
// Frames that are made up are H.264 in structure, so that what packs and unpacks
// H.264 treats them as such, and say their own number ([Number]). A decoder would
// find noise in them.
//
// The package knows no network, no clock and no packaging but LOC's length
// prefixes.
//
// # Where to start reading
//
// media.go has the shapes, profile.go what is made up, synthetic.go how, avc.go
// its H.264; file.go is the loop of a recording, mp4.go and ts.go read one.
package media
