// Command reference is our side in tests with other implementations: it
// publishes the tracks of package pattern, or subscribes to or fetches one of
// them and checks every object.
//
// It knows no particular peer.
//
// Start reading at main.
package main
