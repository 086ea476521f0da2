// Package authority is an ACME server for tests, in the process: pebble, which the
// authors of Let's Encrypt made for that. It connects to the names that it validates.
// No program is to contain it.
//
// # Where to start reading
//
// authority.go is all: Start.
package authority
