// Package web serves the browser side of moqedge: the pages (what is live,
// watch, publish), the player they use, and the few facts a page needs to find
// the relay. Everything is embedded in the binary, built by build.mjs from
// src/ and committed in dist/, so building the binary takes no Node.
//
// It must not know what a relay or a bridge is: the relay is a URL, the WHIP
// endpoint an http.Handler.
//
// Start reading at Config and Handler in server.go; the player starts at
// src/ui/player-element.ts.
package web
