// Package interop proves moqedge against other implementations of MOQT.
//
// Its tests hold the peers written in Go and are part of "make test". Folder
// peers has those for browsers and, as programs, those written in Rust; "make
// interop" and "make interop-rust" run them. INTEROP.md beside this package's
// parent tells the results, with the bytes where something fails.
//
// What fails on the peer's side is asserted as precisely as what works, so that
// a version that mends it is noticed.
//
// Start reading at eyevinn_test.go, then peers/src/main.ts.
package interop
