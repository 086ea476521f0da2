package meter

import "github.com/prometheus/client_golang/prometheus"

// metric is one name in /metrics or /metrics/track.
type metric struct {
	Name   string
	Type   string // gauge, counter or histogram
	Labels []string
	Help   string
}

const (
	gauge   = "gauge"
	counter = "counter"
	hist    = "histogram"
)

// Names of what is observed while the relay works.
const (
	forwardDelay = "moqedge_forward_delay_seconds"
	queueAge     = "moqedge_queue_age_seconds"
	roundTrip    = "moqedge_rtt_seconds"
	subscribe    = "moqedge_subscribe_seconds"
	handshake    = "moqedge_handshake_seconds"
)

// table has all metrics of /metrics but those of the process and of Go.
func table() []metric {
	role, upstream := []string{"role", "region"}, []string{"upstream"}
	return []metric{
		{"moqedge_build_info", gauge, []string{"version", "revision", "goversion"}, "Always 1; the labels say what runs."},

		{"moqedge_sessions", gauge, []string{"transport", "draft", "role"}, "Sessions that are open; role is client (viewers and publishers), above or below (relays)."},
		{"moqedge_sessions_ended_total", counter, []string{"code"}, "Sessions that are over, by the code that they ended with; LOST without one."},
		{handshake, hist, []string{"transport"}, "Time from the first packet of a client until its session was set up."},
		{roundTrip, hist, nil, "Smoothed round-trip times of open sessions, of up to 1000 of them every 10 s."},

		{"moqedge_subscriptions", gauge, nil, "Subscriptions that are served."},
		{subscribe, hist, []string{"source"}, "Time from SUBSCRIBE to SUBSCRIBE_OK, by where the track was had from."},
		{"moqedge_tracks", gauge, nil, "Tracks that are in use."},
		{"moqedge_namespaces", gauge, nil, "Namespaces that are known."},
		{"moqedge_fetches_total", counter, nil, "FETCHes that were answered with objects."},
		{"moqedge_requests_total", counter, []string{"type"}, "Requests of peers."},
		{"moqedge_request_errors_total", counter, []string{"type", "code"}, "Requests of peers that were refused, by the code they were told."},
		{"moqedge_limit_refusals_total", counter, []string{"scope", "limit"}, "What was refused because of a limit; of bytes_in and bitrate_out how often a session had to wait."},
		{"moqedge_address_validations_total", counter, nil, "Clients that had to show by a Retry that they are at their address."},

		{"moqedge_links", gauge, []string{"direction", "state"}, "Links to other relays: above are those that this relay connects to."},
		{"moqedge_upstream_up", gauge, upstream, "1 while there is a session with a configured upstream."},
		{"moqedge_upstream_rtt_seconds", gauge, upstream, "Smoothed round-trip time to a configured upstream."},
		{"moqedge_upstream_namespaces", gauge, upstream, "Namespaces that a configured upstream tells of."},
		{"moqedge_directory_up", gauge, nil, "1 while what the directory tells is current."},
		{"moqedge_directory_relays", gauge, nil, "Other relays that the directory knows to be alive."},

		{"moqedge_received_bytes_total", counter, role, "MOQT bytes that were received: payloads, and whole datagrams."},
		{"moqedge_received_objects_total", counter, role, "Objects that began to be received by subscriptions."},
		{"moqedge_sent_bytes_total", counter, role, "MOQT bytes that were sent, headers included."},
		{"moqedge_sent_objects_total", counter, role, "Objects that were sent whole."},
		{"moqedge_sent_streams_total", counter, role, "Streams with objects that were opened."},
		{"moqedge_sent_datagrams_total", counter, role, "Datagrams that were sent."},
		{"moqedge_dropped_datagrams_total", counter, role, "Datagrams that were too large for their session, or that the network did not take."},
		{"moqedge_unwanted_inputs_total", counter, nil, "Streams and datagrams that came although nobody asked for them."},
		{"moqedge_skipped_groups_total", counter, []string{"reason"}, "Groups that a subscriber did not get to their end: it was behind by time (lag), bytes or all that is kept (lost), or a delivery timeout was over."},
		{forwardDelay, hist, nil, "Time from the first byte of an object in to its first byte out, of one object in 64 of each session."},
		{queueAge, hist, nil, "How long an object could have been sent and was not when its turn came, of the same objects."},

		{"moqedge_cache_bytes", gauge, nil, "Memory that is taken by what is kept."},
		{"moqedge_cache_budget_bytes", gauge, nil, "Memory that it may take."},
		{"moqedge_cache_objects", gauge, nil, "Objects that are kept."},
		{"moqedge_cache_groups", gauge, nil, "Groups that are kept."},
		{"moqedge_cache_tracks", gauge, nil, "Tracks of which something is kept, or that are in use."},
		{"moqedge_cache_hits_total", counter, nil, "Fetches, joining fetches and fills that what is kept was enough for."},
		{"moqedge_cache_misses_total", counter, nil, "Those that it was not enough for."},
		{"moqedge_cache_upstream_fetches_total", counter, nil, "FETCHes that were sent to publishers and other relays."},
		{"moqedge_cache_evictions_total", counter, []string{"reason"}, "Groups that are no longer kept: evicted is for want of room."},
		{"moqedge_cache_shortened_groups_total", counter, nil, "How often a newest group lost its first objects for want of room."},
		{"moqedge_cache_refused_pieces_total", counter, nil, "Pieces of data that there was no room for."},

		{"moqedge_ingests", gauge, []string{"protocol", "state"}, "Publications that the bridge takes; in grace are those whose publisher was lost."},
		{"moqedge_certificate_not_after_seconds", gauge, []string{"name", "source"}, "When a certificate that is shown ends, in seconds since 1970, by its first name; source is development (the node makes the next one by itself) or given."},
		{"moqedge_panics_total", counter, nil, "Panics that were caught; each has a stack in the log."},
		{"moqedge_access_log_lines_total", counter, nil, "Lines that were written to the access log."},
		{"moqedge_access_log_dropped_total", counter, []string{"reason"}, "Lines that were not: the queue was full, or the disk did not take them."},
		{"moqedge_trace_spans_total", counter, nil, "Spans of requests that a collector took."},
		{"moqedge_trace_spans_dropped_total", counter, []string{"reason"}, "Spans that it did not get: the queue was full, or they could not be exported."},
		{"moqedge_qlog_files", gauge, nil, "qlog files that are kept."},
		{"moqedge_qlog_bytes", gauge, nil, "Bytes that they have."},
		{"moqedge_qlog_skipped_total", counter, nil, "Connections that were chosen for a qlog and have none, for want of room or an error."},
	}
}

