// Package subscriber follows tracks the way `moqedge sub` does: one track by
// its name, or all that the catalog of a publication lists, and measures what
// comes in.
//
// It must not know flags. What Follow reads goes to a Sink; Report is the one
// that prints.
//
// Start reading at Follow.
package subscriber
