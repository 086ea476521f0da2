package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// A new publication waits this long for what belongs in its first catalog.
const (
	// settleAfter is for an ingest that has not said which tracks there are.
	settleAfter = 300 * time.Millisecond
	// settleReadyAfter is for one that has, but whose parameters are not known
	// yet: many players read the first catalog only.
	settleReadyAfter = 2 * time.Second
)

// station is the lasting part of a name: its tracks, from the first publisher
// to the end of the grace of the last one. All fields below mu are guarded by
// it; its goroutine (republish) ends with the station.
type station struct {
	hub  *Hub
	name string
	log  *slog.Logger
	stop chan struct{} // closed by end

	mu        sync.Mutex
	current   *Broadcast // nil in the grace
	from      Ingest     // of current, or of the last one
	since     time.Time
	grace     *time.Timer // runs while current is nil
	losses    uint64      // publishers lost so far
	ended     bool
	outputs   []*output // in the order of the catalog
	catalogs  [packagings]catalogTrack
	announced bool // the namespaces and tracks are at the publisher
	dirty     bool // the catalog lacks a change
}

func newStation(h *Hub, name string, firstCatalog uint64) *station {
	s := &station{hub: h, name: name, log: h.config.Logger.With("name", name), stop: make(chan struct{})}
	for p := range s.catalogs {
		s.catalogs[p] = newCatalogTrack(namespaceOf(name, packaging(p)), firstCatalog, h.config.Now)
	}
	return s
}

// take makes a new publisher the current one.
func (s *station) take(from Ingest) (*Broadcast, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		return nil, fmt.Errorf("%w: %q is published over %v since %s", ErrNameInUse, s.name, s.from, s.since.UTC().Format(time.TimeOnly+" MST"))
	}
	returned := s.grace != nil
	if returned {
		s.grace.Stop()
		s.grace = nil
	}
	s.from, s.since = from, s.hub.config.Now()
	s.current = &Broadcast{station: s, done: make(chan struct{})}
	s.log.Info("publisher connected", "protocol", from.Protocol, "remote", from.Remote, "continues", returned)
	return s.current, nil
}

// release ends a publication and starts the grace. The caller holds mu.
func (s *station) release(b *Broadcast, reason error) {
	if s.current != b {
		return
	}
	s.current = nil
	b.err = reason
	if reason == nil {
		b.err = io.EOF
	}
	close(b.done)
	if ended := s.hub.config.Ended; ended != nil {
		ended(Ended{Name: s.name, Ingest: s.from, Began: s.since, Frames: b.frames, Bytes: b.bytes, Dropped: b.dropped, Reason: b.err})
	}
	for _, o := range s.outputs {
		o.owner = nil
		o.endGroup()
	}
	level := slog.LevelInfo
	if reason != nil && !errors.Is(reason, io.EOF) {
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "publisher gone", "protocol", s.from.Protocol, "remote", s.from.Remote, "reason", reason,
		"dropped_frames", b.dropped, "grace", s.hub.config.Grace)
	s.losses++
	loss := s.losses
	s.grace = time.AfterFunc(s.hub.config.Grace, func() { s.hub.expire(s, loss) })
}

// lost reports whether nobody has returned since this loss.
func (s *station) lost(loss uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current == nil && s.losses == loss
}

// end takes the station's tracks back and returns the group id after its last
// catalog. With away the whole hub goes; else the name has no publisher any more.
func (s *station) end(away bool) (nextCatalog uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.current; b != nil {
		s.release(b, ErrClosed)
	}
	if s.grace != nil {
		s.grace.Stop()
		s.grace = nil
	}
	s.ended = true
	close(s.stop)
	if s.announced {
		for p := range packagings {
			s.hub.publisher.RemoveNamespace(namespaceOf(s.name, p))
		}
	}
	outputs := s.outputs
	s.outputs = nil
	if s.announced && !away {
		// An empty catalog for who comes late. It does not say isComplete: the
		// name may be published again, and that promise could not be kept.
		s.writeCatalogs()
	}
	for _, o := range outputs {
		s.endOutput(o, away)
	}
	for i := range s.catalogs {
		c := &s.catalogs[i]
		c.track.Close(endCode(away))
		if s.announced {
			s.hub.publisher.RemoveTrack(c.track.Name())
		}
	}
	s.log.Info("name ended", "hub_closed", away)
	return s.catalogs[0].group
}

