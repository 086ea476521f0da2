package wire

import (
	"fmt"
	"math"
	"time"
)

// decoder takes fields off the front of b. The first failure sticks: later calls
// return zero values, so a message is read as a plain list of its fields and err
// is looked at once. Running out of bytes is ErrShort; the caller knows whether
// more can come. decoder and encoder are the only places that read and write
// integers, so a draft with another form of them changes these two alone.
type decoder struct {
	draft *draft
	b     []byte
	err   error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *decoder) varint() uint64 {
	if d.err != nil {
		return 0
	}
	var v uint64
	var n int
	if d.draft != nil && d.draft.quicIntegers {
		v, n = ParseQUICVarint(d.b)
	} else {
		v, n = ParseVarint(d.b)
	}
	if n == 0 {
		d.err = ErrShort
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) uint8() uint8 {
	b := d.bytes(1)
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// bytes returns the next n bytes without copying them; nil if n is 0.
func (d *decoder) bytes(n uint64) []byte {
	if d.err != nil || n == 0 {
		return nil
	}
	if n > uint64(len(d.b)) {
		d.err = ErrShort
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

// prefixed returns the bytes after a length of at most limit, without copying.
func (d *decoder) prefixed(what string, limit uint64) []byte {
	n := d.varint()
	if n > limit {
		d.fail(violation("%s has %d bytes, the limit is %d", what, n, limit))
	}
	return d.bytes(n)
}

// nested reads a field that fills the bytes after its length.
func nested[T any](d *decoder, what string, read func(*decoder) T) T {
	var none T
	raw := d.prefixed(what, MaxMessagePayload)
	if d.err != nil {
		return none
	}
	inner := decoder{draft: d.draft, b: raw}
	v := read(&inner)
	switch {
	case inner.err == ErrShort:
		d.fail(violation("%s ends inside a field", what))
	case inner.err != nil:
		d.fail(inner.err)
	case len(inner.b) > 0:
		d.fail(violation("%d bytes after the %s", len(inner.b), what))
	default:
		return v
	}
	return none
}

// rest returns everything that is left, copied; nil if nothing is.
func (d *decoder) rest() []byte {
	if d.err != nil || len(d.b) == 0 {
		return nil
	}
	b := append([]byte(nil), d.b...)
	d.b = nil
	return b
}

func (d *decoder) location() Location {
	return Location{Group: d.varint(), Object: d.varint()}
}

// maxMillis is the largest number of milliseconds a time.Duration holds. Peers
// may send more; nobody waits 292 years, so it saturates.
const maxMillis = math.MaxInt64 / uint64(time.Millisecond)

func (d *decoder) millis() time.Duration { return fromMillis(d.varint()) }

func fromMillis(ms uint64) time.Duration {
	return time.Duration(min(ms, maxMillis)) * time.Millisecond
}

func (d *decoder) namespace() Namespace {
	count := d.varint()
	if count > MaxNamespaceFields {
		d.fail(violation("namespace has %d fields, the limit is %d", count, MaxNamespaceFields))
	}
	if d.err != nil || count == 0 {
		return nil
	}
	n := make(Namespace, 0, count)
	size := uint64(0)
	for range count {
		length := d.varint()
		if d.err == nil && length == 0 {
			d.fail(violation("namespace has an empty field"))
		}
		if length > MaxFullTrackName-size {
			d.fail(violation("namespace has more than %d bytes", MaxFullTrackName))
		}
		field := d.bytes(length)
		if d.err != nil {
			return nil
		}
		size += length
		n = append(n, string(field))
	}
	return n
}

// trackNamespace reads the Track Namespace of a Track or of a publisher. A prefix or
// a suffix of one, which namespace reads, may have no fields in any draft.
func (d *decoder) trackNamespace() Namespace {
	n := d.namespace()
	if d.err == nil && len(n) == 0 && d.draft.namespaceNotEmpty {
		d.fail(violation("track namespace has no fields"))
	}
	return n
}

func (d *decoder) fullTrackName() FullTrackName {
	f := FullTrackName{Namespace: d.trackNamespace()}
	f.Name = string(d.prefixed("track name", uint64(MaxFullTrackName-f.Namespace.size())))
	return f
}

// encoder appends fields to b. The first failure sticks in err.
type encoder struct {
	draft *draft
	b     []byte
	err   error
}

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

// varint appends v in the form of the draft; draft 16 has none for 2^62 and more.
func (e *encoder) varint(v uint64) {
	if e.draft == nil || !e.draft.quicIntegers {
		e.b = AppendVarint(e.b, v)
		return
	}
	if v > MaxQUICVarint {
		e.fail("%d is more than the 62 bits that an integer of %v has", v, e.draft.version)
	}
	e.b = AppendQUICVarint(e.b, v)
}

func (e *encoder) uint8(v uint8) { e.b = append(e.b, v) }

func (e *encoder) raw(b []byte) { e.b = append(e.b, b...) }

func (e *encoder) prefixed(b []byte) {
	e.varint(uint64(len(b)))
	e.b = append(e.b, b...)
}

// nested appends what inner holds after its length.
func (e *encoder) nested(inner *encoder) {
	if inner.err != nil {
		e.fail("%w", inner.err)
	}
	e.prefixed(inner.b)
}

// text appends a length-prefixed string of at most limit bytes.
func (e *encoder) text(what, s string, limit int) {
	if len(s) > limit {
		e.fail("%s has %d bytes, the limit is %d", what, len(s), limit)
		return
	}
	e.varint(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) location(l Location) {
	e.varint(l.Group)
	e.varint(l.Object)
}

// millis appends t in milliseconds, rounded up so that a short time does not
// become the zero that means something else.
func (e *encoder) millis(what string, t time.Duration) {
	e.varint(e.toMillis(what, t))
}

func (e *encoder) toMillis(what string, t time.Duration) uint64 {
	if t < 0 {
		e.fail("%s is negative: %v", what, t)
		return 0
	}
	ms := uint64(t / time.Millisecond)
	if t%time.Millisecond != 0 {
		ms++
	}
	return ms
}

func (e *encoder) namespace(n Namespace) {
	if err := n.check(0); err != nil {
		e.fail("%w", err)
		return
	}
	e.varint(uint64(len(n)))
	for _, f := range n {
		e.varint(uint64(len(f)))
		e.b = append(e.b, f...)
	}
}

// trackNamespace appends the Track Namespace of a Track or of a publisher; see the
// method of decoder.
func (e *encoder) trackNamespace(n Namespace) {
	if len(n) == 0 && e.draft.namespaceNotEmpty {
		e.fail("%v has no track namespace without fields", e.draft.version)
	}
	e.namespace(n)
}

func (e *encoder) fullTrackName(f FullTrackName) {
	if err := f.Namespace.check(len(f.Name)); err != nil {
		e.fail("%w", err)
		return
	}
	e.trackNamespace(f.Namespace)
	e.text("track name", f.Name, MaxFullTrackName)
}
