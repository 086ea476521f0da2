package config

import (
	"cmp"
	"time"

	"moqedge/cmd/moqedge/names"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq/wire"
)

// Config describes a node. Zero values mean what the tags say: default is what a
// value that is not given becomes (Filled), without says the same in words where it
// is no constant. reload says what a change of a running node needs (Class), secret
// that nobody is shown the value, as that its keys are explained elsewhere. The comments are what docs/configuration.md says of
// the fields. Default is a node of its own with everything switched on.
type Config struct {
	// Name of the node in logs and statistics.
	Name string `yaml:"name" reload:"restart" without:"none"`
	// Listen is the UDP address for MOQT: raw QUIC (`moqt://`) and WebTransport
	// (`https://`) on one port.
	Listen string `yaml:"listen" reload:"restart" without:"required"`
	// ID is the identity of the relay in the hop lists of others; no two relays of a
	// tree have the same.
	ID string `yaml:"id" reload:"restart" without:"random at every start"`
	// Region of the node, such as `eu`, which other relays are told; tracks of another
	// one come into it once, if the [directory](#relays-that-find-each-other) knows a
	// shield here.
	Region string `yaml:"region" reload:"restart" without:"none"`
	// Upstream is the only relay above; keys as for an entry of `upstreams`.
	Upstream *Upstream `yaml:"upstream" reload:"live" without:"see upstreams" as:"upstreams"`
	// Upstreams are relays that tracks and namespaces are had from; the order breaks
	// ties.
	Upstreams []Upstream `yaml:"upstreams" reload:"live" without:"none: this is a root"`
	// Cluster finds other relays by a [directory](#relays-that-find-each-other).
	Cluster *Cluster `yaml:"cluster" reload:"restart" without:"static upstreams alone"`
	// Certificate is what the UDP port shows, and HTTP with `tls`.
	Certificate Certificate `yaml:"certificate" reload:"live" without:"a development certificate in memory"`
	// HTTP has pages, `/config.json`, `/certificate.sha256` and `/whip/`.
	HTTP *HTTP `yaml:"http" reload:"restart" without:"no pages"`
	// Bridge turns SRT and WHIP into tracks.
	Bridge *Bridge `yaml:"bridge" reload:"restart" without:"takes no publications"`
	// Access says who may do what, see [access](access.md).
	Access Access `yaml:"access" reload:"live" without:"everybody may do everything"`
	// Limits are the bounds of what peers may do and have, see [limits](limits.md).
	Limits Limits `yaml:"limits" reload:"live"`
	// Admin has the status page, the [API](admin.md) and metrics; it is not for everybody
	// to reach.
	Admin *Admin `yaml:"admin" reload:"restart" without:"none"`
	// Retention says what is kept of a track.
	Retention Retention `yaml:"retention" reload:"live"`
	// Drain says what happens after SIGTERM, see [below](#draining).
	Drain Drain `yaml:"drain" reload:"live"`
	// Metrics are at `/metrics` of `admin`, see [observing](observing.md).
	Metrics Metrics `yaml:"metrics" reload:"live"`
	// AccessLog has a line for each session and subscription that is over.
	AccessLog AccessLog `yaml:"accessLog" reload:"live"`
	// Qlog writes down what some connections do, packet by packet.
	Qlog Qlog `yaml:"qlog" reload:"sessions"`
	// Tracing follows requests from relay to relay.
	Tracing Tracing `yaml:"tracing" reload:"restart"`
	// Log says what goes to stderr.
	Log Log `yaml:"log" reload:"live"`
}

// Upstream is a relay above, or beside, this one.
type Upstream struct {
	// Name of it in logs and statistics.
	Name string `yaml:"name" reload:"section" without:"its URL"`
	// Config says where it is and how it is trusted.
	peer.Config `yaml:",inline"`
	// Prefixes are the namespaces that it is asked for, fields separated by slashes,
	// such as `sport/live`.
	Prefixes []string `yaml:"prefixes" reload:"section" without:"all"`
	// Priority decides: of those that can be reached the lowest number is asked.
	Priority int `yaml:"priority" reload:"section" default:"0"`
	// Cost of the way there; sums over several relays decide between ways.
	Cost uint32 `yaml:"cost" reload:"section" default:"1"`
	// Peer says that it stands beside this node and is asked only for what it
	// announced.
	Peer bool `yaml:"peer" reload:"section" default:"false"`
	// OnDemand says that it is connected when something is asked for, and not kept.
	OnDemand bool `yaml:"onDemand" reload:"section" default:"false"`
}

// Namespaces are Prefixes in the terms of MOQT.
func (u Upstream) Namespaces() ([]wire.Namespace, error) {
	var all []wire.Namespace
	for _, p := range u.Prefixes {
		ns, err := names.ParseNamespace(p)
		if err != nil {
			return nil, err
		}
		all = append(all, ns)
	}
	return all, nil
}

// AllUpstreams are Upstreams, or Upstream alone.
func (c Config) AllUpstreams() []Upstream {
	if c.Upstream != nil {
		return []Upstream{*c.Upstream}
	}
	return c.Upstreams
}

