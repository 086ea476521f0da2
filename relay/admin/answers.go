package admin

import (
	"time"

	"moqedge/relay"
)

// Failure is the answer to a request that was not carried out.
type Failure struct {
	Status int    `json:"status"`
	Error  string `json:"error"` // for people, says what to do
}

// Health says that the process answers.
type Health struct {
	Status string `json:"status"` // ok
}

// Readiness says whether to send somebody here.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why it is not
}

// Stats are the counters of the relay and what comes in.
type Stats struct {
	Name          string  `json:"name,omitempty"`
	UptimeSeconds float64 `json:"uptimeSeconds"`
	relay.Stats
	// Certificates are those that the node shows, that for who asks for no name first.
	Certificates []Certificate `json:"certificates"`
	// Ingests are the publications that the bridge takes.
	Ingests []Ingest `json:"ingests"`
}

// Certificate is what a server shows.
type Certificate struct {
	Names       []string  `json:"names"`
	Fingerprint string    `json:"fingerprint"` // SHA-256 in hex
	NotBefore   time.Time `json:"notBefore"`
	NotAfter    time.Time `json:"notAfter"`
}

// Ingest is one publication.
type Ingest struct {
	Name     string        `json:"name"`
	Protocol string        `json:"protocol"` // srt, whip or file
	Remote   string        `json:"remote"`
	Live     bool          `json:"live"` // false: the publisher is gone and may return
	Since    time.Time     `json:"since"`
	Dropped  uint64        `json:"droppedFrames"`
	Tracks   []IngestTrack `json:"tracks"`
}

// IngestTrack is one media track of a publication.
type IngestTrack struct {
	Name       string  `json:"name"`
	Codec      string  `json:"codec"`
	Width      int     `json:"width,omitempty"`
	Height     int     `json:"height,omitempty"`
	Framerate  float64 `json:"framerate,omitempty"`
	SampleRate int     `json:"sampleRate,omitempty"`
	Channels   int     `json:"channels,omitempty"`
	Bitrate    int     `json:"bitrate"` // bits per second
}

// Overview is a node at a glance: what the status page and `moqedge top` show. Rates are
// bits per second over the last two seconds; they are left out until they are known,
// two seconds after somebody asked first.
type Overview struct {
	Node    NodeInfo         `json:"node"`
	Totals  Totals           `json:"totals"`
	History []Moment         `json:"history"` // the eldest first, a second apart, up to a minute
	Delays  Delays           `json:"delays"`
	Links   []Link           `json:"links"`
	Tracks  []Track          `json:"tracks"`  // those with the highest rates, in and out
	Traffic []relay.Traffic  `json:"traffic"` // since the start, by role and region of the peer
	Cache   relay.CacheStats `json:"cache"`
	Ingests []Ingest         `json:"ingests"`
}

// Delays are what this node adds to objects on their way. Of one object in 64 of each
// session it is known.
type Delays struct {
	// Seconds is what time they are of: up to the last minute while somebody asks, else
	// that since the start.
	Seconds float64 `json:"seconds"`
	Forward Delay   `json:"forward"` // from the first byte in to the first byte out
	Queued  Delay   `json:"queued"`  // of that, how long they could have been sent and were not
}

// Delay is a distribution of durations, as exact as the buckets of
// moqedge_forward_delay_seconds are. It is 0 without samples.
type Delay struct {
	Samples uint64        `json:"samples"`
	P50     time.Duration `json:"p50"` // in nanoseconds
	P99     time.Duration `json:"p99"`
}

// NodeInfo says which node it is.
type NodeInfo struct {
	Name          string    `json:"name"`
	ID            string    `json:"id"` // in hop lists
	Region        string    `json:"region"`
	Version       string    `json:"version"`
	At            time.Time `json:"at"` // of this answer
	UptimeSeconds float64   `json:"uptimeSeconds"`
	Readiness
}

// Totals are counters of all sessions. Bytes are MOQT bytes, not QUIC.
type Totals struct {
	Sessions      int64    `json:"sessions"`
	Subscriptions int64    `json:"subscriptions"`
	Tracks        int      `json:"tracks"`
	Namespaces    int      `json:"namespaces"`
	Requests      uint64   `json:"requests"`
	Refused       uint64   `json:"refused"`
	GroupsSkipped uint64   `json:"groupsSkipped"`
	BytesIn       uint64   `json:"bytesIn"`
	BytesOut      uint64   `json:"bytesOut"`
	BitsIn        *float64 `json:"bitsInPerSecond,omitempty"`
	BitsOut       *float64 `json:"bitsOutPerSecond,omitempty"`
}

// Moment is what went in and out at a time, in bits per second.
type Moment struct {
	In  float64 `json:"in"`
	Out float64 `json:"out"`
}

// Link is a link to another relay, with the rates of its connection.
type Link struct {
	relay.LinkStatus
	BitsIn  *float64 `json:"bitsInPerSecond,omitempty"`
	BitsOut *float64 `json:"bitsOutPerSecond,omitempty"`
}

// Track is a track, with the rates at which it comes in, and goes out to all
// subscribers.
type Track struct {
	relay.TrackStatus
	BitsIn  *float64 `json:"bitsInPerSecond,omitempty"`
	BitsOut *float64 `json:"bitsOutPerSecond,omitempty"`
}

// Sessions is a page of the sessions.
type Sessions struct {
	Sessions []relay.SessionStatus `json:"sessions"`
	Next     string                `json:"next,omitempty"` // after, for the next page; left out on the last one
}

// Tracks is a page of the tracks.
type Tracks struct {
	Tracks []Track `json:"tracks"`
	Next   string  `json:"next,omitempty"` // after, for the next page; left out on the last one, and in an order other than by name
}

// Namespaces are the ways to namespaces, those of each best first.
type Namespaces struct {
	Routes []relay.RouteStatus `json:"routes"`
	More   bool                `json:"more"` // there are more than the limit: ask for a longer prefix
}

// Upstreams are the links to other relays.
type Upstreams struct {
	Links []Link `json:"links"`
}

// Purged says of how many tracks something was forgotten.
type Purged struct {
	Tracks int `json:"tracks"`
}

// Closed says which session was closed.
type Closed struct {
	ID string `json:"id"`
}

// Draining says that the node drains.
type Draining struct {
	Draining bool `json:"draining"`
}

// Settings is the configuration in effect.
type Settings struct {
	Values  []Setting `json:"values"`
	Pending []Pending `json:"pending"` // what was applied and waits for a restart
	// Reloaded is when a configuration was last applied, or refused: Refused says why
	// then. Left out when it never was.
	Reloaded *time.Time `json:"reloaded,omitempty"`
	Refused  string     `json:"refused,omitempty"`
}

// Setting is a field of the configuration.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"` // secrets masked
	// From is where it comes from: "default", "file, line 3", "environment: NAME" or
	// "flag: --name"; left out when the node was not told.
	From     string `json:"from,omitempty"`
	Variable string `json:"variable"`
	Reload   string `json:"reload"` // what a change needs: live, new sessions, restart
}

// Pending is a change that waits for a restart.
type Pending struct {
	Key string `json:"key"`
	Old string `json:"old"`
	New string `json:"new"`
}
