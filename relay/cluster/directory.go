package cluster

import (
	"context"
	"crypto/rand"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay"
)

// Directory is a relay.Directory. One relay uses it, once. Close stops the
// server in the process, if there is one, and comes after Join has returned.
type Directory struct {
	config      Config
	log         *slog.Logger
	server      *embedded // nil with a URL
	incarnation string

	mu     sync.Mutex
	own    map[digest]holding  // what publishers of this relay announced
	dirty  map[digest]struct{} // of which the bucket has to be told
	status relay.DirectoryStatus
	wake   chan struct{} // holds one while dirty is not empty

	servers []string // further ones that servers told of; Join's goroutine
	slice   uint8    // of the digests whose keys are written anew next; that of the writer
	rival   string   // incarnation of another process with this relay's ID; Join's goroutine
}

var _ relay.Directory = (*Directory)(nil)

// New returns a directory and starts the server in the process, if that is
// asked for. The server of a URL is connected to by Join, and need not be there.
func New(c Config) (*Directory, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	d := &Directory{
		config: c, log: c.Logger, incarnation: rand.Text(),
		own: map[digest]holding{}, dirty: map[digest]struct{}{}, wake: make(chan struct{}, 1),
	}
	d.status = relay.DirectoryStatus{Since: time.Now(), Server: maskURLs(c.URL), Error: "not joined yet"}
	if c.URL == "" {
		server, err := startServer(c.Embedded, d.log)
		if err != nil {
			return nil, err
		}
		d.server = server
		d.status.Server = "in process"
	}
	return d, nil
}

// Addr returns the address at which the server in the process serves other
// relays; "" when it does not.
func (d *Directory) Addr() string {
	if d.server == nil {
		return ""
	}
	return d.server.addr()
}

// Close stops the server in the process.
func (d *Directory) Close() {
	if d.server != nil {
		d.server.stop()
	}
}

// Announce implements relay.Directory.
func (d *Directory) Announce(ns wire.Namespace, hidden bool) {
	key, holding := digestOf(ns), holding{ns, hidden}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.own[key] = holding
	d.touch(key)
}

// Withdraw implements relay.Directory.
func (d *Directory) Withdraw(ns wire.Namespace) {
	key := digestOf(ns)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.own, key)
	d.touch(key)
}

// touch has the bucket told of a namespace. d.mu is held.
func (d *Directory) touch(key digest) {
	d.dirty[key] = struct{}{}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Status implements relay.Directory.
func (d *Directory) Status() relay.DirectoryStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	s.Own = len(d.own)
	return s
}

// counted notes how much is known of others.
func (d *Directory) counted(v *view) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.Relays, d.status.Namespaces = v.relays, v.shown
}

// connected notes that what is known is current, or why not.
func (d *Directory) connected(server string, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &d.status
	was := s.Connected
	s.Connected, s.Error = why == nil, ""
	if why != nil {
		s.Error = why.Error()
	}
	if server != "" {
		s.Server = server
	}
	if was == s.Connected {
		return
	}
	s.Since = time.Now()
	if s.Connected {
		d.log.Info("the directory is current", "server", s.Server, "relays", s.Relays, "namespaces", s.Namespaces)
	} else {
		d.log.Warn("the directory cannot be reached; what is known stays", "server", s.Server, "error", s.Error)
	}
}

// Pauses between attempts to reach NATS: less than what relays are given to
// return after an outage (view.thaw).
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = time.Second
)

// Join implements relay.Directory.
func (d *Directory) Join(ctx context.Context, self func() relay.Node, events relay.DirectoryEvents) {
	if err := checkNode(self()); err != nil {
		d.connected("", err)
		d.log.Error("this relay cannot be made known to others", "error", err)
		return
	}
	v := newView(self().ID, d.config, events)
	for failures := 0; ; failures++ {
		s := &session{directory: d, view: v, self: self}
		err := s.run(ctx)
		v.freeze()
		d.counted(v)
		if ctx.Err() != nil {
			return
		}
		d.connected("", err)
		if s.current {
			failures = 0
		}
		pause := min(maxBackoff, time.Duration(float64(minBackoff)*math.Pow(2, float64(min(failures, 8)))))
		pause -= time.Duration(mathrand.Int64N(int64(pause) / 2))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
