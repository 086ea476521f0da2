package live

import (
	"context"
	"slices"

	"moqedge/moq/wire"
)

// Reader reads the complete objects of a track inside the process, each once.
// Those of a subgroup come in order, unless several publishers brought them out
// of order, older groups before newer ones as far as both are there. It is used
// by one goroutine.
type Reader struct {
	feed   *Feed
	start  wire.Location
	open   []*readerCursor
	known  map[*Subgroup]*readerCursor // of all subgroups that may be continued
	purge  int                         // size of known at which it is cleaned up
	ready  []*Object                   // datagrams
	late   []Late                      // complete or not
	wake   chan struct{}
	stop   func()
	closed bool
}

type readerCursor struct {
	subgroup *Subgroup
	from     uint64
	open     bool
	past     bool // the object with the largest possible ID was read
}

// NewReader returns a reader of what is in the track at or after start and of
// all that comes. Close it after use.
func (t *Track) NewReader(start wire.Location) *Reader {
	r := &Reader{start: start, known: map[*Subgroup]*readerCursor{}, purge: 64, wake: make(chan struct{}, 1)}
	r.stop = t.Listen(r)
	r.feed = t.NewFeed(start)
	return r
}

// TrackChanged implements Listener.
func (r *Reader) TrackChanged() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Close ends the reader.
func (r *Reader) Close() {
	if !r.closed {
		r.closed = true
		r.stop()
	}
}

// Next waits for the next complete object. After the last one of a track that
// ended it returns ErrClosed.
func (r *Reader) Next(ctx context.Context) (*Object, error) {
	for {
		done := r.feed.track.Done() != nil // asked before looking, so that nothing is missed
		if o := r.poll(); o != nil {
			return o, nil
		}
		if done {
			return nil, ErrClosed
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (r *Reader) poll() *Object {
	if len(r.ready) == 0 {
		r.ready = r.feed.Datagrams(nil)
	}
	if len(r.ready) > 0 {
		o := r.ready[0]
		r.ready = r.ready[1:]
		return o
	}
	late := r.feed.Late() // before the subgroups, so that those it is of are known
	for s, ok := r.feed.Subgroup(); ok; s, ok = r.feed.Subgroup() {
		r.follow(s)
	}
	for _, l := range late {
		if c := r.known[l.Subgroup]; c != nil && l.Object.ID < c.from && !l.Object.Location().Less(r.start) {
			r.late = append(r.late, l)
		}
	}
	for i, l := range r.late {
		if l.Object.Complete() {
			r.late = slices.Delete(r.late, i, i+1)
			return l.Object
		}
	}
	return r.advance()
}

// follow adds a subgroup, or one that is continued, to those that are read.
func (r *Reader) follow(s *Subgroup) {
	c := r.known[s]
	if c == nil {
		c = &readerCursor{subgroup: s}
		if s.Group == r.start.Group {
			c.from = r.start.Object
		}
		if len(r.known) >= r.purge {
			for k, c := range r.known {
				if !c.open && k.Lost() {
					delete(r.known, k)
				}
			}
			r.late = slices.DeleteFunc(r.late, func(l Late) bool { return l.Subgroup.Lost() && l.Object.Stalled() })
			r.purge = max(64, 2*len(r.known))
		}
		r.known[s] = c
	}
	if !c.open {
		c.open = true
		r.open = append(r.open, c)
	}
}

// advance returns the next object that is complete, and leaves subgroups that
// bring no more.
func (r *Reader) advance() *Object {
	var found *Object
	again := false
	rest := r.open[:0]
	for _, c := range r.open {
		if found != nil {
			rest = append(rest, c)
			continue
		}
		var o *Object
		state := Finished
		if !c.past {
			o, state, _ = c.subgroup.Next(c.from)
		}
		switch {
		case o != nil && o.Complete() && !c.subgroup.Filling(c.from, o):
			found = o
			r.pass(c, o)
			rest = append(rest, c)
		case o != nil && c.subgroup.Abandoned(o): // it may still be completed, the others do not wait
			r.late = append(r.late, Late{c.subgroup, o})
			r.pass(c, o)
			rest = append(rest, c)
			again = true
		case o != nil && state != Aborted, o == nil && (state == Open || state == Waiting):
			rest = append(rest, c)
		default:
			c.open = false
		}
	}
	clear(r.open[len(rest):])
	r.open = rest
	if found == nil && again {
		return r.advance()
	}
	return found
}

func (r *Reader) pass(c *readerCursor, o *Object) {
	r.feed.Took(o)
	c.from, c.past = o.ID+1, o.ID+1 == 0
}
