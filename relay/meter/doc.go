// Package meter tells operators what a relay does: figures for Prometheus, a log of who
// had what and why it ended, and qlog files of some connections.
//
// It must not know what serves the figures or what is configured where; it is given a
// relay to read (Source), and is what that relay tells (relay.Observer). Nothing in
// /metrics grows with viewers, tracks or what peers say: labels have values of a
// protocol or of the configuration. What there is of each track is bounded and has a
// handler of its own.
//
// Start reading at Meter (meter.go). table.go names all metrics, which
// docs/observing.md lists; collect.go reads them when somebody asks, histogram.go is
// what is observed meanwhile, without locks or memory. access.go makes lines of what
// is over, file.go writes them from a goroutine of its own, so that no session waits
// for a disk. qlog.go chooses connections and bounds what is kept of them.
package meter
