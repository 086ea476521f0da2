package meter

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// Describe implements prometheus.Collector.
func (m *Meter) Describe(to chan<- *prometheus.Desc) {
	for _, d := range m.descriptions {
		to <- d.desc
	}
}

// Collect implements prometheus.Collector: it reads the relay.
func (m *Meter) Collect(to chan<- prometheus.Metric) {
	w := writer{m.descriptions, to}
	b := m.config.Build
	w.put("moqedge_build_info", 1, b.Version, b.Revision, b.GoVersion)
	m.collectObserved(w)
	m.collectBesides(w)
	s := m.source.Load()
	if s == nil {
		return
	}
	f := (*s).Figures()
	collectSessions(w, &f)
	collectLinks(w, &f)
	collectTraffic(w, &f)
	collectCache(w, &f)
}

// collectObserved sends the histograms.
func (m *Meter) collectObserved(w writer) {
	send := func(name string, h *histogram, labels ...string) {
		w.to <- h.metric(m.descriptions[name].desc, labels...)
	}
	send(forwardDelay, m.forward)
	send(queueAge, m.queue)
	send(roundTrip, m.rtt)
	for i, h := range m.subscribed {
		send(subscribe, h, relay.Source(i).String())
	}
	for _, k := range []transport.Kind{transport.KindQUIC, transport.KindWebTransport} {
		send(handshake, m.handshakes[k], k.String())
	}
}

// collectBesides sends what is not the relay's.
func (m *Meter) collectBesides(w writer) {
	if m.config.Ingests != nil {
		for _, i := range m.config.Ingests() {
			w.put("moqedge_ingests", float64(i.Count), i.Protocol, i.State)
		}
	}
	if m.config.Certificates != nil {
		for _, c := range m.config.Certificates() {
			w.put("moqedge_certificate_not_after_seconds", float64(c.NotAfter.Unix()), c.Name, c.Source)
		}
	}
	lines, overflown, failed := m.lines.Load(), m.overflown.Load(), m.failed.Load()
	if l := m.log.Load(); l != nil {
		a, b, c := l.Counts()
		lines, overflown, failed = lines+a, overflown+b, failed+c
	}
	w.put("moqedge_access_log_lines_total", float64(lines))
	w.put("moqedge_access_log_dropped_total", float64(overflown), "queue")
	w.put("moqedge_access_log_dropped_total", float64(failed), "disk")
	if m.config.Spans != nil {
		sent, overflown, failed := m.config.Spans()
		w.put("moqedge_trace_spans_total", float64(sent))
		w.put("moqedge_trace_spans_dropped_total", float64(overflown), "queue")
		w.put("moqedge_trace_spans_dropped_total", float64(failed), "export")
	}
	files, bytes, skipped := m.config.Qlog.Counts()
	w.put("moqedge_qlog_files", float64(files))
	w.put("moqedge_qlog_bytes", float64(bytes))
	w.put("moqedge_qlog_skipped_total", float64(skipped))
}

func collectSessions(w writer, f *relay.Figures) {
	clients := false
	for _, s := range f.PerSession {
		clients = clients || s.Role == "client"
		w.put("moqedge_sessions", float64(s.Sessions), s.Transport, s.Draft, s.Role)
	}
	if !clients { // what counts viewers has to find none, rather than nothing
		w.put("moqedge_sessions", 0, transport.KindQUIC.String(), wire.Versions()[0].String(), "client")
	}
	for code, n := range f.Ended {
		w.put("moqedge_sessions_ended_total", float64(n), code)
	}
	w.put("moqedge_subscriptions", float64(f.Subscriptions))
	w.put("moqedge_tracks", float64(f.Tracks))
	w.put("moqedge_namespaces", float64(f.Namespaces))
	w.put("moqedge_fetches_total", float64(f.Fetches))
	for verb, n := range f.PerVerb {
		w.put("moqedge_requests_total", float64(n), verb)
	}
	for e, n := range f.Rejected {
		w.put("moqedge_request_errors_total", float64(n), e.Request, e.Code)
	}
	w.put("moqedge_limit_refusals_total", float64(f.Crowded), "session", "matches")
	for _, r := range f.Limits.Refused {
		w.put("moqedge_limit_refusals_total", float64(r.Count), r.Scope, r.Kind)
	}
	w.put("moqedge_address_validations_total", float64(f.Limits.Retries))
	w.put("moqedge_panics_total", float64(f.Panics))
}

