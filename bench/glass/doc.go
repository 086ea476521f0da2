// Package glass measures what a person sees: a real Chromium plays the same clip
// once with our player from our relay, once as a WebRTC page from the forwarding
// unit of bench/sfu, and the latency is read from the pixels. Each picture of the
// clip shows its own number, and the clip is aligned to UTC, so that a picture tells
// when it was sent; page and publisher are on one machine and have one clock.
//
//	publisher > relay or forwarding unit > line > Chromium
//
// [Measure] does it: rounds of each system by turns, each in a browser of its
// own with nothing in its caches, over an emulated line of its own that carries the
// pages and the signalling as well as the media. Relay, unit and publisher are
// processes of their own ([Role]); pages and lines belong to this one, which
// has nothing else to do.
//
// What is read is the picture that the page has when the browser is about to
// paint, sixty times a second, and by the same code for both systems: from the
// <video> of one and the <canvas> of the other. Before that a picture has been
// decoded and held back for a steady playback; after it come composition and the
// screen, which are the same for both and not measured.
//
// It must not know flags or terminals.
//
// # Where to start reading
//
// run.go has the rounds, round.go one of them; look.js runs in the page, clock.go and
// sight.go make figures of what it saw. browser.go drives Chromium, line.go leads what
// it sends over the line, publisher.go is the process that publishes.
//
// # Goroutines
//
// Those of a round end with it: [Measure] waits for the browser, the line and the
// pages. The publisher's end with its process.
package glass
