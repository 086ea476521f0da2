package link

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// lineDelay of the links that are about something else: that of a line at home.
	lineDelay = 25 * time.Millisecond
	// outageLength is for how long the link "outage" is gone.
	outageLength = 3 * time.Second
	// bottleneckRate is just what the profile 3mbps sends, without headers and sound.
	bottleneckRate = 3e6
)

// Names lists the links of the benchmark.
func Names() []string {
	return []string{"clean", "50ms", "50ms-1%", "100ms-2%", "bottleneck", "outage"}
}

// Parse returns the link of a name. Those of Names, and others of the same form:
//
//   - clean: nothing is emulated.
//   - 50ms, 50ms-1%: a round trip time (half of it each way), and the loss in each
//     direction.
//   - bottleneck: 50 ms, 3 Mbit/s to the viewer, but 1.5 Mbit/s in the second third
//     of the length.
//   - outage: 50 ms, and nothing gets through for 3 s in the middle of the length.
//
// The length is how long the emulator's clock runs; only links that change need it.
func Parse(name string, length time.Duration) (Link, error) {
	l := Link{Name: name}
	switch name {
	case "clean":
	case "bottleneck":
		if length <= 0 {
			return Link{}, errors.New("the link bottleneck changes over time: it needs a duration")
		}
		l.Delay, l.Rate = lineDelay, bottleneckRate
		l.Changes = []Change{{At: length / 3, Rate: bottleneckRate / 2}, {At: length * 2 / 3}}
	case "outage":
		if length <= outageLength {
			return Link{}, fmt.Errorf("the link outage is gone for %v: it needs a longer duration", outageLength)
		}
		l.Delay = lineDelay
		l.Changes = []Change{{At: (length - outageLength) / 2, Down: true}, {At: (length + outageLength) / 2}}
	default:
		rtt, loss, lossy := strings.Cut(name, "-")
		d, err := time.ParseDuration(rtt)
		if err != nil {
			return Link{}, unknown(name)
		}
		l.Delay = d / 2
		if lossy {
			number, percent := strings.CutSuffix(loss, "%")
			p, err := strconv.ParseFloat(number, 64)
			if err != nil || !percent {
				return Link{}, unknown(name)
			}
			l.Loss = p / 100
		}
	}
	if err := l.Validate(); err != nil {
		return Link{}, fmt.Errorf("link %q: %w", name, err)
	}
	return l, nil
}

func unknown(name string) error {
	return fmt.Errorf("unknown link %q: it is one of %s, or a round trip time and loss like 80ms-0.5%%", name, strings.Join(Names(), ", "))
}

// Override replaces single fields of a named link; nil leaves a field as it is.
type Override struct {
	Delay, Jitter, Queue *time.Duration
	Loss, Rate, Up       *float64
}

// Override returns a link with other fields, and a name that says so. A new rate
// scales those of the changes: a bottleneck of 6 Mbit/s drops to 3.
func (l Link) Override(o Override) (Link, error) {
	said := []string{}
	if l.Name != "" {
		said = append(said, l.Name)
	}
	for _, d := range []struct {
		name     string
		to, from *time.Duration
	}{{"delay", &l.Delay, o.Delay}, {"jitter", &l.Jitter, o.Jitter}, {"queue", &l.Queue, o.Queue}} {
		if d.from != nil {
			*d.to = *d.from
			said = append(said, fmt.Sprintf("%s=%v", d.name, *d.from))
		}
	}
	before := l.Rate
	rate := func(v float64) string { return BitRate(v).String() }
	for _, f := range []struct {
		name     string
		to, from *float64
		text     func(float64) string
	}{
		{"loss", &l.Loss, o.Loss, func(v float64) string { return Share(v).String() }}, {"rate", &l.Rate, o.Rate, rate}, {"up", &l.Up, o.Up, rate},
	} {
		if f.from != nil {
			*f.to = *f.from
			said = append(said, f.name+"="+f.text(*f.from))
		}
	}
	if o.Rate != nil && before > 0 {
		l.Changes = slices.Clone(l.Changes)
		for i := range l.Changes {
			l.Changes[i].Rate *= l.Rate / before
		}
	}
	l.Name = strings.Join(said, " ")
	return l, l.Validate()
}
