// Package conformance holds MOQT's rules for a relay as a table: what each rule
// says, in which drafts, and the tests that prove it, or why there is none.
//
// Rules returns the table. Check holds it against the test files of the module;
// the test of this package fails when they disagree, so a rule cannot lose its
// test unnoticed. Run (run.go) executes exactly the tests that are named; the
// program in folder report prints the result ("make conformance").
//
// Most tests that the table names live here too, in a_test.go to p_test.go: they
// look at a session, or at a relay, from outside, as a peer that speaks package
// wire and nothing else (folder peer).
//
// The table knows nothing of the code that it is about, apart from the paths and
// names of tests; this package imports no session, no relay and no transport.
//
// Start reading at Rule (rule.go), then any of a.go to p.go.
package conformance
