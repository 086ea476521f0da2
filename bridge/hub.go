package bridge

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/wire"
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
	// Ended is told of each publication that is over. It must not block, nor call the
	// hub; nil: nobody is told.
	Ended func(Ended)
	// TargetLatency is what the catalogs tell players to aim at; 0 means 300 ms.
	TargetLatency time.Duration
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxObjectSize == 0 {
		c.MaxObjectSize = 16 << 20
	}
	for _, d := range []struct {
		value *time.Duration
		zero  time.Duration
	}{{&c.Grace, 10 * time.Second}, {&c.AudioGroup, time.Second}, {&c.CatalogEvery, time.Second}, {&c.TargetLatency, 300 * time.Millisecond}} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	return c
}

// Ingest says where a publication comes from, for people and logs.
type Ingest struct {
	Protocol string // "srt", "whip" or "file"
	Remote   string // address of the peer, or the file
}

func (i Ingest) String() string { return fmt.Sprintf("%s from %q", i.Protocol, i.Remote) }

// Ended is a publication that is over.
type Ended struct {
	Name          string
	Ingest        Ingest
	Began         time.Time
	Frames, Bytes uint64 // that came, and were not too large
	Dropped       uint64 // of Frames, those that were not published
	Reason        error  // io.EOF for an orderly end
}

// Status describes one name.
type Status struct {
	Name   string
	Ingest Ingest    // of the current publisher, or the last one
	Since  time.Time // when that publisher took the name
	Live   bool      // false: the publisher is gone and its grace runs
	Tracks []TrackStatus
	// Dropped counts frames of the current publication that were not
	// published: before the first key frame, or unreadable.
	Dropped uint64
}

// TrackStatus describes one media track of a name.
type TrackStatus struct {
	Name          string  // e.g. "video_720_avc"
	Codec         string  // RFC 6381
	Width, Height int     // pixels; 0 for audio
	Framerate     float64 // 0: audio, or not known yet
	SampleRate    int     // Hz; 0 for video
	Channels      int
	Bitrate       int // bits per second
}

// Hub owns the names. Its methods are safe for concurrent use.
//
// Lock order: Hub.mu before station.mu.
type Hub struct {
	config    Config
	publisher Publisher
	running   sync.WaitGroup // catalog goroutines of stations

	// topGroup is the largest media group id that an ended track has used; ids
	// of a track's name must never come back (MSF "Group numbering").
	topGroup atomic.Uint64

	mu       sync.Mutex // guards all below
	stations map[string]*station
	catalogs catalogNumbers
	refusing bool
	closed   bool
}

// NewHub returns a hub that offers its tracks on p.
func NewHub(p Publisher, c Config) *Hub {
	return &Hub{config: c.withDefaults(), publisher: p, stations: make(map[string]*station)}
}

// Publish claims a name. A publisher that returns within Config.Grace goes on
// in the tracks of the one before, with higher group ids. Errors: ErrBadName,
// ErrNameInUse while another publisher is live, ErrClosed after Close and, for
// names that are new, after Refuse.
func (h *Hub) Publish(name string, from Ingest) (*Broadcast, error) {
	if !validName(name) {
		return nil, ErrBadName
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	s, ok := h.stations[name]
	if !ok && h.refusing {
		return nil, ErrClosed
	}
	if !ok {
		s = newStation(h, name, h.catalogs.next(name))
		h.stations[name] = s
		h.running.Go(s.republish)
	}
	return s.take(from)
}

// Names lists the names that are live or in their grace, sorted.
func (h *Hub) Names() []Status {
	h.mu.Lock()
	all := make([]Status, 0, len(h.stations))
	for _, s := range h.stations {
		all = append(all, s.status())
	}
	h.mu.Unlock()
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// IngestOf is where the tracks of a namespace come from, or came from last; false: it is
// none of the hub's.
func (h *Hub) IngestOf(ns wire.Namespace) (Ingest, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range packagings {
		if len(ns) != 1 {
			break
		}
		name, found := strings.CutSuffix(ns[0], suffixes[p])
		s := h.stations[name]
		if !found || s == nil {
			continue
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.from, true
	}
	return Ingest{}, false
}

// Refuse takes no new names from now on. Publishers that are live go on, and
// may return within Config.Grace.
func (h *Hub) Refuse() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusing = true
}

// Expel ends the publications that are not to be kept, with a reason: their protocols
// then end what they have with the publisher.
func (h *Hub) Expel(keep func(Ingest) bool, reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.stations {
		s.mu.Lock()
		if s.current != nil && !keep(s.from) {
			s.release(s.current, reason)
		}
		s.mu.Unlock()
	}
}

// Close ends all broadcasts and their tracks; Publish fails after it. It
// returns when the hub's goroutines have ended.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	for name, s := range h.stations {
		s.end(true)
		delete(h.stations, name)
	}
	h.mu.Unlock()
	h.running.Wait()
}

// expire ends a station whose publisher has not returned.
func (h *Hub) expire(s *station, loss uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stations[s.name] != s || !s.lost(loss) {
		return
	}
	h.catalogs.remember(s.name, s.end(false))
	delete(h.stations, s.name)
}

// firstGroup returns the id of a new track's first group.
func (h *Hub) firstGroup() uint64 {
	return max(uint64(h.config.Now().UnixMilli())/100, h.topGroup.Load()+1)
}

// usedGroup notes that a track has ended at a group id.
func (h *Hub) usedGroup(id uint64) {
	for {
		top := h.topGroup.Load()
		if id <= top || h.topGroup.CompareAndSwap(top, id) {
			return
		}
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
