package admin

import (
	"context"
	"sync"
	"time"

	"moqedge/relay"
	"moqedge/relay/meter"
)

const (
	paceEvery   = time.Second
	paceSpan    = 2                // readings that a rate is over
	paceIdle    = 15 * time.Second // nobody asked for so long: no readings are taken
	historySize = 60
	maxPaced    = 10_000 // tracks whose rates are known
)

// reading is what counters said at a time.
type reading struct {
	in, out uint64 // MOQT bytes of all sessions
	links   map[string][2]uint64
	tracks  map[string][2]uint64 // in, out
	delays
}

// delays are a reading of what the relay adds.
type delays struct {
	at              time.Time
	forward, queued meter.Distribution
}

// pace makes rates out of readings. It takes them while somebody asks, in a goroutine
// that ends paceIdle after the last question, or with ctx.
type pace struct {
	ctx  context.Context
	read func() reading

	mu      sync.Mutex // guards all below
	running sync.WaitGroup
	asked   time.Time
	taking  bool
	last    []reading // the newest at the end, up to paceSpan+1
	history []Moment
	delays  []delays // the eldest first, those of a minute
}

// rates are those of a moment. Nothing is known of what is not in them.
type rates struct {
	known   bool
	in, out float64
	links   map[string][2]float64
	tracks  map[string][2]float64
	history []Moment
	base    *delays // the eldest, nil while there are none; of these the time since is told
}

// now returns the rates, and has them taken from now on. They are not to be changed.
func (p *pace) now() rates {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = time.Now()
	if !p.taking && p.ctx.Err() == nil {
		p.taking, p.last, p.history, p.delays = true, nil, nil, nil
		p.running.Go(p.take)
	}
	r := rates{history: append([]Moment{}, p.history...)}
	if len(p.delays) > 1 {
		base := p.delays[0]
		r.base = &base
	}
	if len(p.last) < paceSpan {
		return r
	}
	between(&r, p.last[0], p.last[len(p.last)-1])
	return r
}

// take takes readings.
func (p *pace) take() {
	tick := time.NewTicker(paceEvery)
	defer tick.Stop()
	for {
		x := p.read()
		p.mu.Lock()
		p.last = append(p.last, x)
		if n := len(p.last); n > 1 {
			var r rates
			between(&r, p.last[n-2], x)
			p.history = append(p.history, Moment{r.in, r.out})
			p.history = p.history[max(0, len(p.history)-historySize):]
		}
		p.last = p.last[max(0, len(p.last)-paceSpan-1):]
		p.delays = append(p.delays, x.delays)
		p.delays = p.delays[max(0, len(p.delays)-historySize):]
		if p.ctx.Err() != nil || time.Since(p.asked) > paceIdle {
			p.taking = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		select {
		case <-tick.C:
		case <-p.ctx.Done():
		}
	}
}

// between sets the rates from one reading to a later one. A counter that went back began
// anew with a new connection: its rate is not known.
func between(r *rates, a, b reading) {
	seconds := b.at.Sub(a.at).Seconds()
	if seconds <= 0 {
		return
	}
	r.known, r.links, r.tracks = true, map[string][2]float64{}, map[string][2]float64{}
	bits := func(from, to uint64) float64 { return float64(to-from) * 8 / seconds }
	if b.in >= a.in && b.out >= a.out {
		r.in, r.out = bits(a.in, b.in), bits(a.out, b.out)
	}
	for name, now := range b.links {
		if was, ok := a.links[name]; ok && now[0] >= was[0] && now[1] >= was[1] {
			r.links[name] = [2]float64{bits(was[0], now[0]), bits(was[1], now[1])}
		}
	}
	for name, now := range b.tracks {
		if was, ok := a.tracks[name]; ok && now[0] >= was[0] && now[1] >= was[1] {
			r.tracks[name] = [2]float64{bits(was[0], now[0]), bits(was[1], now[1])}
		}
	}
}

// linkKey tells links from each other.
func linkKey(l relay.LinkStatus) string { return l.Name + "\x00" + l.URL + "\x00" + l.ID }

// read takes a reading of the relay.
func (s *Server) read() reading {
	x := reading{links: map[string][2]uint64{}, tracks: map[string][2]uint64{}}
	x.at = time.Now()
	x.forward, x.queued = s.config.Delays()
	for _, t := range s.config.Relay.Traffic() {
		x.in += t.BytesIn
		x.out += t.BytesOut
	}
	for _, l := range s.config.Relay.Links() {
		x.links[linkKey(l)] = [2]uint64{l.BytesIn, l.BytesOut}
	}
	page, _ := s.config.Relay.TrackPage(nil, "", maxPaced)
	for _, t := range page {
		x.tracks[t.Name] = [2]uint64{t.BytesIn, t.BytesOut}
	}
	return x
}
