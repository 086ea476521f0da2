package bridge

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Config of a Hub. The zero value works.
type Config struct {
	// Logger; nil discards.
	Logger *slog.Logger
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Grace is how long the tracks of a lost publisher stay; one that returns
	// in time goes on in them. 0 means 10 s.
	Grace time.Duration
	// MaxObjectSize in bytes; a larger frame ends the publication. 0 means 16 MiB.
	MaxObjectSize int
	// AudioGroup is how much audio goes into a group; 0 means 1 s.
	AudioGroup time.Duration
	// CatalogEvery is how often the full catalog is published again; 0 means 1 s.
	CatalogEvery time.Duration
	// TargetLatency is what the catalogs tell players to aim at; 0 means 300 ms.
	TargetLatency time.Duration
}

// Ingest says where a publication comes from, for people and logs.
type Ingest struct {
	Protocol string // "srt", "whip" or "file"
	Remote   string // address of the peer, or the file
}

func (i Ingest) String() string { return fmt.Sprintf("%s from %s", i.Protocol, i.Remote) }

// Status describes one name.
type Status struct {
	Name   string
	Ingest Ingest
	Since  time.Time // when the current publisher took the name
	Live   bool      // false: the publisher is gone and its grace runs
}

// Hub owns the names. Its methods are safe for concurrent use.
type Hub struct {
	config    Config
	publisher Publisher

	mu     sync.Mutex // guards all below
	live   map[string]*Broadcast
	closed bool
}

// NewHub returns a hub that offers its tracks on p.
func NewHub(p Publisher, c Config) *Hub {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Hub{config: c, publisher: p, live: make(map[string]*Broadcast)}
}

// Publish claims a name. Errors: ErrBadName, ErrNameInUse while another
// publisher is live, ErrClosed.
func (h *Hub) Publish(name string, from Ingest) (*Broadcast, error) {
	if !validName(name) {
		return nil, ErrBadName
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if held, ok := h.live[name]; ok {
		return nil, fmt.Errorf("%w: %q is published over %v", ErrNameInUse, name, held.from)
	}
	b := &Broadcast{hub: h, name: name, from: from, since: h.config.Now(), done: make(chan struct{})}
	h.live[name] = b
	return b, nil
}

// Names lists the names that are live or in their grace, sorted.
func (h *Hub) Names() []Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Status
	for name, b := range h.live {
		all = append(all, Status{Name: name, Ingest: b.from, Since: b.since, Live: true})
	}
	return all
}

// Close ends all broadcasts and their tracks; Publish fails after it.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	all := h.live
	h.live = make(map[string]*Broadcast)
	h.mu.Unlock()
	for _, b := range all {
		b.end(ErrClosed)
	}
}

func validName(name string) bool {
	if len(name) == 0 || len(name) > 64 || name[0] == '.' {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
