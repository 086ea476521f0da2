package glass

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/link"
)

// System is what plays.
type System string

// The systems.
const (
	MOQT   System = "moqt"   // our player, WebTransport, our relay
	WebRTC System = "webrtc" // a page with an RTCPeerConnection, WHEP, a forwarding unit built on pion
)

// Systems lists them.
func Systems() []System { return []System{MOQT, WebRTC} }

// Plan says what is measured. Zero fields get the defaults that are named.
type Plan struct {
	Systems  []System      `json:"systems"`     // none: both
	Rounds   int           `json:"rounds"`      // of each system; 0: 3
	Duration time.Duration `json:"duration_ns"` // of what is measured in a round; 0: 10 s, 15 s on a line that changes
	Warm     time.Duration `json:"warm_ns"`     // from the navigation to the window; 0: 5 s and ten round trips
	Link     string        `json:"link"`        // a name that link.Parse knows; "": clean
	Override link.Override `json:"override"`    // of the link's fields
	Seed     uint64        `json:"seed"`        // of losses and jitter; the same in all rounds and systems
	// Target is what both are asked to hold back for a steady playback: the player's
	// target latency, the jitter buffer of WebRTC. 0: each what it does by itself.
	Target  time.Duration `json:"target_ns,omitempty"`
	Browser string        `json:"browser,omitempty"` // file of a Chromium; "": the first on PATH
	// MOQT is a relay other than ours, WHEP the endpoint of a server other than ours. What
	// they carry has to be the clip, or one with the same clock that is aligned to UTC.
	MOQT *Remote `json:"moqt,omitempty"`
	WHEP string  `json:"whep,omitempty"`
	// Pictures is a folder for a picture of the page at the end of each round; "": none.
	Pictures string `json:"pictures,omitempty"`
}

// Remote is a publication at a relay.
type Remote struct {
	URL  string `json:"url"`            // https://HOST:PORT/PATH
	Name string `json:"name,omitempty"` // of the publication; "": demo
	// Fingerprint is the SHA-256 of the certificate, in hexadecimal; "": it is one that
	// browsers trust.
	Fingerprint string `json:"fingerprint,omitempty"`
}

const (
	maxRounds   = 100
	maxDuration = 10 * time.Minute
	maxTarget   = 10 * time.Second // of the player
)

// ready is a plan with its defaults, checked, and what follows from it.
type ready struct {
	Plan
	line link.Link
	file string // of the browser
}

func (p Plan) ready() (r ready, err error) {
	if len(p.Systems) == 0 {
		p.Systems = Systems()
	}
	for i, s := range p.Systems {
		if !slices.Contains(Systems(), s) || slices.Contains(p.Systems[:i], s) {
			return r, fmt.Errorf("%w: system %q: want one or both of %v", lab.ErrPlan, s, Systems())
		}
	}
	if p.Rounds == 0 {
		p.Rounds = 3
	}
	if p.Link == "" {
		p.Link = "clean"
	}
	if p.Duration == 0 {
		p.Duration = 10 * time.Second
		if l, err := link.Parse(p.Link, p.Duration); err == nil && len(l.Changes) > 0 {
			p.Duration = 15 * time.Second
		}
	}
	if p.Rounds < 1 || p.Rounds > maxRounds || p.Duration < time.Second || p.Duration > maxDuration || p.Warm < 0 || p.Target < 0 || p.Target > maxTarget {
		return r, fmt.Errorf("%w: 1 to %d rounds of 1 s to %v and a target of at most %v are possible", lab.ErrPlan, maxRounds, maxDuration, maxTarget)
	}
	if r.line, err = link.Parse(p.Link, p.Duration); err == nil {
		r.line, err = r.line.Override(p.Override)
	}
	if err != nil {
		return r, fmt.Errorf("%w: %w", lab.ErrPlan, err)
	}
	if p.Warm == 0 {
		p.Warm = 5*time.Second + 10*r.line.RTT()
	}
	if p.MOQT != nil {
		m := *p.MOQT
		if u, err := url.Parse(m.URL); err != nil || u.Scheme != "https" || u.Hostname() == "" {
			return r, fmt.Errorf("%w: a browser reaches a relay by https://HOST:PORT/PATH, not %q", lab.ErrPlan, m.URL)
		}
		if m.Name == "" {
			m.Name = "demo"
		}
		p.MOQT = &m
	}
	if u, err := url.Parse(p.WHEP); p.WHEP != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return r, fmt.Errorf("%w: %q is no address of a WHEP endpoint", lab.ErrPlan, p.WHEP)
	}
	if r.file, err = find(p.Browser); err != nil {
		return r, err
	}
	r.Plan = p
	return r, nil
}
