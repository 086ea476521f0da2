// Package bench is where this project is measured. Its commands run over real UDP
// sockets on loopback, in processes of their own: bench/relay compares the relay
// with the transport below it (package bare). Results and the commands behind them are in
// RESULTS.md.
package bench
