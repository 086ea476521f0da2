package config

import (
	"cmp"
	"time"

	"moqedge/cmd/moqedge/names"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq/wire"
)

// Config describes a node. Zero values mean what is said at each field;
// Default is a node of its own with everything switched on.
type Config struct {
	// Name of the node in logs and statistics; "" means none.
	Name string `yaml:"name"`
	// Listen is the UDP address for MOQT over QUIC and WebTransport. Required.
	Listen string `yaml:"listen"`
	// ID of the relay in the hop lists of others; no two of a tree have the
	// same. "" means one that is random at every start.
	ID string `yaml:"id"`
	// Region of the node, for the directory and for people; "" means none.
	Region string `yaml:"region"`
	// Upstream is the only relay above; nil: see Upstreams.
	Upstream *Upstream `yaml:"upstream"`
	// Upstreams are the relays that tracks and namespaces are had from; none:
	// this is a root.
	Upstreams []Upstream `yaml:"upstreams"`
	// Cluster finds other relays by a directory; nil: none.
	Cluster *Cluster `yaml:"cluster"`
	// Certificate of the UDP port, and of HTTP with TLS.
	Certificate Certificate `yaml:"certificate"`
	// HTTP serves the pages; nil: no pages.
	HTTP *HTTP `yaml:"http"`
	// Bridge takes SRT and WHIP; nil: none.
	Bridge *Bridge `yaml:"bridge"`
	// Admin serves statistics; nil: none.
	Admin *Admin `yaml:"admin"`
	// Retention says what is kept of tracks.
	Retention Retention `yaml:"retention"`
	// Drain says what happens after SIGTERM.
	Drain Drain `yaml:"drain"`
	// Log says what is written to stderr.
	Log Log `yaml:"log"`
}

