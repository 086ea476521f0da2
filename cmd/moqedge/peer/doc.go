// Package peer describes a MOQT server to connect to, as a configuration file
// or a command line names it: how to trust it and in which draft to speak. It
// makes the client that keeps a session to it.
//
// It must not know what the session is used for.
//
// Start reading at Config, then Keep.
package peer
