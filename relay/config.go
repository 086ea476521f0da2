package relay

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay/cache"
	"moqedge/relay/limit"
)

// Config of a relay. The zero value is a relay without upstreams.
type Config struct {
	// Name appears in logs.
	Name string
	// ID is the relay's in hop lists: no two relays of a tree have the same. ""
	// is a random one; of more than 64 bytes their SHA-256 is taken.
	ID string
	// Upstreams are the relays that tracks and namespaces are had from. Their
	// order breaks ties.
	Upstreams []Upstream
	// Region of the relay. Tracks that are held in another one come into it once,
	// where the Directory knows a shield of it; "" is a region too.
	Region string
	// Directory names further relays that tracks and namespaces are had from, and
	// tells those of this one what Advertise says; nil: none.
	Directory Directory
	Advertise Advertise
	// Peers is how relays that the Directory names are connected to: roots and
	// the certificate that this relay shows. Without roots and fingerprints, the
	// relays are known by the fingerprints that the directory tells, if it does.
	Peers transport.DialConfig
	// CacheBytes is how many bytes of memory what is kept of all tracks may take;
	// 0 means 512 MiB, or a quarter of the memory that the process may have, if that
	// is less (cache.DefaultBytes).
	CacheBytes uint64
	// Pin says which tracks the cache spares when it has no room (cache.Config);
	// nil: none. See also Relay.Pin.
	Pin func(wire.FullTrackName) bool
	// RetainGroups, RetainFor and MaxTrackBytes say what is kept of a track
	// (live.Options) while there is room; 0 means 3 groups, 90 s and half of
	// CacheBytes.
	RetainGroups  int
	RetainFor     time.Duration
	MaxTrackBytes uint64
	// Linger is how long a track stays subscribed after its last subscriber;
	// 0 means 5 s.
	Linger time.Duration
	// ForwardIdle says of which tracks objects are asked for although no
	// subscriber wants them (moqt-19 §9.2).
	ForwardIdle ForwardIdle
	// RecoverFor is how long a track whose publisher was lost waits for it or
	// another; 0 means 30 s.
	RecoverFor time.Duration
	// RequestTimeout bounds how long a subscriber waits for the answer of a
	// publisher; 0 means 10 s.
	RequestTimeout time.Duration
	// Authorize decides what sessions may do; nil permits everything.
	Authorize Authorizer
	// Certified says who is asked, instead of Authorize, about clients that showed a
	// certificate (transport.Info.Certificate): what it names is all that they may
	// carry, relays as well. nil, or a nil Authorizer: it names nothing, and relays are
	// trusted. It must not block.
	Certified func(*x509.Certificate) Authorizer
	// MaxTokenCache is how many bytes of authorization tokens a session may
	// register under aliases; 0 means 16 KiB, less than 0 none.
	MaxTokenCache int
	// Limits bounds what sessions may do and have, other than those of relays that are
	// trusted and Resident ones. It may be the Door of the listener as well; nil: one of
	// the relay's own, with its defaults.
	Limits *limit.Limiter
	// MaxMatches is how many namespaces, or tracks, SUBSCRIBE_NAMESPACE or
	// SUBSCRIBE_TRACKS may ask for by a prefix of fewer than LongPrefix fields;
	// beyond it is refused with NAMESPACE_TOO_LARGE. 0 means 10,000 and 2.
	MaxMatches, LongPrefix int
	// Resident says which sessions are of the process that runs the relay, such
	// as that of its own ingests: Drain neither tells them nor waits for them.
	// It must not block; nil: none.
	Resident func(*moq.Session) bool
	// MaxPartialBytes and Tolerance bound what one session may hold and do
	// (moq.Config); 0 means a quarter of CacheBytes, but from 16 to 256 MiB, and
	// 4096.
	MaxPartialBytes, Tolerance uint64
	// MaxLag, MaxLagBytes and Ungoverned are those of deliver.Config.
	MaxLag      time.Duration
	MaxLagBytes uint64
	Ungoverned  bool
	// Observer is told what happens; nil: nobody is.
	Observer Observer
	// Tracer follows requests; with one the relay says in SETUP that it understands the
	// trace context of requests. nil: nobody does, and nothing is said.
	Tracer Tracer
	// Implementation is sent in SETUP.
	Implementation string
	// Logger; nil means slog.Default.
	Logger *slog.Logger
}

