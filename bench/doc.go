// Package bench measures the relay against the transport below it. Its
// benchmarks run over real UDP sockets on loopback; results and the commands
// behind them are in RESULTS.md.
package bench