// trackTable has the metrics of /metrics/track.
func trackTable() []metric {
	track := []string{"track"}
	return []metric{
		{"moqedge_track_subscribers", gauge, track, "Subscriptions to the track that are served."},
		{"moqedge_track_publishers", gauge, track, "Publishers and relays that the track comes from."},
		{"moqedge_track_received_bytes_total", counter, track, "Payload bytes of the track that came by subscriptions."},
		{"moqedge_track_sent_bytes_total", counter, track, "Bytes of the track that were sent to its subscribers."},
		{"moqedge_track_sent_objects_total", counter, track, "Objects of the track that were sent to its subscribers."},
		{"moqedge_track_skipped_groups_total", counter, track, "Groups that its subscribers did not get to their end because they were behind."},
		{"moqedge_track_cache_bytes", gauge, track, "Memory that is taken by what is kept of the track."},
		{"moqedge_track_cache_groups", gauge, track, "Groups that are kept of the track."},
	}
}

// descriptions are those of the metrics of a table, by name.
func descriptions(table []metric) map[string]described {
	all := make(map[string]described, len(table))
	for _, m := range table {
		d := described{desc: prometheus.NewDesc(m.Name, m.Help, m.Labels, nil), kind: prometheus.GaugeValue}
		if m.Type == counter {
			d.kind = prometheus.CounterValue
		}
		all[m.Name] = d
	}
	return all
}

type described struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// writer sends metrics of a table.
type writer struct {
	descriptions map[string]described
	to           chan<- prometheus.Metric
}

func (w writer) put(name string, value float64, labels ...string) {
	d := w.descriptions[name]
	w.to <- prometheus.MustNewConstMetric(d.desc, d.kind, value, labels...)
}