// collectLinks counts the links to other relays. Only configured ones have metrics of
// their own: others have names that are not chosen here.
func collectLinks(w writer, f *relay.Figures) {
	type kind struct{ direction, state string }
	links := map[kind]int{{"above", "connected"}: 0, {"below", "connected"}: 0}
	seen := map[string]bool{}
	for _, l := range f.Links {
		k := kind{"below", l.State}
		if l.Dialed {
			k.direction = "above"
		}
		links[k]++
		name, _, _ := strings.Cut(l.Name, "?") // one without a name is its URL, with what may be a token
		if !l.Configured || seen[name] {
			continue
		}
		seen[name] = true
		up := 0.0
		if l.State == "connected" {
			up = 1
		}
		w.put("moqedge_upstream_up", up, name)
		w.put("moqedge_upstream_rtt_seconds", l.RTT.Seconds(), name)
		w.put("moqedge_upstream_namespaces", float64(l.Namespaces), name)
	}
	for k, n := range links {
		w.put("moqedge_links", float64(n), k.direction, k.state)
	}
	if d := f.Directory; d != nil {
		up := 0.0
		if d.Connected {
			up = 1
		}
		w.put("moqedge_directory_up", up)
		w.put("moqedge_directory_relays", float64(d.Relays))
	}
}

// roles are what a peer is called by what it sends, and by what it is sent.
func roles(role string) (from, to string) {
	switch role {
	case "above":
		return "relay_above", "relay_above"
	case "below":
		return "relay_below", "relay_below"
	}
	return "publisher", "subscriber"
}

func collectTraffic(w writer, f *relay.Figures) {
	traffic := f.Traffic
	if len(traffic) == 0 { // series that are there from the start show the first change
		traffic = []relay.Traffic{{Role: "client", Region: f.Region}}
	}
	var lag, flooded, lost, timeouts, unwanted uint64
	for _, t := range traffic {
		from, to := roles(t.Role)
		w.put("moqedge_received_bytes_total", float64(t.BytesIn), from, t.Region)
		w.put("moqedge_received_objects_total", float64(t.ObjectsIn), from, t.Region)
		w.put("moqedge_sent_bytes_total", float64(t.BytesOut), to, t.Region)
		w.put("moqedge_sent_objects_total", float64(t.ObjectsOut), to, t.Region)
		w.put("moqedge_sent_streams_total", float64(t.StreamsOut), to, t.Region)
		w.put("moqedge_sent_datagrams_total", float64(t.DatagramsOut), to, t.Region)
		w.put("moqedge_dropped_datagrams_total", float64(t.DatagramsDropped), to, t.Region)
		lag += t.SkippedLag
		flooded += t.SkippedFlooded
		lost += t.SkippedLost
		timeouts += t.Timeouts
		unwanted += t.Unwanted
	}
	w.put("moqedge_skipped_groups_total", float64(lag), "lag")
	w.put("moqedge_skipped_groups_total", float64(flooded), "bytes")
	w.put("moqedge_skipped_groups_total", float64(lost), "lost")
	w.put("moqedge_skipped_groups_total", float64(timeouts), "timeout")
	w.put("moqedge_unwanted_inputs_total", float64(unwanted))
}

func collectCache(w writer, f *relay.Figures) {
	c := f.Cache
	w.put("moqedge_cache_bytes", float64(c.Bytes))
	w.put("moqedge_cache_budget_bytes", float64(c.Budget))
	w.put("moqedge_cache_objects", float64(f.CachedObjects))
	w.put("moqedge_cache_groups", float64(c.Groups))
	w.put("moqedge_cache_tracks", float64(c.Tracks))
	w.put("moqedge_cache_hits_total", float64(c.Hits))
	w.put("moqedge_cache_misses_total", float64(c.Misses))
	w.put("moqedge_cache_upstream_fetches_total", float64(c.Upstream))
	for reason, n := range c.Forgotten {
		w.put("moqedge_cache_evictions_total", float64(n), reason)
	}
	w.put("moqedge_cache_shortened_groups_total", float64(c.Shortened))
	w.put("moqedge_cache_refused_pieces_total", float64(c.Refused))
}

// trackCollector has the metrics of some tracks.
type trackCollector struct {
	descriptions map[string]described
	tracks       []relay.TrackStatus
}

// Describe implements prometheus.Collector.
func (c trackCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descriptions {
		to <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c trackCollector) Collect(to chan<- prometheus.Metric) {
	w := writer{c.descriptions, to}
	for _, t := range c.tracks {
		w.put("moqedge_track_subscribers", float64(t.Subscribers), t.Name)
		w.put("moqedge_track_publishers", float64(t.Publishers), t.Name)
		w.put("moqedge_track_received_bytes_total", float64(t.BytesIn), t.Name)
		w.put("moqedge_track_sent_bytes_total", float64(t.BytesOut), t.Name)
		w.put("moqedge_track_sent_objects_total", float64(t.ObjectsOut), t.Name)
		w.put("moqedge_track_skipped_groups_total", float64(t.GroupsSkipped), t.Name)
		w.put("moqedge_track_cache_bytes", float64(t.CachedBytes), t.Name)
		w.put("moqedge_track_cache_groups", float64(t.CachedGroups), t.Name)
	}
}
