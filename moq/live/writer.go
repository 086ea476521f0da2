package live

import (
	"errors"

	"moqedge/moq/wire"
)

// ErrClosed is returned when a closed track or writer is written to, and by
// Reader.Next after the last object of a closed track.
var ErrClosed = errors.New("live: closed")

// ErrOrder is returned when an object does not come after the one written before.
var ErrOrder = errors.New("live: object out of order")

// ObjectHeader announces an object whose payload follows.
type ObjectHeader struct {
	ID         uint64            // in its group; it ascends in a subgroup
	Status     wire.ObjectStatus // other than ObjectNormal: without payload and properties
	Properties wire.Properties   // ownership passes to the track
	Size       uint64            // payload length in bytes
}

// SubgroupWriter appends objects to a subgroup, as one stream carries them. It
// is used by one goroutine. An error of one of its methods other than ErrOrder
// ends it.
type SubgroupWriter struct {
	track      *Track
	subgroup   *Subgroup
	priority   uint8
	endOfGroup bool
	first      bool
	filling    bool // it inserts fetched objects: it is not counted as a writer

	started  bool
	last     uint64  // ID of the object written last
	current  *Object // written or compared with by this writer; nil while bytes are discarded
	owner    bool    // of the tail of current
	position uint64  // payload bytes of the current object seen
	size     uint64
	buffer   []byte // what Buffer returned last
	inPlace  bool   // buffer is the tail of current
	scratch  []byte
	unsaid   int             // bytes of the current object that readers may not have been told of
	fault    *MalformedError // of the payload, told by the next Begin or Close
	closed   bool
}

// Begin starts an object. Its payload is then written into Buffer and
// committed. It returns ErrClosed, ErrOrder, or a *MalformedError.
func (w *SubgroupWriter) Begin(h ObjectHeader) error { return w.begin(h, nil) }

// begin starts an object; with a payload, which is h.Size bytes long, a new
// object is complete from the start.
func (w *SubgroupWriter) begin(h ObjectHeader, payload []byte) error {
	switch {
	case w.closed:
		return ErrClosed
	case w.fault != nil:
		return w.malformed(w.fault)
	case w.position != w.size || (w.started && h.ID <= w.last):
		return ErrOrder
	}
	t, s := w.track, w.subgroup
	now := t.options.Now()
	t.mu.Lock()
	if t.done != nil {
		t.mu.Unlock()
		return ErrClosed
	}
	a := arrival{
		at: wire.Location{Group: s.Group, Object: h.ID}, subgroup: s.ID, priority: w.priority,
		status: h.Status, properties: h.Properties, size: h.Size, fetched: w.filling,
	}
	known, drop, err := t.judge(s.group, &a)
	if err == nil && known == nil {
		err = s.judge(&a)
	}
	if err != nil {
		t.mu.Unlock()
		return w.malformed(err)
	}
	stored := false
	switch {
	case known != nil:
		known.fetched = known.fetched || w.filling
		w.adopt(known)
	case !drop:
		o := &Object{
			Group: s.Group, ID: h.ID, Subgroup: s.ID, Priority: s.Priority, Status: h.Status, Properties: h.Properties,
			Size: h.Size, Arrived: now, in: s.group, chained: w.started && !w.filling, after: w.last, fetched: w.filling,
			propped: s.hasProperties || len(h.Properties) > 0,
		}
		if payload != nil {
			o.setPayload(payload)
			stored = true
		}
		t.learn(s.group, &a)
		s.insert(o, w)
		if !o.Complete() {
			o.owned = true
			w.take(o, true)
		}
	}
	w.started, w.last, w.position, w.size = true, h.ID, 0, h.Size
	if stored {
		w.position = h.Size
	}
	s.point()
	t.mu.Unlock()
	if w.unsaid = 0; w.position == h.Size {
		t.notify()
	} else {
		t.gather()
	}
	return nil
}

// adopt lets the writer compare its copy of an object with what is there, and go
// on with it where that ends. The caller holds the track's mu.
func (w *SubgroupWriter) adopt(o *Object) {
	if o.Size == 0 {
		return
	}
	filled := o.filled.Load()
	if o.Stalled() {
		o.resumed.Store(max(1, int64(w.track.options.Now().Sub(o.Arrived))))
	}
	free := !o.owned && filled < o.Size // and not seized
	if free {
		o.owned = true
	}
	w.take(o, free)
}

