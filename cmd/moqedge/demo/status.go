package demo

import (
	"fmt"
	"strings"
	"time"

	"moqedge/cmd/moqedge/console"
	"moqedge/relay/admin"
)

// Status is one reading of a demo. Mbps are since the reading before.
type Status struct {
	UptimeSeconds float64     `json:"uptimeSeconds"`
	Sessions      int64       `json:"sessions"` // at both relays
	Tracks        int         `json:"tracks"`   // carried by the origin
	MbpsIn        float64     `json:"mbpsIn"`   // from the bridge into the origin
	MbpsOut       float64     `json:"mbpsOut"`  // from the edge to viewers
	Live          []string    `json:"live"`
	Origin        admin.Stats `json:"origin"`
	Edge          admin.Stats `json:"edge"`
}

// Meter takes readings of a demo. It is used by one goroutine.
type Meter struct {
	demo    *Demo
	in, out console.Rate
}

// Meter returns a meter.
func (d *Demo) Meter() *Meter { return &Meter{demo: d} }

// Read takes a reading.
func (m *Meter) Read(now time.Time) Status {
	origin, edge := m.demo.origin.Stats(), m.demo.edge.Stats()
	s := Status{
		UptimeSeconds: edge.UptimeSeconds, Sessions: origin.Sessions + edge.Sessions, Tracks: origin.Tracks,
		MbpsIn: m.in.Next(origin.BytesIn, now), MbpsOut: m.out.Next(edge.BytesOut, now),
		Live: []string{}, Origin: origin, Edge: edge,
	}
	for _, p := range edge.Ingests {
		if p.Live {
			s.Live = append(s.Live, p.Name)
		}
	}
	return s
}

// String is the status line.
func (s Status) String() string {
	live := "nothing"
	if len(s.Live) > 0 {
		live = strings.Join(s.Live, ", ")
	}
	return fmt.Sprintf("up %s | sessions %d | tracks %d | in %.2f Mbps | out %.2f Mbps | live: %s",
		console.Clock(time.Duration(s.UptimeSeconds*float64(time.Second))), s.Sessions, s.Tracks, s.MbpsIn, s.MbpsOut, live)
}
