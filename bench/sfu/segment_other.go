//go:build !linux

package sfu

// canSegment says whether the system splits messages into packets.
const canSegment = false

func appendSegmentSize(oob []byte, _ int) []byte { return oob }