func (w *SubgroupWriter) take(o *Object, owner bool) {
	w.current, w.owner = o, owner
	o.writers.Add(1)
}

// Buffer returns where the next payload bytes of the current object go; it is
// empty when the object is complete. It is valid until Commit.
func (w *SubgroupWriter) Buffer() []byte {
	left := w.size - w.position
	w.inPlace = false
	if left == 0 {
		w.buffer = nil
		return nil
	}
	if o := w.current; o != nil && w.owner {
		available := o.Available()
		if available == w.position {
			if w.buffer = o.tail(true); w.buffer != nil {
				w.inPlace = true
				return w.buffer
			}
		} else if w.position < available {
			left = min(left, available-w.position) // from there on in place
		}
	}
	if w.scratch == nil {
		w.scratch = make([]byte, 16<<10)
	}
	w.buffer = w.scratch[:min(left, uint64(len(w.scratch)))]
	return w.buffer
}

// Commit makes the first n bytes of Buffer part of the object. What is there
// already is compared instead.
func (w *SubgroupWriter) Commit(n int) {
	o, offset := w.current, w.position
	b := w.buffer[:n]
	w.position += uint64(n)
	if o == nil || n == 0 {
		return
	}
	grown := false
	switch {
	case w.inPlace && o.grow(offset, n):
		grown = true
	case w.position <= o.Available():
		w.compare(o, offset, b)
	default:
		grown = w.merge(o, offset, b)
	}
	w.inPlace = false
	if w.position == w.size {
		w.release()
	}
	if !grown {
		return
	}
	if w.unsaid += n; w.position == w.size || w.unsaid >= gatherBytes {
		w.unsaid = 0
		w.track.notify()
	} else {
		w.track.gather()
	}
}

// compare notes it when b is not what o has from offset on; the rest is
// discarded then.
func (w *SubgroupWriter) compare(o *Object, offset uint64, b []byte) bool {
	if o.holds(offset, b) {
		return true
	}
	w.fault = malformed("object %v came twice, each time with another payload", o.Location())
	w.release()
	return false
}

// merge is Commit for bytes of which some lie beyond the readable ones although
// this writer does not own the tail, or does no longer: whoever has the bytes
// first adds them.
func (w *SubgroupWriter) merge(o *Object, offset uint64, b []byte) (grown bool) {
	t := w.track
	t.mu.Lock()
	if o.owned && o.filled.Load()&seized == 0 {
		o.seize()
	}
	have := min(o.Available()-offset, uint64(len(b)))
	same := o.holds(offset, b[:have])
	if same {
		o.extend(b[have:])
	}
	t.mu.Unlock()
	if !same {
		w.compare(o, offset, b[:have])
	}
	return same
}

// release gives up the current object.
func (w *SubgroupWriter) release() {
	o := w.current
	if o == nil {
		return
	}
	w.current = nil
	if !o.Complete() {
		w.track.mu.Lock()
		w.track.left(o, w.owner)
		w.track.mu.Unlock()
	}
	w.owner = false
	o.writers.Add(-1)
}

// WholeObject is an object for Append. Ownership of its slices passes to the track.
type WholeObject struct {
	ID         uint64            // in its group; it ascends in a subgroup
	Status     wire.ObjectStatus // other than ObjectNormal: without payload and properties
	Properties wire.Properties   // none if it is empty
	Payload    []byte            // may be empty
}

// Append adds a whole object. It returns the errors of Begin.
func (w *SubgroupWriter) Append(o WholeObject) error {
	err := w.begin(ObjectHeader{ID: o.ID, Status: o.Status, Properties: o.Properties, Size: uint64(len(o.Payload))}, o.Payload)
	if err != nil {
		return err
	}
	for w.position < w.size { // a copy of an object that is there: it may be needed to complete that
		w.Commit(copy(w.Buffer(), o.Payload[w.position:]))
	}
	if w.fault != nil {
		return w.malformed(w.fault)
	}
	return nil
}