// Upstream is a relay above, or beside, this one.
type Upstream struct {
	// Name in logs and statistics; "" means the URL.
	Name string `yaml:"name"`
	// Config says where it is and how it is trusted.
	peer.Config `yaml:",inline"`
	// Prefixes are the namespaces that it is asked for, their fields separated
	// by slashes; none means all.
	Prefixes []string `yaml:"prefixes"`
	// Priority decides between those that have the same: the lowest that can be
	// reached is asked.
	Priority int `yaml:"priority"`
	// Cost of the way there, added up over several relays; 0 means 1.
	Cost uint32 `yaml:"cost"`
	// Peer says that it stands beside this one and is asked only for what it
	// has announced.
	Peer bool `yaml:"peer"`
	// OnDemand connects when something is asked for, and not before.
	OnDemand bool `yaml:"onDemand"`
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

// Certificate says which certificate the node shows: a development
// certificate, which is also the default, or that of two PEM files.
type Certificate struct {
	// Development asks for a certificate that no authority has signed, which
	// browsers and relays trust by its fingerprint.
	Development bool `yaml:"development"`
	// Dir keeps the development certificate over restarts; "" means memory.
	Dir string `yaml:"dir"`
	// Hosts are further names and addresses in the development certificate.
	Hosts []string `yaml:"hosts"`
	// Cert and Key are PEM files, read again when they change.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// ClientCA is a PEM file with the roots that certificates of clients are
	// checked against; "" means that clients are not asked for one.
	ClientCA string `yaml:"clientCA"`
	// RequireClient refuses clients without a certificate.
	RequireClient bool `yaml:"requireClient"`
}

// Files reports whether the certificate comes from PEM files.
func (c Certificate) Files() bool { return c.Cert != "" }

// HTTP is the web server.
type HTTP struct {
	// Listen is the TCP address. Required.
	Listen string `yaml:"listen"`
	// TLS serves HTTPS with the node's certificate. Browsers allow the player
	// on plain HTTP for localhost only.
	TLS bool `yaml:"tls"`
	// Relay is the URL that pages connect to, when it is not that of this
	// node: {host} stands for the host name the page was opened with.
	Relay string `yaml:"relay"`
}

// Bridge turns SRT and WHIP publications into tracks.
type Bridge struct {
	// SRT listens for encoders; nil: not.
	SRT *SRT `yaml:"srt"`
	// WHIP takes browsers at /whip/ of HTTP.
	WHIP WHIP `yaml:"whip"`
	// PublishTo is the relay that gets the tracks; nil means this node.
	PublishTo *peer.Config `yaml:"publishTo"`
	// Grace is how long a lost publisher may stay away; 0 means 10 s.
	Grace time.Duration `yaml:"grace"`
	// TargetLatency is what players are told to aim at; 0 means 300 ms.
	TargetLatency time.Duration `yaml:"targetLatency"`
}

// SRT is the listener for encoders.
type SRT struct {
	// Listen is the UDP address; "" means ":9000".
	Listen string `yaml:"listen"`
	// Passphrase of 10 to 79 characters encrypts; "" means no encryption.
	Passphrase string `yaml:"passphrase"`
	// Latency is how long lost packets are waited for; 0 means 120 ms.
	Latency time.Duration `yaml:"latency"`
}

// WHIP is the endpoint for browsers. In YAML it is true, false or a mapping,
// which also switches it on.
type WHIP struct {
	Enabled bool `yaml:"-"`
	// ICE is the UDP address for the media of all sessions; "" means a port
	// for each.
	ICE string `yaml:"ice"`
	// PublicIPs replace the local addresses behind one-to-one NAT.
	PublicIPs []string `yaml:"publicIPs"`
	// MaxSessions bounds the publications at one time; 0 means 100.
	MaxSessions int `yaml:"maxSessions"`
}

// UnmarshalYAML reads both forms.
func (w *WHIP) UnmarshalYAML(unmarshal func(any) error) error {
	if err := unmarshal(&w.Enabled); err == nil {
		return nil
	}
	type plain WHIP
	p := plain{Enabled: true}
	if err := unmarshal(&p); err != nil {
		return err
	}
	*w = WHIP(p)
	return nil
}

// Drain says how a node leaves after SIGTERM.
type Drain struct {
	// Timeout is how long sessions may take to leave; 0 means 10 s.
	Timeout time.Duration `yaml:"timeout"`
	// URI is the relay that they are sent to; "" means the address that they
	// know, behind which another node answers.
	URI string `yaml:"uri"`
}

// Limit is Timeout, or what its zero value means.
func (d Drain) Limit() time.Duration { return cmp.Or(d.Timeout, 10*time.Second) }

// Admin is the server for statistics: /stats, /healthz and /readyz.
type Admin struct {
	// Listen is the TCP address. Required. It is not for everybody to reach.
	Listen string `yaml:"listen"`
}

// Retention says what the relay keeps of a track.
type Retention struct {
	// CacheBytes bounds the memory that what is kept of all tracks takes; 0 means
	// 512 MiB, or a quarter of the memory that the process may have, if that is less.
	CacheBytes Size `yaml:"cacheBytes"`
	// Groups is how many of the newest groups are kept; 0 means 3.
	Groups int `yaml:"groups"`
	// Time keeps groups beyond Groups while they are younger; 0 means 90 s.
	Time time.Duration `yaml:"time"`
	// MaxTrackBytes bounds the memory that what is kept of one track takes; 0
	// means half of CacheBytes.
	MaxTrackBytes Size `yaml:"maxTrackBytes"`
	// Linger is how long a track stays subscribed after its last subscriber;
	// 0 means 5 s.
	Linger time.Duration `yaml:"linger"`
	// MaxLag is how far a subscriber may fall behind before it skips to the
	// newest group; 0 means the default of package deliver.
	MaxLag time.Duration `yaml:"maxLag"`
	// MaxLagBytes is likewise how many bytes of the track; 0 means the default
	// of package deliver.
	MaxLagBytes Size `yaml:"maxLagBytes"`
	// Ungoverned leaves it to the congestion control of the transport how full the
	// queues of the network get (deliver.Config).
	Ungoverned bool `yaml:"ungoverned"`
}

// Log says what is written to stderr.
type Log struct {
	// Level is debug, info, warn or error; "" means info.
	Level string `yaml:"level"`
	// Format is text or json; "" means text.
	Format string `yaml:"format"`
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
