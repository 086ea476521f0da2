// Report runs the tests that the table of package conformance names and prints
// the table with their outcomes. It exits with 1 if one of them failed.
//
//	go run ./moq/conformance/report [--json|--markdown] [--no-run] [rule ...]
//
// With numbers of rules it looks at these alone. Progress goes to standard error.
// It must be run somewhere in the module.
//
// Start reading at main (main.go).
package main
