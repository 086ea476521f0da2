package live

import (
	"errors"
	"slices"

	"moqedge/moq/wire"
)

// ErrClosed is returned when a closed track or writer is written to.
var ErrClosed = errors.New("live: closed")

// ErrOrder is returned when an object does not come after the one written before.
var ErrOrder = errors.New("live: object out of order")

// ObjectHeader announces an object whose payload follows.
type ObjectHeader struct {
	ID         uint64
	Status     wire.ObjectStatus
	Properties wire.Properties // ownership passes to the track
	Size       uint64
}

// SubgroupWriter appends objects to a subgroup, as one stream carries them. It
// is used by one goroutine.
type SubgroupWriter struct {
	track    *Track
	subgroup *Subgroup
	first    bool
	filling  bool // it inserts fetched objects: it is not counted as a writer

	started  bool
	last     uint64  // ID of the object written last
	current  *Object // filled by this writer; nil while bytes are discarded
	position uint64  // payload bytes of the current object seen
	size     uint64
	scratch  []byte
	closed   bool
}

// Begin starts an object. Its payload is then written into Buffer and committed.
func (w *SubgroupWriter) Begin(h ObjectHeader) error { return w.begin(h, nil) }

// begin starts an object; with a payload, which is h.Size bytes long, a new
// object is complete from the start.
func (w *SubgroupWriter) begin(h ObjectHeader, payload []byte) error {
	if w.closed {
		return ErrClosed
	}
	if w.position != w.size || (w.started && h.ID <= w.last) {
		return ErrOrder
	}
	t, s := w.track, w.subgroup
	now := t.options.Now()
	t.mu.Lock()
	if t.done != nil {
		t.mu.Unlock()
		return ErrClosed
	}
	i, exists := slices.BinarySearchFunc(s.objects, h.ID, compareObject)
	if exists {
		w.adopt(s.objects[i], h.Size)
	} else {
		o := &Object{Group: s.Group, ID: h.ID, Subgroup: s.ID, Priority: s.Priority, Status: h.Status, Properties: h.Properties, Size: h.Size, Arrived: now}
		if payload != nil {
			o.setPayload(payload)
		}
		o.owned = !o.Complete()
		o.chained, o.after = w.started && !w.filling, w.last
		s.objects = slices.Insert(s.objects, i, o)
		if w.first && !w.started && i == 0 {
			s.firstKnown = true
		}
		if o.Status != wire.ObjectNormal {
			s.group.endAt(o.ID)
		}
		t.raise(o.Location())
		t.account(s.group, o.Size, now)
		w.current = o
	}
	w.started, w.last, w.position, w.size = true, h.ID, 0, h.Size
	if !exists && payload != nil {
		w.current, w.position = nil, h.Size
	}
	t.mu.Unlock()
	t.notify()
	return nil
}

// adopt decides what to do with a second copy of an object: finish it when its
// writer left it incomplete, else discard the copy. The caller holds the track's mu.
func (w *SubgroupWriter) adopt(o *Object, size uint64) {
	w.current = nil
	if !o.owned && !o.Complete() && o.Size == size {
		o.owned = true
		w.current = o
	}
}

// Buffer returns where the next payload bytes of the current object go; it is
// empty when the object is complete. It is valid until Commit.
func (w *SubgroupWriter) Buffer() []byte {
	left := w.size - w.position
	if left == 0 {
		return nil
	}
	if w.current == nil || w.position < w.current.Available() {
		if w.current != nil {
			left = min(left, w.current.Available()-w.position)
		}
		if w.scratch == nil {
			w.scratch = make([]byte, 16<<10)
		}
		return w.scratch[:min(left, uint64(len(w.scratch)))]
	}
	return w.current.tail()
}

// Commit makes the first n bytes of Buffer part of the object.
func (w *SubgroupWriter) Commit(n int) {
	if w.current == nil || w.position < w.current.Available() {
		w.position += uint64(n)
		return
	}
	w.position += uint64(n)
	w.current.grow(n)
	if w.position == w.size {
		w.release()
	}
	w.track.notify()
}

// release gives up the current object.
func (w *SubgroupWriter) release() {
	if w.current == nil {
		return
	}
	w.track.mu.Lock()
	w.current.owned = false
	w.track.mu.Unlock()
	w.current = nil
}

// WholeObject is an object for Append. Ownership of its slices passes to the track.
type WholeObject struct {
	ID         uint64
	Status     wire.ObjectStatus
	Properties wire.Properties
	Payload    []byte
}

// Append adds a whole object.
func (w *SubgroupWriter) Append(o WholeObject) error {
	err := w.begin(ObjectHeader{ID: o.ID, Status: o.Status, Properties: o.Properties, Size: uint64(len(o.Payload))}, o.Payload)
	if err != nil {
		return err
	}
	for w.position < w.size { // a copy of an object that is there: it may be needed to complete that
		w.Commit(copy(w.Buffer(), o.Payload[w.position:]))
	}
	return nil
}

// Close ends the subgroup as a FIN does: it holds all its objects.
func (w *SubgroupWriter) Close() error {
	if w.closed {
		return ErrClosed
	}
	if w.position != w.size {
		w.leave(Aborted, wire.ResetInternalError)
		return ErrOrder
	}
	w.leave(Finished, 0)
	return nil
}

// Abort ends the subgroup as a reset does: more objects may exist.
func (w *SubgroupWriter) Abort(code wire.ResetCode) { w.leave(Aborted, code) }

// Interrupt ends the writer because its source is lost: with Options.Recover
// another writer is expected, else it is an abort.
func (w *SubgroupWriter) Interrupt() {
	if w.track.options.Recover {
		w.leave(Waiting, 0)
	} else {
		w.leave(Aborted, wire.ResetInternalError)
	}
}

func (w *SubgroupWriter) leave(to State, code wire.ResetCode) {
	if w.closed {
		return
	}
	w.closed = true
	w.release()
	t, s := w.track, w.subgroup
	t.mu.Lock()
	s.writers--
	switch {
	case to == Finished:
		s.state = Finished
		if s.endOfGroup && w.started {
			s.group.endAt(w.last + 1)
		}
	case s.writers == 0 && s.state != Finished:
		if t.done != nil && to == Waiting {
			to = Aborted
		}
		s.state, s.code = to, code
	}
	t.mu.Unlock()
	t.notify()
}
