// Package file plays an MP4 file (H.264, AAC and Opus) in an endless loop as a live
// publication, aligned to UTC: the position in the clip is the time since the
// Unix epoch modulo the clip's duration. So every machine with a right clock
// shows the same picture at the same time, and a picture that shows its own
// number tells its latency.
//
// It knows nothing of packaging or MOQT: it hands frames to a bridge.Broadcast.
// Start reading at Play, then schedule.
//
// # The loop and the sound
//
// The duration of the loop is that of the video. Audio frames do not divide it:
// 10 s at 48 kHz are 468.75 frames of 1024 samples. Timestamps therefore never
// come from the clip: audio frame n of the publication is always at n*1024
// samples since the Unix epoch, without gap or overlap, and carries the frame
// of the clip that lies nearest to that time modulo the duration. Sound is thus
// never more than half a frame (10.7 ms) away from its place; a frame at the
// end of the clip is left out in one of four loops, none is played twice. The
// demo clip is silent around the seam, so nothing is heard of it.
package file
