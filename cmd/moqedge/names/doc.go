// Package names writes namespaces and track names the way people type them on
// a command line: fields separated by slashes, other bytes as in a URL.
//
//	live/cam1.loc   the namespace ("live", "cam1.loc")
//	a%2Fb           the namespace ("a/b")
//
// It knows nothing but names. Start reading at ParseNamespace.
package names