// Advertise is what the directory tells other relays of this one.
type Advertise struct {
	URL  string // where relays reach this one: moqt:// or https://
	Role Role   // "" means RoleEdge
	Cost uint32 // of asking this relay rather than another; 0 means 1
	// Fingerprints are those of the certificates that this relay shows, asked for
	// once a second; nil: relays check them against roots.
	Fingerprints func() [][32]byte
	// Load returns Node.Load; nil: the share of the processors that the process
	// uses, which is not known on all systems.
	Load func() float64
}

// ForwardIdle says what a relay asks its publishers for while no subscriber
// wants objects: all of them left, or have FORWARD=0.
type ForwardIdle uint8

const (
	// ForwardPublished goes on with tracks that came by PUBLISH, so that who
	// comes late has the current group at once, and pauses those that the relay
	// subscribed to.
	ForwardPublished ForwardIdle = iota
	// ForwardNone pauses them all.
	ForwardNone
	// ForwardAll goes on with all of them as long as they are kept (Config.Linger).
	ForwardAll
)

// Upstream is a relay that namespaces and tracks are had from.
type Upstream struct {
	// Name is for logs and statistics; "" is the URL.
	Name string
	URL  string // moqt:// or https://
	// Prefixes are the namespaces that it is asked for, and of which it tells
	// what it has; empty: all.
	Prefixes []wire.Namespace
	// Priority decides between those that cover a namespace and can be reached:
	// the lowest number, 0 or more, is asked first, whatever the costs.
	Priority int
	// Cost of the hop; 0 means 1. The sum over a path decides between paths.
	Cost uint32
	// Peer says that it stands beside this relay: it is asked for what it
	// announced alone.
	Peer bool
	// OnDemand says that it is connected when something is asked for and closed
	// Config.Linger after the last use, instead of kept connected. Namespaces are
	// told in neither direction then.
	OnDemand bool
	// Dial says how it is connected to and trusted: pins, roots, and the
	// certificate that this relay shows. KeepAlive is the relay's own, so that a
	// silent link is noticed, IdleTimeout and HandshakeTimeout are 3 s by default.
	Dial transport.DialConfig
	// Refresh, when set, may change Dial before each attempt, for pins that are renewed.
	Refresh func(ctx context.Context, d *transport.DialConfig) error
	// Revision tells one Dial and Refresh from others: SetUpstreams goes by it.
	Revision string
}

func (u Upstream) withDefaults() Upstream {
	u.Cost = cmp.Or(u.Cost, 1)
	return u
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.RetainFor, 90*time.Second)
	if c.CacheBytes == 0 {
		c.CacheBytes = cache.DefaultBytes()
	}
	if c.MaxTrackBytes == 0 {
		c.MaxTrackBytes = c.CacheBytes / 2
	}
	if c.MaxPartialBytes == 0 {
		c.MaxPartialBytes = min(max(c.CacheBytes/4, 16<<20), 256<<20)
	}
	if c.MaxTokenCache == 0 {
		c.MaxTokenCache = 16 << 10
	}
	def(&c.Linger, 5*time.Second)
	def(&c.RecoverFor, 30*time.Second)
	def(&c.RequestTimeout, 10*time.Second)
	number := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	number(&c.MaxMatches, 10_000)
	number(&c.LongPrefix, 2)
	if c.Limits == nil {
		c.Limits = limit.New(limit.Config{})
	}
	c.Advertise.Role = cmp.Or(c.Advertise.Role, RoleEdge)
	c.Advertise.Cost = cmp.Or(c.Advertise.Cost, 1)
	switch {
	case c.ID == "":
		c.ID = rand.Text()[:16]
	case len(c.ID) > wire.MaxRelayID:
		c.ID = fmt.Sprintf("%x", sha256.Sum256([]byte(c.ID)))
	}
	c.Upstreams = slices.Clone(c.Upstreams)
	for i := range c.Upstreams {
		c.Upstreams[i] = c.Upstreams[i].withDefaults()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Name != "" {
		c.Logger = c.Logger.With("relay", c.Name)
	}
	return c
}
