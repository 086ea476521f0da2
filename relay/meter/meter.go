package meter

import (
	"cmp"
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"moqedge/moq/deliver"
	"moqedge/moq/transport"
	"moqedge/relay"
)

// Source is what is read for metrics: a *relay.Relay. Its methods are safe for
// concurrent use.
type Source interface {
	Figures() relay.Figures
	// RTTs are the round-trip times of some sessions, at most limit.
	RTTs(limit int) []time.Duration
	// Tracks are those with the most subscribers, at most limit; Track the one of a
	// name, or none.
	Tracks(limit int) []relay.TrackStatus
	Track(name string) []relay.TrackStatus
}

// Build says what runs.
type Build struct{ Version, Revision, GoVersion string }

// Ingests is how many publications a bridge takes.
type Ingests struct {
	Protocol string // such as srt
	State    string // live or grace
	Count    int
}

// Certificate is one that is shown to clients.
type Certificate struct {
	Name     string // the first in it
	Source   string // development or given; no two of a source have the same name
	NotAfter time.Time
}

// Config of a Meter. The zero value works.
type Config struct {
	Build Build
	// Ingests reads the bridge; nil: there is none.
	Ingests func() []Ingests
	// Certificates says which are shown; nil: none.
	Certificates func() []Certificate
	// MaxTracks is how many tracks /metrics/track tells of; 0 means 100. See
	// Meter.SetMaxTracks.
	MaxTracks int
	// Qlog is counted; nil: there is none.
	Qlog *Qlog
	// Spans reads how many spans of requests were sent, and dropped because too many waited
	// or because they could not be sent; nil: nothing is traced.
	Spans func() (sent, overflown, failed uint64)
}

// DefaultMaxTracks is what 0 means in Config.MaxTracks.
const DefaultMaxTracks = 100

// Meter is what a relay tells (relay.Observer), and a prometheus.Collector of all
// metrics. Its methods are safe for concurrent use; none of those of the former blocks.
type Meter struct {
	config       Config
	descriptions map[string]described
	source       atomic.Pointer[Source]
	maxTracks    atomic.Int64
	log          atomic.Pointer[Log]

	// Of logs that were replaced.
	lines, overflown, failed atomic.Uint64

	forward, queue, rtt *histogram
	subscribed          [relay.Sources]*histogram
	handshakes          [kinds]*histogram // by transport.Kind
}

// kinds of transports there are, and one more.
const kinds = transport.KindWebTransport + 1

var _ relay.Observer = (*Meter)(nil)

// New returns a meter, for which Watch has to be called.
func New(c Config) *Meter {
	m := &Meter{config: c, descriptions: descriptions(table()), forward: newHistogram(fast()), queue: newHistogram(fast()), rtt: newHistogram(slow())}
	for i := range m.subscribed {
		m.subscribed[i] = newHistogram(slow())
	}
	for i := range m.handshakes {
		m.handshakes[i] = newHistogram(slow())
	}
	m.SetMaxTracks(c.MaxTracks)
	return m
}

// Watch says what is read, from now on.
func (m *Meter) Watch(s Source) { m.source.Store(&s) }

// SetMaxTracks changes Config.MaxTracks.
func (m *Meter) SetMaxTracks(n int) { m.maxTracks.Store(int64(cmp.Or(n, DefaultMaxTracks))) }

// SetLog changes where the access log goes; nil: nowhere, as before the first call.
// The one before is closed here, the last one by the caller.
func (m *Meter) SetLog(l *Log) {
	if old := m.log.Swap(l); old != nil {
		old.Close()
		lines, overflown, failed := old.Counts()
		m.lines.Add(lines)
		m.overflown.Add(overflown)
		m.failed.Add(failed)
	}
}

// Run looks at round-trip times until ctx is done.
func (m *Meter) Run(ctx context.Context) {
	tick := time.NewTicker(rttEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.lookAtRTTs()
		case <-ctx.Done():
			return
		}
	}
}

// How often, and of how many sessions, round-trip times are looked at.
const (
	rttEvery    = 10 * time.Second
	rttSessions = 1000
)

func (m *Meter) lookAtRTTs() {
	if s := m.source.Load(); s != nil {
		for _, rtt := range (*s).RTTs(rttSessions) {
			m.rtt.observe(rtt)
		}
	}
}

// Opened implements relay.Observer.
func (m *Meter) Opened(kind transport.Kind, took time.Duration) {
	if kind < kinds {
		m.handshakes[kind].observe(took)
	}
}

// Subscribed implements relay.Observer.
func (m *Meter) Subscribed(from relay.Source, took time.Duration) { m.subscribed[from].observe(took) }

// Sampled implements relay.Observer.
func (m *Meter) Sampled(s deliver.Sample) {
	m.forward.observe(s.Forward)
	m.queue.observe(s.Queued)
}

// Delays are what this relay adds, as far as it was sampled: the time from the first
// byte of an object in to its first byte out, and how long of that it could have been
// sent and was not.
func (m *Meter) Delays() (forward, queued Distribution) {
	return m.forward.reading(), m.queue.reading()
}

// Ended implements relay.Observer: it writes a line.
func (m *Meter) Ended(r relay.Record) {
	if l := m.log.Load(); l != nil {
		l.Add(r)
	}
}

// Register gives the meter's metrics to a registry, with those of the process and of Go.
func (m *Meter) Register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Handler serves what is gathered, as text or OpenMetrics, compressed if the client
// wants it: /metrics.
func Handler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: maxScrapes})
}

// maxScrapes is how many are answered at a time.
const maxScrapes = 4

// TrackHandler serves the metrics of the track ?name=, or of those with the most
// subscribers, at most Config.MaxTracks: /metrics/track.
func (m *Meter) TrackHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := m.source.Load()
		if s == nil {
			http.Error(w, "not started yet", http.StatusServiceUnavailable)
			return
		}
		tracks := []relay.TrackStatus{}
		if name := r.URL.Query().Get("name"); name != "" {
			if tracks = (*s).Track(name); len(tracks) == 0 {
				http.Error(w, "no such track is in use here", http.StatusNotFound)
				return
			}
		} else {
			tracks = (*s).Tracks(int(m.maxTracks.Load()))
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(trackCollector{descriptions(trackTable()), tracks})
		Handler(registry).ServeHTTP(w, r)
	})
}
