// Package bench is where this project is measured, over real UDP sockets on loopback, with
// server and load in processes of their own. "moqedge bench" compares systems (package
// lab), and shows what a browser shows (package glass); the command bench/relay holds the
// relay against the transport below it (package bare). Results and the commands behind
// them are in RESULTS.md.
package bench
