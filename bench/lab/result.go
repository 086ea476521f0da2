package lab

import (
	"time"

	"moqedge/bench/link"
	"moqedge/bench/tally"
)

// Result is what a comparison found. It is what is written as JSON, and all that a
// report is made from. Durations are nanoseconds in keys that end with _ns, sizes
// bytes.
type Result struct {
	Began       time.Time     `json:"began"`
	Took        time.Duration `json:"took_ns"`
	Command     []string      `json:"command"` // line that was used
	Machine     Machine       `json:"machine"`
	Versions    []string      `json:"versions"`    // of what takes part, name and version
	Plan        Plan          `json:"plan"`        // with its defaults
	Link        link.Link     `json:"line"`        // of each viewer
	Bitrate     float64       `json:"bitrate_bps"` // of the source's payload
	Systems     []Summary     `json:"systems"`     // in the plan's order
	Rounds      []Round       `json:"rounds"`      // in the order of their running
	Differences []string      `json:"differences"` // what differs between the systems besides the protocol
	// Interrupted says that not all rounds were run.
	Interrupted bool `json:"interrupted,omitempty"`
}

// Round is one system, measured once.
type Round struct {
	System  System   `json:"system"`
	Number  int      `json:"number"`            // from 1
	Invalid []string `json:"invalid,omitempty"` // why it counts for nothing
	// Lost says which viewers the system lost, or never had. Such a round counts: what
	// they did not get is late and missing in its shares. What a viewer costs, and how
	// soon all of them begin, it can not tell.
	Lost    []string      `json:"lost,omitempty"`
	Metrics tally.Metrics `json:"metrics"`
	// Servers are what they used in the window, from the publisher's to the
	// viewers'.
	Servers []Cost     `json:"servers"`
	Load    Saturation `json:"load"`
	// Wire is what passed the viewers' lines, of all of them together; nothing on a
	// clean line.
	Wire link.Counters `json:"wire"`
	// Recovered is how long after the last change of the line frames were in time for
	// RecoveryDelay again, by kind; a kind that never was is left out.
	Recovered map[string]time.Duration `json:"recovered_ns,omitempty"`
	Draft     string                   `json:"draft,omitempty"`  // of MOQT
	Failed    []string                 `json:"failed,omitempty"` // viewers that ended early, or the publisher, and of what
}

// RecoveryDelay is the playout delay that counts as live after a line has recovered.
const RecoveryDelay = "500ms"

// Cost is what a server used in the window.
type Cost struct {
	CPU         time.Duration `json:"cpu_ns"`             // of all threads
	Kernel      time.Duration `json:"kernel_ns"`          // of that, in the kernel
	Cores       float64       `json:"cores"`              // kept busy
	PerGigabyte float64       `json:"cpu_s_per_gb"`       // CPU seconds for 10^9 bytes of payload that viewers got
	PerViewer   float64       `json:"cpu_s_per_viewer_s"` // CPU seconds in a second for one viewer
	Resident    uint64        `json:"resident"`           // mean
	Peak        uint64        `json:"peak"`               // since the process began
	OfViewer    float64       `json:"resident_of_viewer"` // what Resident has beyond the server without viewers, for each
	Goroutines  int           `json:"goroutines"`
	Voluntary   int64         `json:"voluntary_switches"`
	Involuntary int64         `json:"involuntary_switches"`
}

// Spread is a figure over the rounds that count.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Summary is one system over its rounds.
type Summary struct {
	System System `json:"system"`
	Valid  int    `json:"valid"` // rounds
	// Figures by name, see Figures; of the last server where it is about one.
	Figures map[string]Spread `json:"figures"`
	// Ratios are those of the figures to the plan's baseline's in the same round.
	Ratios map[string]Spread `json:"ratios,omitempty"`
	// Merged are all rounds that count.
	Merged tally.Metrics `json:"merged"`
}