// endOutput takes one media track back. The caller holds mu.
func (s *station) endOutput(o *output, away bool) {
	o.endGroup()
	s.hub.usedGroup(o.group)
	for i := range o.lanes {
		t := o.lanes[i].track
		t.Close(endCode(away))
		if s.announced {
			s.hub.publisher.RemoveTrack(t.Name())
		}
	}
}

// claim returns an output for a track of b: one that the publisher before has
// left, or with create a new one, else nil. The caller holds mu.
func (s *station) claim(b *Broadcast, codec Codec, create func() *output) *output {
	for _, o := range s.outputs {
		if o.owner == nil && o.codec == codec {
			o.owner = b
			return o
		}
	}
	if create == nil {
		return nil
	}
	o := create()
	o.owner = b
	s.outputs = append(s.outputs, o)
	s.dirty = true
	if s.announced {
		for i := range o.lanes {
			s.hub.publisher.AddTrack(o.lanes[i].track)
		}
	}
	return o
}

// trackName makes a name unique among the outputs. The caller holds mu.
func (s *station) trackName(want string) string {
	name := want
	for n := 2; ; n++ {
		taken := false
		for _, o := range s.outputs {
			taken = taken || o.name == name
		}
		if !taken {
			return name
		}
		name = fmt.Sprintf("%s_%d", want, n)
	}
}

// settle brings the catalog up to date. It is called after everything that may
// change it, and before the objects that need the change. The caller holds mu.
func (s *station) settle(b *Broadcast, now time.Time) {
	if !b.settled && s.mayAnnounce(b, now) {
		b.settled = true
		s.dropUnclaimed()
		if !s.announced {
			s.announce()
			return
		}
	}
	if s.announced && s.dirty {
		s.writeCatalogs()
	}
}

func (s *station) mayAnnounce(b *Broadcast, now time.Time) bool {
	switch {
	case b.claimed == 0:
		return false
	case b.ready && b.claimed == b.added:
		return true
	case b.firstMedia.IsZero():
		return false
	case b.ready:
		return now.Sub(b.firstMedia) >= settleReadyAfter
	}
	return now.Sub(b.firstMedia) >= settleAfter
}

// dropUnclaimed ends the tracks of earlier publishers that this one does not continue.
func (s *station) dropUnclaimed() {
	kept := s.outputs[:0]
	for _, o := range s.outputs {
		if o.owner != nil {
			kept = append(kept, o)
			continue
		}
		s.dirty = true
		s.endOutput(o, false)
	}
	clear(s.outputs[len(kept):])
	s.outputs = kept
}

// announce offers the name: first the catalogs and the tracks, then the
// namespaces, so that who sees a namespace finds its tracks (MSF "Initiating a
// broadcast").
func (s *station) announce() {
	s.writeCatalogs()
	s.announced = true
	for i := range s.catalogs {
		s.hub.publisher.AddTrack(s.catalogs[i].track)
	}
	for _, o := range s.outputs {
		for i := range o.lanes {
			s.hub.publisher.AddTrack(o.lanes[i].track)
		}
	}
	for p := range packagings {
		s.hub.publisher.AddNamespace(namespaceOf(s.name, p))
	}
	s.log.Info("name is live", "tracks", s.trackNames())
}

// republish publishes the full catalog again and again: some players subscribe
// to what comes next and never fetch what was.
func (s *station) republish() {
	tick := time.NewTicker(s.hub.config.CatalogEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		s.mu.Lock()
		if s.announced && !s.ended {
			s.writeCatalogs()
		}
		s.mu.Unlock()
	}
}

func (s *station) trackNames() []string {
	names := make([]string, len(s.outputs))
	for i, o := range s.outputs {
		names[i] = o.name
	}
	return names
}

func (s *station) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Name: s.name, Ingest: s.from, Since: s.since, Live: s.current != nil}
	if s.current != nil {
		st.Dropped = s.current.dropped
	}
	for _, o := range s.outputs {
		st.Tracks = append(st.Tracks, o.status())
	}
	return st
}
