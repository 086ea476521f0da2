package wire

// Properties above the codec have vi64 integers, in every session. Draft 16 writes
// the types, lengths and even values of Key-Value-Pairs in the form of RFC 9000,
// so the codec rewrites them on the way in and out: the framing alone, never the
// bytes of odd types. Most blocks have small integers only and are the same in
// both forms; they are passed on without a copy.
//
// Immutable Properties are such bytes: nobody may serialise them again (moqt-18
// §12.7), so whatever drafts they pass through, the integers inside have the form
// of the draft that their publisher spoke, and nothing says which that was. The
// draft of the session does not: the publisher is somebody else's. Who looks inside
// reads vi64 if all of it can be read so, else RFC 9000 if that works, in sessions
// of every draft; see immutableContents. Integers below 64 are the same in both. A
// block of a draft 16 publisher with larger ones that is also well formed as vi64
// is misread: what depends on it, in a relay or a receiver, is a default (a
// priority, a timeout, a gap), never a byte that is passed on.

// sameInBothForms reports whether p is the same with vi64 and with integers of
// RFC 9000: each of them takes one byte and is below 64. It is false for blocks
// that end inside a pair.
func sameInBothForms(p []byte) bool {
	for odd := byte(0); len(p) > 0; {
		if len(p) < 2 || p[0] >= 1<<6 || p[1] >= 1<<6 {
			return false
		}
		odd ^= p[0] & 1
		size := 2
		if odd != 0 {
			size += int(p[1])
		}
		if size > len(p) {
			return false
		}
		p = p[size:]
	}
	return true
}

// canonical returns the pairs of raw, a block of the decoder's draft, with vi64.
// The result shares memory with raw if the bytes are the same.
func (d *decoder) canonical(raw []byte) Properties {
	if d.err != nil || !d.draft.quicIntegers || sameInBothForms(raw) {
		return raw
	}
	// No integer grows by more than from four bytes to five.
	to := encoder{b: make([]byte, 0, len(raw)+len(raw)/4)}
	from := decoder{draft: d.draft, b: raw}
	for prev := uint64(0); len(from.b) > 0; {
		kv := from.pair(prev)
		if from.err != nil {
			d.fail(from.err)
			return nil
		}
		to.pair(prev, kv)
		prev = kv.Type
	}
	return to.b
}

// quicPairs appends those pairs of p that draft 16 can express, with integers of
// RFC 9000. What is left out is a value or a difference of types of 2^62 and more,
// what cannot be parsed, and a timeout of 0 of a Track: that is none in later
// drafts and forbidden in draft 16 (moqt-16 §11.0.0.1).
func (e *encoder) quicPairs(p Properties, ofTrack bool) {
	from := decoder{b: p}
	written := uint64(0)
	for prev := uint64(0); len(from.b) > 0; {
		kv := from.pair(prev)
		if from.err != nil {
			return
		}
		prev = kv.Type
		noTimeout := ofTrack && kv.Type == PropObjectDeliveryTimeout && kv.Value == 0
		if !noTimeout && kv.quicExpressible(written) {
			e.pair(written, kv)
			written = kv.Type
		}
	}
}

func (kv KeyValue) quicExpressible(prev uint64) bool {
	return kv.Type-prev <= MaxQUICVarint && (kv.Type%2 != 0 || kv.Value <= MaxQUICVarint)
}

// expressible reports whether anything of p is left when it is sent.
func (e *encoder) expressible(p Properties) bool {
	if len(p) == 0 || !e.draft.quicIntegers {
		return len(p) > 0
	}
	for kv := range p.All() {
		if kv.quicExpressible(0) {
			return true
		}
	}
	return false
}

// objectProperties appends the Properties structure (moqt-18 §11.2.1.2).
func (e *encoder) objectProperties(p Properties) {
	if !e.draft.quicIntegers || sameInBothForms(p) {
		e.prefixed(p)
		return
	}
	// The pairs are written first and moved up when their length is known.
	start := len(e.b)
	e.quicPairs(p, false)
	size := len(e.b) - start
	var room [8]byte
	length := AppendQUICVarint(room[:0], uint64(size))
	e.b = append(e.b, length...)
	copy(e.b[start+len(length):], e.b[start:start+size])
	copy(e.b[start:], length)
}

// objectProperties reads the Properties structure (moqt-18 §11.2.1.2). Draft 16
// may need twice the bytes for the same pairs.
func (d *decoder) objectProperties() Properties {
	const what = "object properties"
	if !d.draft.quicIntegers {
		return d.prefixed(what, MaxPropertiesLen)
	}
	p := d.canonical(d.prefixed(what, 2*MaxPropertiesLen))
	if len(p) > MaxPropertiesLen {
		d.fail(violation("%s have %d bytes, the limit is %d", what, len(p), MaxPropertiesLen))
	}
	return p
}

// trackProperties reads the Track Properties that fill the rest of a message and
// copies them.
func (d *decoder) trackProperties() Properties {
	if d.err == nil && d.draft.quicIntegers && !sameInBothForms(d.b) {
		p := d.canonical(d.b)
		d.b = nil
		d.checkTrackProperties(p)
		return p
	}
	p := Properties(d.rest())
	d.checkTrackProperties(p)
	return p
}

func (d *decoder) checkTrackProperties(p Properties) {
	if err := p.Validate(); err != nil {
		d.fail(err)
	}
	if v, ok := p.Uint(PropObjectDeliveryTimeout); ok && v == 0 && d.draft.quicIntegers {
		d.fail(violation("DELIVERY_TIMEOUT is 0")) // moqt-16 §11.0.0.1
	}
}

// trackProperties appends what fills the rest of a message.
func (e *encoder) trackProperties(p Properties) {
	if err := p.Validate(); err != nil {
		e.fail("track properties: %w", err)
	}
	if !e.draft.quicIntegers {
		e.raw(p)
		return
	}
	e.quicPairs(p, true)
}

// quicForm stands for any draft with integers of RFC 9000.
var quicForm = draft{quicIntegers: true}

// immutableContents returns a decoder for the inside of Immutable Properties: of
// vi64, unless RFC 9000 alone makes pairs of the bytes. What is neither is read as
// vi64 up to the fault.
func immutableContents(b []byte) decoder {
	if !sameInBothForms(b) && Properties(b).Validate() != nil {
		d := decoder{draft: &quicForm, b: b}
		if d.skipPairs(); d.err == nil {
			return decoder{draft: &quicForm, b: b}
		}
	}
	return decoder{b: b}
}
