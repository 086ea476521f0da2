// Package interop looks at a relay from outside: it publishes and subscribes
// through it and says what did not come out as it went in.
//
// It holds the six cases of the public MOQT interop runner, under their names
// and with their rules, and beyond them cases that compare objects: ids,
// subgroups, priorities, status, property bytes and payload bytes, of live
// objects, of history and of datagrams, also while the link is full and while
// the publisher moves away.
//
// The package knows no relay, in particular not the one of this module: what
// it asks holds for every relay that follows the drafts. It reads no flags and
// no environment; the command does that.
//
// Start reading at Suite (suite.go) and Case (case.go). A case is a function of
// a run (run.go), which connects publishers (publisher.go) and receivers
// (receiver.go); object.go compares, tap.go and json.go report.
package interop
