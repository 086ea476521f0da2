// Package srt takes publications over SRT: a listener that reads the name from
// the stream id, takes the MPEG transport stream apart and hands H.264, AAC and
// Opus to the bridge with wall-clock timestamps.
//
// It must not know MOQT, catalogs or how media is packaged; that is the bridge
// behind it. It sends nothing: requests to read are refused.
//
// Start reading at Server.Serve, then conn.run (one goroutine per publisher),
// session.push (transport stream to bridge units) and clock (stream time to
// wall clock). Package ts below is the transport stream demuxer.
//
// # Capture time
//
// Neither SRT nor MPEG-TS says when a picture was taken. What is known is when
// it came out of the SRT receive buffer, which keeps every packet for the
// negotiated latency. Everything between camera and here only adds delay, so
// the least delay seen in a window of seconds, minus what the buffer and the
// way here took, is the best estimate. clock.go and hold.go do that.
package srt
