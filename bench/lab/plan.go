package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/rtc"
	"moqedge/moq/wire"
)

// System is what carries the media.
type System string

// The systems that are compared.
const (
	QUIC         System = "quic"         // the relay, MOQT over raw QUIC
	WebTransport System = "webtransport" // the relay, MOQT over WebTransport
	WebRTC       System = "webrtc"       // a forwarding unit built on pion, as pion's documentation shows
	// WebRTCSegments is the same unit with what no unit known to us does: the packets
	// of a picture leave as one message for each viewer, which the kernel splits, as
	// QUIC's do. It tells which part of a difference is the protocol's.
	WebRTCSegments System = "webrtc-gso"
)

// Systems lists those that are compared when nothing is said.
func Systems() []System { return []System{QUIC, WebTransport, WebRTC} }

// Plan says what is measured. Zero fields get the defaults that are named.
type Plan struct {
	Systems  []System      `json:"systems"`           // none: those of Systems
	Baseline System        `json:"baseline"`          // that ratios are to; "": WebRTC where it takes part, else the first
	Viewers  int           `json:"viewers"`           // 0: 20
	Hops     int           `json:"hops"`              // servers between publisher and viewers, 1 to 3; 0: 1. WebRTC has one
	Rounds   int           `json:"rounds"`            // of each system; 0: 3
	Duration time.Duration `json:"duration_ns"`       // of what is measured in a round; 0: 8 s, 15 s on a line that changes
	Profile  string        `json:"profile,omitempty"` // of package media; "": 3mbps, unless there is an Input
	Input    string        `json:"input,omitempty"`   // a recording instead of a profile
	Sound    bool          `json:"sound,omitempty"`   // added to a profile that has none
	Link     string        `json:"link"`              // a name that link.Parse knows; "": clean
	Override link.Override `json:"override"`          // of the link's fields
	Seed     uint64        `json:"seed"`              // of frames, losses and jitter; the same in all rounds and systems
	Draft    string        `json:"draft,omitempty"`   // of MOQT, such as moqt-18; "": the newest that both speak
	Target   *Target       `json:"target,omitempty"`  // measured instead of servers of our own, with the one system that is named
	Timeout  time.Duration `json:"timeout_ns"`        // of groups that have ended, which MOQT viewers ask for; 0: 1 s; less: none
}

// Target is a server that is there already, whoever made it.
type Target struct {
	Publish Place `json:"publish"` // where the publisher connects to
	View    Place `json:"view"`    // where viewers do
}

// Limits of a plan.
const (
	maxViewers  = 5000
	maxHops     = 3
	maxRounds   = 100
	maxDuration = time.Hour
)

// ErrPlan reports a plan that cannot be.
var ErrPlan = errors.New("this cannot be measured")

// ready is a plan with its defaults, checked, and what follows from it.
type ready struct {
	Plan
	source media.Source
	line   link.Link
	warm   time.Duration // from the start of the schedule to that of the window
}

