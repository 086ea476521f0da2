// Package console writes what commands have to say: lines, JSON lines, and a
// status line that stays in place on a terminal while logs scroll above it.
//
// It must not know what is said. Start reading at Console.
package console
