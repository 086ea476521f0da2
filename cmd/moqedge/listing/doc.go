// Package listing asks a relay which namespaces are live, once or for as long
// as one wants to know.
//
// It knows nothing of media or terminals. Start reading at Now and Watch.
package listing
