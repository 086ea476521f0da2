package live

import (
	"bytes"
	"sync/atomic"
	"time"

	"moqedge/moq/wire"
)

// segmentSize bounds what is allocated for an object before its bytes have
// arrived: a payload is kept in segments of this many bytes.
const segmentSize = 64 << 10

// Object is one object of a track. Its fields never change once it is part of
// a subgroup; its payload grows until it is Complete. Its methods are safe for
// concurrent use, and so is an object that its track has forgotten.
type Object struct {
	Group      uint64 // with ID its Location
	ID         uint64
	Subgroup   uint64            // meaningless when Datagram is set
	Priority   uint8             // the publisher's; lower is more important (moqt-18 §7)
	Datagram   bool              // it came, and goes, as a datagram (moqt-18 §11.3)
	EndOfGroup bool              // datagrams only: no object of the group has a larger ID
	Status     wire.ObjectStatus // other than ObjectNormal: there is no payload (moqt-18 §11.2.1.1)
	Properties wire.Properties   // as received, never re-serialised; shared, not to be changed
	Size       uint64            // payload length in bytes
	Arrived    time.Time         // when the first byte of the object was received or produced

	in      *group // that counts what it takes in memory
	late    uint64 // position in the track's journal of late objects, or of datagrams, plus 1; 0 when it is in none
	chained bool   // it came right after the object with ID `after` on one stream
	after   uint64 // with chained
	propped bool   // the stream that it came on may have properties
	owned   bool   // a writer fills its tail in place; guarded by the track's mu
	expired bool   // it is being forgotten; guarded by the track's mu
	came    uint64 // payload bytes of the track up to and with it; guarded by the track's mu until it is published
	fetched bool   // a FETCH response had it; guarded by the track's mu

	resumed  atomic.Int64  // when a writer went on with what others had left, in nanoseconds after Arrived; 0: none did
	writers  atomic.Int32  // that fill it or compare with it
	filled   atomic.Uint64 // payload bytes that can be read, and seized
	segments atomic.Pointer[[][]byte]
	framing  [2]atomic.Pointer[framing] // by wire.Version.FramingClass
}

// seized is set in Object.filled when its tail was taken from a slow writer: from
// then on bytes are added under the track's mu alone.
const seized = 1 << 63

// Location of the object in its track.
func (o *Object) Location() wire.Location { return wire.Location{Group: o.Group, Object: o.ID} }

// Available is the number of payload bytes that can be read.
func (o *Object) Available() uint64 { return o.filled.Load() &^ seized }

// Complete reports whether the whole payload can be read.
func (o *Object) Complete() bool { return o.Available() == o.Size }

// Stalled reports that the payload is not complete and nobody is writing it.
func (o *Object) Stalled() bool {
	// In this order: a writer leaves what it has completed. The other way round it could
	// do both in between, and who reads would go on behind a whole object.
	return o.writers.Load() == 0 && !o.Complete()
}

// Coming is since when its payload comes: Arrived, or a later time at which another
// writer went on with what those before had left. Who measures how far a reader is
// behind begins there.
func (o *Object) Coming() time.Time {
	if at := o.resumed.Load(); at != 0 {
		return o.Arrived.Add(time.Duration(at)) // by uptime, as Arrived is: clocks are set
	}
	return o.Arrived
}

// Bytes returns readable payload bytes from offset on: a part of what is
// available, never empty when Available() > offset. They are shared and must
// not be changed.
func (o *Object) Bytes(offset uint64) []byte {
	available := o.Available()
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
// last one is full. Its owner calls it, or whoever holds the track's mu when it
// has none. It returns nil when the object is complete, and to an owner that the
// tail was taken from.
func (o *Object) tail(owner bool) []byte {
	// In this order: seize does the reverse, so memory that belongs to somebody
	// else is never taken for the owner's.
	p := o.segments.Load()
	f := o.filled.Load()
	filled := f &^ seized
	if filled == o.Size || (owner && f != filled) {
		return nil
	}
	var segments [][]byte
	if p != nil {
		segments = *p
	}
	i := int(filled / segmentSize)
	if i == len(segments) {
		grown := append(segments[:i:i], o.newSegment(i))
		if !o.segments.CompareAndSwap(p, &grown) {
			return nil
		}
		o.in.charge(allocated(len(grown[i])))
		segments = grown
	}
	return segments[i][filled%segmentSize:]
}

func (o *Object) newSegment(i int) []byte {
	n := int(min(o.Size-uint64(i)*segmentSize, segmentSize))
	if i == 0 {
		if s := o.ledSegment(n); s != nil {
			return s
		}
	}
	return make([]byte, n)
}

// grow makes the n bytes at offset readable, which the owner of the tail has
// filled. It fails when the tail was taken from it.
func (o *Object) grow(offset uint64, n int) bool {
	return o.filled.CompareAndSwap(offset, offset+uint64(n))
}

// seize takes the tail from its owner, which may be writing into it just now:
// the bytes that can be read are copied to memory of their own. The caller holds
// the track's mu.
func (o *Object) seize() {
	for f := o.filled.Load(); !o.filled.CompareAndSwap(f, f|seized); f = o.filled.Load() {
	}
	filled := o.Available()
	if filled == o.Size {
		return
	}
	i := int(filled / segmentSize)
	for {
		p := o.segments.Load()
		var segments [][]byte
		if p != nil {
			segments = *p
		}
		moved := append(segments[:i:i], o.newSegment(i))
		if i < len(segments) {
			copy(moved[i], segments[i][:filled%segmentSize])
		}
		if o.segments.CompareAndSwap(p, &moved) {
			if i == len(segments) {
				o.in.charge(allocated(len(moved[i])))
			}
			return
		} // else the owner has added a segment
	}
}

// extend adds bytes after the readable ones. The tail has no owner, and the
// caller holds the track's mu.
func (o *Object) extend(b []byte) {
	for len(b) > 0 {
		n := copy(o.tail(false), b)
		o.filled.Add(uint64(n))
		b = b[n:]
	}
}

// left notes that a writer, which may have owned its tail, left an object incomplete: of
// what is being fetched it is still to be had. The caller holds mu.
func (t *Track) left(o *Object, owner bool) {
	if owner {
		o.owned = false
	}
	if t.filling.contains(o.Location()) {
		t.unknown = t.unknown.add(Range{o.Location(), after(o.Location())})
	}
}

// holds reports whether the readable payload bytes from offset on begin with b,
// as far as they go.
func (o *Object) holds(offset uint64, b []byte) bool {
	for len(b) > 0 {
		have := o.Bytes(offset)
		n := min(len(have), len(b))
		if n == 0 {
			return true
		}
		if !bytes.Equal(have[:n], b[:n]) {
			return false
		}
		offset += uint64(n)
		b = b[n:]
	}
	return true
}
