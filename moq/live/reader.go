package live

import (
	"context"

	"moqedge/moq/wire"
)

// Reader reads the complete objects of a track inside the process, each
// subgroup in order, older groups before newer ones as far as both are there.
// It is used by one goroutine.
type Reader struct {
	feed   *Feed
	start  wire.Location
	open   []*readerCursor
	ready  []*Object
	wake   chan struct{}
	stop   func()
	closed bool
}

type readerCursor struct {
	subgroup *Subgroup
	from     uint64
}

// NewReader returns a reader of what is in the track at or after start and of
// all that comes. Close it after use.
func (t *Track) NewReader(start wire.Location) *Reader {
	r := &Reader{start: start, wake: make(chan struct{}, 1)}
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
		r.ready = r.feed.Datagrams()
	}
	if len(r.ready) > 0 {
		o := r.ready[0]
		r.ready = r.ready[1:]
		return o
	}
	for s, ok := r.feed.Subgroup(); ok; s, ok = r.feed.Subgroup() {
		c := &readerCursor{subgroup: s}
		if s.Group == r.start.Group {
			c.from = r.start.Object
		}
		r.open = append(r.open, c)
	}
	var found *Object
	rest := r.open[:0]
	for _, c := range r.open {
		if found != nil {
			rest = append(rest, c)
			continue
		}
		o, state, _ := c.subgroup.Next(c.from)
		switch {
		case o != nil && o.Complete() && !c.subgroup.Filling(c.from, o):
			found = o
			c.from = o.ID + 1
			rest = append(rest, c)
		case o != nil && state != Aborted, o == nil && (state == Open || state == Waiting):
			rest = append(rest, c)
		}
	}
	clear(r.open[len(rest):])
	r.open = rest
	return found
}
