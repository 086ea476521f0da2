// Package demo is the whole product in one process, on loopback: an origin
// relay, an edge relay that pulls from it over QUIC, the bridge with SRT and
// WHIP, the pages, and a clip that plays in a loop.
//
//	encoder -> bridge -> origin -> edge -> browser
//
// It must not know flags or terminals. Start reading at Start.
package demo