// HTTP is the web server.
type HTTP struct {
	// Listen is the TCP address.
	Listen string `yaml:"listen" reload:"restart" without:"required"`
	// TLS asks for HTTPS with the node's certificate. On plain HTTP browsers allow the
	// player for localhost only.
	TLS bool `yaml:"tls" reload:"restart" default:"false"`
	// Relay is the URL that pages connect to; `{host}` is the host name that the page
	// was opened with.
	Relay string `yaml:"relay" reload:"restart" without:"this node"`
}

// Bridge turns SRT and WHIP publications into tracks.
type Bridge struct {
	// SRT listens for encoders: stream id `publish:NAME` or `#!::m=publish,r=NAME`.
	SRT *SRT `yaml:"srt" reload:"restart" without:"no SRT"`
	// WHIP is `true`, or the keys below: browsers publish at `/whip/NAME` of `http`.
	WHIP WHIP `yaml:"whip" reload:"restart" without:"false"`
	// PublishTo is the relay that gets the tracks; its URL and trust, keys as for
	// `upstreams`.
	PublishTo *peer.Config `yaml:"publishTo" reload:"restart" without:"this node" as:"upstreams"`
	// Grace is how long a lost publisher may stay away and go on in the same tracks.
	Grace time.Duration `yaml:"grace" reload:"restart" default:"10s"`
	// TargetLatency is what catalogs tell players to aim at.
	TargetLatency time.Duration `yaml:"targetLatency" reload:"restart" default:"300ms"`
}

// SRT is the listener for encoders.
type SRT struct {
	// Listen is the UDP address.
	Listen string `yaml:"listen" reload:"restart" default:":9000"`
	// Passphrase of 10 to 79 characters that encoders must know.
	Passphrase string `yaml:"passphrase" reload:"restart" secret:"true" without:"no encryption"`
	// Passphrases are those of single names, `NAME: PASSPHRASE`; who knows that of a
	// name needs no token to publish it.
	Passphrases map[string]string `yaml:"passphrases" reload:"restart" secret:"true" without:"none"`
	// Latency is how long lost packets are waited for.
	Latency time.Duration `yaml:"latency" reload:"restart" default:"120ms"`
}

// WHIP is the endpoint for browsers. In YAML it is true, false or a mapping,
// which also switches it on.
type WHIP struct {
	Enabled bool `yaml:"-" switch:"true"`
	// ICE is the UDP address for the media of all sessions.
	ICE string `yaml:"ice" reload:"restart" without:"a port for each"`
	// PublicIPs are addresses offered instead of the local ones, behind one-to-one NAT.
	PublicIPs []string `yaml:"publicIPs" reload:"restart" without:"the local ones"`
	// MaxSessions is how many may publish at a time.
	MaxSessions int `yaml:"maxSessions" reload:"restart" default:"100"`
}

// Drain says how a node leaves after SIGTERM.
type Drain struct {
	// Timeout is how long sessions may take to leave.
	Timeout time.Duration `yaml:"timeout" reload:"live" default:"10s"`
	// URI is the relay that they are sent to, `moqt://` or `https://`.
	URI string `yaml:"uri" reload:"live" without:"the address they know"`
}

// Limit is Timeout, or what its zero value means.
func (d Drain) Limit() time.Duration { return cmp.Or(d.Timeout, 10*time.Second) }

// Retention says what the relay keeps of a track.
type Retention struct {
	// CacheBytes is how much memory what is kept of all tracks may take: beyond it the
	// oldest groups go, never the newest of a track that is watched.
	CacheBytes Size `yaml:"cacheBytes" reload:"live" without:"512MiB, or a quarter of the memory if that is less"`
	// Groups is how many of the newest groups are kept.
	Groups int `yaml:"groups" reload:"live" default:"3"`
	// Time keeps those younger than this as well, while there is room: what a viewer
	// can go back to.
	Time time.Duration `yaml:"time" reload:"live" default:"1m30s"`
	// MaxTrackBytes bounds the memory of one track, the newest group excepted.
	MaxTrackBytes Size `yaml:"maxTrackBytes" reload:"live" without:"half of cacheBytes"`
	// Linger is how long a track stays subscribed after its last subscriber.
	Linger time.Duration `yaml:"linger" reload:"live" default:"5s"`
	// MaxLag is how far a subscriber may fall behind before it skips to the newest
	// group.
	MaxLag time.Duration `yaml:"maxLag" reload:"sessions" without:"that of moq/deliver: 3s"`
	// MaxLagBytes says the same in bytes of the track.
	MaxLagBytes Size `yaml:"maxLagBytes" reload:"sessions" without:"that of moq/deliver: 32MiB"`
	// Ungoverned leaves it to the congestion control of the transport how full the
	// queues of the network get. Else what is less urgent is held back so that what is
	// urgent need not wait behind it.
	Ungoverned bool `yaml:"ungoverned" reload:"sessions" default:"false"`
}

// Log says what is written to stderr.
type Log struct {
	// Level is `debug`, `info`, `warn` or `error`.
	Level string `yaml:"level" reload:"live" default:"info"`
	// Format is `text` or `json`.
	Format string `yaml:"format" reload:"restart" default:"text"`
}

// Default is a single node: relay, pages, SRT and WHIP on their usual ports.
func Default() Config {
	return Config{
		Listen:      ":4443",
		Certificate: Certificate{Development: true},
		HTTP:        &HTTP{Listen: ":8080"},
		Bridge:      &Bridge{SRT: &SRT{Listen: ":9000"}, WHIP: WHIP{Enabled: true}},
	}
}
