// Package tally records what viewers of a benchmark get and says how good it was:
// latency, frames in time, startup, stalls. It is the same for every system that
// is compared.
//
// A [Board] knows the schedule of what is sent. Each [Viewer] of it notes when it
// had which frame complete, and no more; [Board.Window] works everything out of
// these notes. So nothing is measured by one who waits, and a frame that is late
// makes no other one look better: the clock is the schedule's (coordinated
// omission).
//
// # What is owed
//
// A viewer is owed each frame that is due in the window, after it began to connect
// and before it leaves, from the one that it joined at on; of pictures, from the
// first key frame of these. If it never joins a track that it wants, it is owed
// everything since it began to connect. A frame that is due just at the beginning of a window is in it, one at
// its end is not: windows side by side count each frame once.
//
// # Handed to the decoder
//
// A picture is handed to the decoder when it and all before it in its group are
// complete; sound and messages when they are complete. Latency is that time minus
// the frame's Due. In a share of frames in time, those that never are handed over
// count as late.
//
// # The player
//
// Stalls are those of a player with a fixed target latency. The picture with Due d
// belongs on the screen from d + target until the next one's time. If it is not
// handed over by then the player freezes, until the picture that belongs on the
// screen at that moment has been handed over: it catches up at once, decoding but
// not showing what is past, and so keeps its latency; where a group is broken it
// goes on with the next key frame, at that one's time. Freezes that touch are one
// stall. A frame of sound that is not there at its time is a gap as long as the
// frame: what comes later is of no use. Gaps that touch are one stall.
//
// The package knows no network and no system under test.
//
// # Where to start reading
//
// viewer.go takes notes, window.go says which frames count and when they were
// handed over, sum.go adds them up; metrics.go has the result, histogram.go
// durations.
package tally
