// Package route knows the ways to namespaces: a table of who can be asked for
// what lies in a namespace, the best first. It does not know what a publisher
// or another relay is, nor how one is asked.
//
// Start reading at Table; route.go says which of two ways is the better one.
package route
