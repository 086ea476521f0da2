package glass

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/link"
)

// Result is what was seen. It is what is written as JSON. Durations are nanoseconds
// in keys that end with _ns.
type Result struct {
	Began       time.Time     `json:"began"`
	Took        time.Duration `json:"took_ns"`
	Command     []string      `json:"command"` // line that was used
	Machine     lab.Machine   `json:"machine"`
	Versions    []string      `json:"versions"`
	Browser     string        `json:"browser"` // name and version
	Plan        Plan          `json:"plan"`    // with its defaults
	Link        link.Link     `json:"line"`
	Systems     []Summary     `json:"systems"`     // in the plan's order
	Rounds      []Round       `json:"rounds"`      // in the order of their running
	Differences []string      `json:"differences"` // what differs besides the protocol
	// Interrupted says that not all rounds were run.
	Interrupted bool `json:"interrupted,omitempty"`
}

// Round is one system, looked at once.
type Round struct {
	System  System   `json:"system"`
	Number  int      `json:"number"`            // from 1
	Invalid []string `json:"invalid,omitempty"` // why it counts for nothing
	Browser string   `json:"browser"`
	// Startup is how long the first picture took from the navigation, FromPlay from when
	// the page's script asked to play; Connected is from there to the peer
	// connection (WebRTC). 0: it did not come, or cannot be told.
	Startup   time.Duration `json:"startup_ns"`
	FromPlay  time.Duration `json:"from_play_ns"`
	Connected time.Duration `json:"connected_ns,omitempty"`
	Sight     Sight         `json:"sight"`
	// Own is what the player, or the peer connection, said of itself at the end.
	Own map[string]float64 `json:"own"`
	// Load says whether this process, in which the line is, kept up.
	Load lab.Attention `json:"load"`
	// Wire is what passed the line; nothing on a clean one.
	Wire link.Counters `json:"wire"`
}

// Summary is one system over its rounds.
type Summary struct {
	System  System                `json:"system"`
	Valid   int                   `json:"valid"`   // rounds
	Figures map[string]lab.Spread `json:"figures"` // by name, see Figures
	// Ratios are those to WebRTC in the same round, of the player.
	Ratios map[string]lab.Spread `json:"ratios"`
}

// Figure is one number that a system is compared by. Less is always better.
type Figure struct {
	Name  string // key in Summary
	Topic string // figures of a topic follow each other
	Title string // within the topic, for people
	Unit  lab.Unit
	of    func(x Round, minutes float64) (value float64, ok bool)
}

// Figures lists all of them, in the order of reports.
func Figures() []Figure {
	seconds := func(of func(Round) time.Duration) func(Round, float64) (float64, bool) {
		return func(x Round, _ float64) (float64, bool) { d := of(x); return d.Seconds(), d > 0 }
	}
	const (
		age     = "Age of the picture that is there"
		latency = "Age of pictures when they come"
		startup = "Startup, to the first picture"
		stalls  = "Stalls, of more than 200 ms"
	)
	return []Figure{
		{"age_p50", age, "median (p50)", lab.Seconds, seconds(func(x Round) time.Duration { return x.Sight.Age.P50 })},
		{"age_p95", age, "p95", lab.Seconds, seconds(func(x Round) time.Duration { return x.Sight.Age.P95 })},
		{"age_p99", age, "p99", lab.Seconds, seconds(func(x Round) time.Duration { return x.Sight.Age.P99 })},
		{"age_max", age, "largest", lab.Seconds, seconds(func(x Round) time.Duration { return x.Sight.Age.Max })},
		{"latency_p50", latency, "median (p50)", lab.Seconds, seconds(func(x Round) time.Duration { return x.Sight.Latency.P50 })},
		{"latency_p95", latency, "p95", lab.Seconds, seconds(func(x Round) time.Duration { return x.Sight.Latency.P95 })},
		{"startup", startup, "from the navigation", lab.Seconds, seconds(func(x Round) time.Duration { return x.Startup })},
		{"from_play", startup, "from play()", lab.Seconds, seconds(func(x Round) time.Duration { return x.FromPlay })},
		{"connected", startup, "play() to the peer connection", lab.Seconds, seconds(func(x Round) time.Duration { return x.Connected })},
		{"stalls", stalls, "how many", lab.PerMin, func(x Round, m float64) (float64, bool) { return float64(len(x.Sight.Stalls)) / m, true }},
		{"frozen", stalls, "time frozen in a minute", lab.Seconds, func(x Round, m float64) (float64, bool) { return x.Sight.Frozen.Seconds() / m, true }},
		{"stall_longest", stalls, "longest", lab.Seconds, func(x Round, _ float64) (float64, bool) { return x.Sight.longest().Seconds(), true }},
		{"missed", stalls, "pictures never seen", lab.Share, func(x Round, _ float64) (float64, bool) {
			all := x.Sight.Shown + x.Sight.Missed
			return float64(x.Sight.Missed) / float64(all), all > 0
		}},
	}
}

// summarize adds up the rounds of each system that count.
func summarize(p Plan, rounds []Round) []Summary {
	var all []Summary
	minutes := p.Duration.Minutes()
	for _, s := range p.Systems {
		sum := Summary{System: s, Figures: map[string]lab.Spread{}, Ratios: map[string]lab.Spread{}}
		values, ratios := map[string][]float64{}, map[string][]float64{}
		for _, x := range rounds {
			if x.System != s || len(x.Invalid) > 0 {
				continue
			}
			sum.Valid++
			base := slices.IndexFunc(rounds, func(o Round) bool { return o.System == WebRTC && o.Number == x.Number && len(o.Invalid) == 0 })
			for _, f := range Figures() {
				v, ok := f.of(x, minutes)
				if !ok {
					continue
				}
				values[f.Name] = append(values[f.Name], v)
				if s == WebRTC || base < 0 {
					continue
				}
				if b, ok := f.of(rounds[base], minutes); ok && b > 0 {
					ratios[f.Name] = append(ratios[f.Name], v/b)
				}
			}
		}
		for name, v := range values {
			sum.Figures[name] = lab.SpreadOf(v)
		}
		for name, v := range ratios {
			sum.Ratios[name] = lab.SpreadOf(v)
		}
		all = append(all, sum)
	}
	return all
}

// ErrNothing reports that a system has no round that counts.
var ErrNothing = errors.New("nothing was measured")

// Err is nil when each system has a round that counts, or nothing could be asked for
// as the measurement was interrupted.
func (r Result) Err() error {
	var err error
	for _, s := range r.Systems {
		if s.Valid > 0 || r.Interrupted {
			continue
		}
		for _, x := range r.Rounds {
			if x.System == s.System {
				err = errors.Join(err, fmt.Errorf("%w: %s, round %d: %s", ErrNothing, s.System, x.Number, strings.Join(x.Invalid, "; ")))
			}
		}
	}
	return err
}
