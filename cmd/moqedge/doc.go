// Command moqedge is the whole product in one binary: a relay with its bridge
// and pages (serve), all of it on one machine to look at (demo), and clients
// to publish, subscribe and list (pub, sub, ls) and to test a relay (interop).
//
// This package only wires: it reads flags (kong), opens files, and calls the
// packages below it. config is what nodes are made of, node runs one, demo two
// of them; peer connects, subscriber and listing are the clients, console
// writes. Nothing here may hold logic that is worth a test of its own.
//
// Start reading at run (main.go); each subcommand has a file.
package main
