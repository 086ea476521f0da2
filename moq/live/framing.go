package live

import "moqedge/moq/wire"

// framing is the encoded header of an object as the successor of one certain
// object of its subgroup, shared by all sessions of the drafts that write it alike.
type framing struct {
	hasProperties bool
	previous      wire.ObjectCursor
	bytes         []byte // with the payload behind them, up to their capacity: see ledSegment
}

// Framing returns the object's header on a subgroup stream of draft v, on which
// c is the position after the object sent before, and advances c. The bytes
// are shared and must not be changed.
func (o *Object) Framing(v wire.Version, c *wire.ObjectCursor, hasProperties bool) []byte {
	kept := &o.framing[v.FramingClass()]
	f := kept.Load()
	if f != nil && f.hasProperties == hasProperties && f.previous == *c {
		*c = wire.CursorAfter(o.ID)
	} else {
		f = &framing{hasProperties: hasProperties, previous: *c}
		f.bytes = wire.AppendSubgroupObject(nil, v, c, hasProperties, o.Header())
		kept.CompareAndSwap(nil, f)
	}
	return f.bytes[:len(f.bytes):len(f.bytes)]
}

// Joined returns what Framing gave with a piece that Bytes gave behind it, without
// a copy; nil when they do not lie side by side.
func (o *Object) Joined(header, piece []byte) []byte {
	if len(header) == 0 || len(piece) == 0 {
		return nil
	}
	for i := range o.framing {
		f := o.framing[i].Load()
		if f == nil || len(f.bytes) != len(header) || &f.bytes[0] != &header[0] {
			continue
		}
		whole := f.bytes[:cap(f.bytes)]
		if n := len(header); len(whole) >= n+len(piece) && &whole[n] == &piece[0] {
			return whole[:n+len(piece)]
		}
	}
	return nil
}

// ledSegment returns the first segment, of n bytes, with the object's header right
// before it, so that both can be written as one. That is the header which nearly
// all subscribers get: on a stream like the one the object came on, in the form of
// draft 18 and later. It returns nil when that is known already, or would take more
// memory.
func (o *Object) ledSegment(n int) []byte {
	kept := &o.framing[wire.Draft18.FramingClass()]
	if kept.Load() != nil {
		return nil
	}
	f := &framing{hasProperties: o.propped}
	if o.chained {
		f.previous = wire.CursorAfter(o.after)
	}
	c := f.previous
	var short [32]byte
	header := wire.AppendSubgroupObject(short[:0], wire.Draft18, &c, f.hasProperties, o.Header())
	if len(header) > len(short) || allocated(len(header)+n) > allocated(n) {
		return nil
	}
	led := append(make([]byte, 0, len(header)+n), header...)
	f.bytes = led
	if !kept.CompareAndSwap(nil, f) {
		return nil
	}
	return led[len(header) : len(header)+n]
}

// Header is the object's header in wire terms.
func (o *Object) Header() *wire.Object {
	return &wire.Object{ID: o.ID, Status: o.Status, Properties: o.Properties, PayloadLen: o.Size}
}
