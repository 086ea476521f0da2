// Command relay measures the relay against the transport below it, over UDP
// sockets on loopback. What it measures and how is in ../RESULTS.md, with the
// figures; "make bench-relay" runs it.
//
// Each part runs in a process of its own (package process): a relay, or the
// bare loop that it is compared with; the load, which is publisher and
// subscribers; and the driver, which tells them what to do and asks what they
// have used. The driver compares within one run, taking turns.
//
// # Map
//
//   - Roles: relayRole (relay_role.go) is the relay as it is. bareRole (bare.go)
//     is its counterpart, of package bare: the same bytes on as many streams, written
//     by quic-go or webtransport-go alone. loadRole (load.go) publishes, subscribes and
//     receives (tap.go, receiver.go).
//   - Drivers: fanout.go compares CPU time, latency.go what a hop adds, memory.go
//     what a session holds. soak.go runs a relay for long while its upstream dies and
//     others come and go (soak_load.go, soak_viewer.go, meter.go). flood.go measures
//     viewers while somebody floods the relay (package flood). rig.go sets the processes up, window.go says what was used and received in
//     a span of time and whether that span counts.
//   - profile.go has the loads, histogram.go latencies, report.go what is printed.
//
// # Where to start reading
//
// fanoutCommand in fanout.go, then rig in rig.go.
package main
