// Package topology draws a tree of relays from what their configurations say,
// and names the mistakes in it.
//
// It is about a graph alone: it takes a neutral description (Node), reads no
// file, opens no connection, and knows neither sessions nor how a configuration
// is written.
//
// Start reading at Build, which finds out who is meant by each upstream; then
// Graph.Check (check.go, rings.go, loss.go), Graph.Text and Graph.SVG.
package topology