func (p Plan) ready() (r ready, err error) {
	if len(p.Systems) == 0 {
		p.Systems = Systems()
	}
	for _, s := range p.Systems {
		if !slices.Contains(Systems(), s) && s != WebRTCSegments && !s.Bare() {
			return r, fmt.Errorf("%w: no system %q: want one of %v", ErrPlan, s, append(append(Systems(), WebRTCSegments), Ceilings()...))
		}
	}
	if p.Baseline == "" {
		p.Baseline = p.Systems[0]
		if slices.Contains(p.Systems, WebRTC) {
			p.Baseline = WebRTC
		}
	}
	if !slices.Contains(p.Systems, p.Baseline) {
		return r, fmt.Errorf("%w: what is compared with %q is not measured", ErrPlan, p.Baseline)
	}
	if p.Target != nil && (len(p.Systems) != 1 || p.Hops > 1) {
		return r, fmt.Errorf("%w: a server that is there already is one system, and one hop as far as is known", ErrPlan)
	}
	p.Viewers, p.Hops, p.Rounds = or(p.Viewers, 20), or(p.Hops, 1), or(p.Rounds, 3)
	if p.Profile == "" && p.Input == "" {
		p.Profile = "3mbps"
	}
	if p.Timeout == 0 {
		p.Timeout = time.Second
	}
	if p.Duration == 0 {
		p.Duration = 8 * time.Second
		if l, err := link.Parse(or(p.Link, "clean"), p.Duration); err == nil && len(l.Changes) > 0 {
			p.Duration = 15 * time.Second
		}
	}
	for _, limit := range []struct {
		what          string
		value, atMost int64
	}{
		{"viewers", int64(p.Viewers), maxViewers}, {"hops", int64(p.Hops), maxHops},
		{"rounds", int64(p.Rounds), maxRounds}, {"milliseconds", p.Duration.Milliseconds(), maxDuration.Milliseconds()},
	} {
		if limit.value < 1 || limit.value > limit.atMost {
			return r, fmt.Errorf("%w: %d %s: 1 to %d are possible", ErrPlan, limit.value, limit.what, limit.atMost)
		}
	}
	if p.Input != "" && p.Profile != "" {
		return r, fmt.Errorf("%w: it is either the recording %q or the profile %q that is sent", ErrPlan, p.Input, p.Profile)
	}
	if _, ok := wire.ParseVersion(p.Draft); !ok && p.Draft != "" {
		return r, fmt.Errorf("%w: draft %s is not spoken here: there are %v", ErrPlan, p.Draft, wire.Versions())
	}
	if r.source, err = p.open(); err != nil {
		return r, err
	}
	if r.line, err = p.lineOf(); err != nil {
		return r, fmt.Errorf("%w: %w", ErrPlan, err)
	}
	if l := r.line; slices.ContainsFunc(p.Systems, System.Bare) && (l.Loss > 0 || l.Rate > 0 || l.Up > 0 || len(l.Changes) > 0 || p.Target != nil || p.Hops > 1) {
		return r, fmt.Errorf("%w: bare loops repair nothing and wait for the slowest viewer: they need lines without loss and limits, one hop and no other server", ErrPlan)
	}
	if n := len(r.source.Tracks()); n > rtc.MaxTracks && slices.ContainsFunc(p.Systems, System.unit) {
		return r, fmt.Errorf("%w: %d tracks over WebRTC, where a connection takes %d: leave it out (--systems quic,webtransport)", ErrPlan, n, rtc.MaxTracks)
	}
	// Viewers come at most 50 in a second, and have two seconds and some round
	// trips to be there; those who have to wait for a key frame as long as that
	// takes, and a second.
	settle := 2 * time.Second
	if slices.ContainsFunc(p.Systems, System.waits) {
		settle = max(settle, longestGroup(r.source)+time.Second)
	}
	if p.Target != nil && p.Systems[0].unit() {
		settle += settling
	}
	r.Plan, r.warm = p, settle+500*time.Millisecond+time.Duration(p.Viewers)*arrival+10*r.line.RTT()
	return r, nil
}

// waits reports whether viewers of a system have to wait for the next key frame.
func (s System) waits() bool { return s.unit() || s.Bare() }

// unit reports whether a system is the forwarding unit.
func (s System) unit() bool { return s == WebRTC || s == WebRTCSegments }

// longestGroup is how long key frames are apart at most, as far as the first of them
// tell.
func longestGroup(s media.Source) (longest time.Duration) {
	const groups, most = 3, 10_000
	for i := range s.Tracks() {
		last, seen := s.Slot(i, 0), 0
		for n := uint64(1); n < most && seen < groups; n++ {
			if f := s.Slot(i, n); f.Key {
				longest = max(longest, f.Due-last.Due)
				last = f
				seen++
			}
		}
	}
	return longest
}

// arrival is how long after one viewer the next one comes.
const arrival = 20 * time.Millisecond

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// open makes the source; every process does, and gets the same one.
func (p Plan) open() (media.Source, error) {
	if p.Input == "" {
		s, err := media.Profile(p.Profile, media.Options{Seed: p.Seed, Sound: p.Sound})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPlan, err)
		}
		return s, nil
	}
	f, err := os.Open(filepath.Clean(p.Input))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return media.File(p.Input, f)
}

// lineOf returns the access line of each viewer.
func (p Plan) lineOf() (link.Link, error) {
	l, err := link.Parse(or(p.Link, "clean"), p.Duration)
	if err != nil {
		return l, err
	}
	return l.Override(p.Override)
}
