// Package route knows who publishes what: a table of the namespaces that were
// announced to a relay and by whom. It does not know what a publisher is.
//
// Start reading at Table.
package route
