package live

import (
	"sync/atomic"
	"time"

	"moqedge/moq/wire"
)

// segmentSize bounds what is allocated for an object before its bytes have
// arrived: a payload is kept in segments of this many bytes.
const segmentSize = 64 << 10

// Object is one object of a track. Its fields never change once it is part of
// a subgroup; its payload grows until it is Complete.
type Object struct {
	Group      uint64
	ID         uint64
	Subgroup   uint64 // meaningless when Datagram is set
	Priority   uint8
	Datagram   bool
	EndOfGroup bool // datagrams only: no object of the group has a larger ID
	Status     wire.ObjectStatus
	Properties wire.Properties // as received, never re-serialised
	Size       uint64          // payload length in bytes
	Arrived    time.Time       // when the first byte of the object was received or produced

	owned   bool   // a writer fills it; guarded by the track's mu
	chained bool   // it came right after the object with ID `after` on one stream
	after   uint64 // with chained

	filled   atomic.Uint64
	segments atomic.Pointer[[][]byte]
	framing  atomic.Pointer[framing]
}

// framing is the encoded header of an object as the successor of one certain
// object of its subgroup, shared by all sessions of a draft.
type framing struct {
	version       wire.Version
	hasProperties bool
	previous      wire.ObjectCursor
	bytes         []byte
}

// Framing returns the object's header on a subgroup stream of draft v, on which
// c is the position after the object sent before, and advances c. The bytes
// are shared and must not be changed.
func (o *Object) Framing(v wire.Version, c *wire.ObjectCursor, hasProperties bool) []byte {
	if f := o.framing.Load(); f != nil && f.version == v && f.hasProperties == hasProperties && f.previous == *c {
		*c = wire.CursorAfter(o.ID)
		return f.bytes
	}
	f := &framing{version: v, hasProperties: hasProperties, previous: *c}
	f.bytes = wire.AppendSubgroupObject(nil, v, c, hasProperties, o.Header())
	o.framing.CompareAndSwap(nil, f)
	return f.bytes
}

// Header is the object's header in wire terms.
func (o *Object) Header() *wire.Object {
	return &wire.Object{ID: o.ID, Status: o.Status, Properties: o.Properties, PayloadLen: o.Size}
}

// Location of the object in its track.
func (o *Object) Location() wire.Location { return wire.Location{Group: o.Group, Object: o.ID} }

// Available is the number of payload bytes that can be read.
func (o *Object) Available() uint64 { return o.filled.Load() }

// Complete reports whether the whole payload can be read.
func (o *Object) Complete() bool { return o.filled.Load() == o.Size }

// Bytes returns readable payload bytes from offset on: a part of what is
// available, never empty when Available() > offset. They are shared and must
// not be changed.
func (o *Object) Bytes(offset uint64) []byte {
	available := o.filled.Load()
	if offset >= available {
		return nil
	}
	segments := *o.segments.Load()
	first := segments[0]
	if uint64(len(first)) == o.Size {
		return first[offset:available]
	}
	i := offset / segmentSize
	start := i * segmentSize
	return segments[i][offset-start : min(available-start, uint64(len(segments[i])))]
}

// Payload returns the whole payload of a complete object, copied when it is
// kept in more than one segment. It returns nil for an incomplete one.
func (o *Object) Payload() []byte {
	if !o.Complete() || o.Size == 0 {
		return nil
	}
	if b := o.Bytes(0); uint64(len(b)) == o.Size {
		return b
	}
	b := make([]byte, 0, o.Size)
	for uint64(len(b)) < o.Size {
		b = append(b, o.Bytes(uint64(len(b)))...)
	}
	return b
}

// setPayload makes an object that nobody else sees yet complete with a payload it now owns.
func (o *Object) setPayload(p []byte) {
	o.Size = uint64(len(p))
	if len(p) > 0 {
		o.segments.Store(&[][]byte{p})
	}
	o.filled.Store(o.Size)
}

// tail returns where the next payload bytes go, allocating a segment when the
// last one is full. Only the object's writer calls it.
func (o *Object) tail() []byte {
	filled := o.filled.Load()
	if filled == o.Size {
		return nil
	}
	var segments [][]byte
	if p := o.segments.Load(); p != nil {
		segments = *p
	}
	i := int(filled / segmentSize)
	if i == len(segments) {
		size := min(o.Size-filled, segmentSize)
		grown := append(segments[:i:i], make([]byte, size))
		o.segments.Store(&grown)
		segments = grown
	}
	return segments[i][filled%segmentSize:]
}

// grow makes n more bytes of the tail readable.
func (o *Object) grow(n int) { o.filled.Add(uint64(n)) }
