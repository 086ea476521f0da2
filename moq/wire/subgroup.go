package wire

// SubgroupMode says where the Subgroup ID of a stream comes from (moqt-18 §11.4.2).
type SubgroupMode uint8

// Subgroup ID modes.
const (
	SubgroupZero        SubgroupMode = 0 // it is 0
	SubgroupFirstObject SubgroupMode = 1 // the ID of the first Object on the stream
	SubgroupExplicit    SubgroupMode = 2 // it is a field of the header
)

// SubgroupHeader starts a stream of Objects of one subgroup (moqt-18 §11.4.2).
type SubgroupHeader struct {
	// TrackAlias stands for the Track; Group is that of all Objects on the stream.
	TrackAlias, Group uint64
	// Mode says how the Subgroup ID is written.
	Mode SubgroupMode
	// Subgroup is valid for SubgroupZero and SubgroupExplicit. For
	// SubgroupFirstObject it is 0 until the reader sets it to the ID of its
	// first Object.
	Subgroup uint64
	// Priority is the publisher's; unset inherits that of the Track.
	Priority Option[uint8]
	// HasProperties says that every Object on the stream has a properties field.
	HasProperties bool
	// EndOfGroup says that a FIN of this stream ends the Group.
	EndOfGroup bool
	// FirstObject says that the stream starts with the first Object ever
	// published in the subgroup.
	FirstObject bool
}

// AppendSubgroupHeader appends the stream type and the header, or nothing if an ID
// is larger than the MaxInteger of v.
func AppendSubgroupHeader(b []byte, v Version, h *SubgroupHeader) []byte {
	t := subgroupMarker | StreamType(h.Mode)<<subgroupModeShift&subgroupModeMask
	if h.HasProperties {
		t |= subgroupProperties
	}
	if h.EndOfGroup {
		t |= subgroupEndOfGroup
	}
	if !h.Priority.Set {
		t |= subgroupDefaultPriority
	}
	if h.FirstObject {
		t |= subgroupFirstObject
	}
	d := v.draft()
	e := encoder{draft: d, b: b}
	// Hints that the draft does not have are left out.
	e.varint(uint64(t & (d.subgroupBits | ^subgroupFirstObject)))
	e.varint(h.TrackAlias)
	e.varint(h.Group)
	if h.Mode == SubgroupExplicit {
		e.varint(h.Subgroup)
	}
	if h.Priority.Set {
		e.uint8(h.Priority.Value)
	}
	return e.appended(b)
}

// ParseSubgroupHeader reads the stream type and the header and returns the number
// of bytes they took. Errors are [ErrShort], or an [*Error] if the type is not
// that of a subgroup.
func ParseSubgroupHeader(v Version, b []byte) (h SubgroupHeader, n int, err error) {
	d := decoder{draft: v.draft(), b: b}
	t := d.streamType()
	if d.err == nil && !t.IsSubgroup() {
		d.fail(violation("stream type %#x is not a subgroup", uint64(t)))
	}
	h.Mode = SubgroupMode(t & subgroupModeMask >> subgroupModeShift)
	h.HasProperties = t&subgroupProperties != 0
	h.EndOfGroup = t&subgroupEndOfGroup != 0
	h.FirstObject = t&subgroupFirstObject != 0
	h.TrackAlias = d.varint()
	h.Group = d.varint()
	if h.Mode == SubgroupExplicit {
		h.Subgroup = d.varint()
	}
	if t&subgroupDefaultPriority == 0 {
		h.Priority = Some(d.uint8())
	}
	if d.err != nil {
		return SubgroupHeader{}, 0, d.err
	}
	return h, len(b) - len(d.b), nil
}

// ObjectStatus says what an Object without payload means (moqt-18 §11.2.1.1).
type ObjectStatus uint64

// Object statuses.
const (
	ObjectNormal     ObjectStatus = 0
	ObjectEndOfGroup ObjectStatus = 3 // no larger Object ID exists in the Group
	ObjectEndOfTrack ObjectStatus = 4 // no larger Location exists in the Track
)

// Object is the header of an Object on a subgroup stream; PayloadLen bytes of
// payload follow it. A Status other than ObjectNormal comes with neither payload
// nor properties.
type Object struct {
	ID         uint64 // in its Group
	Status     ObjectStatus
	Properties Properties // share memory with what was parsed
	PayloadLen uint64     // in bytes
}

// ObjectCursor remembers the previous Object ID of a subgroup stream, from which
// the next is delta encoded. The zero value is the start of a stream. It belongs
// to the goroutine that reads or writes the stream.
type ObjectCursor struct {
	prev    uint64
	started bool
}

// CursorAfter returns the position on a stream whose last Object has this ID.
func CursorAfter(id uint64) ObjectCursor { return ObjectCursor{prev: id, started: true} }

// AppendSubgroupObject appends the header of o and moves the cursor. IDs must
// ascend on a stream; o.Properties are left out unless hasProperties, as the
// header of the stream says. It appends nothing and leaves the cursor if the ID is
// larger than the MaxInteger of v.
func AppendSubgroupObject(b []byte, v Version, c *ObjectCursor, hasProperties bool, o *Object) []byte {
	e := encoder{draft: v.draft(), b: b}
	if o.ID > e.draft.maxInteger() {
		return b
	}
	delta := o.ID
	if c.started {
		delta -= c.prev + 1
	}
	e.varint(delta)
	if hasProperties {
		e.objectProperties(o.Properties)
	}
	e.varint(o.PayloadLen)
	if o.PayloadLen == 0 {
		e.varint(uint64(o.Status))
	}
	if e.err != nil {
		return b
	}
	c.prev, c.started = o.ID, true
	return e.b
}

// ParseSubgroupObject reads the header of the next Object and returns the number
// of bytes it took. o.Properties share memory with b and are not validated.
// The cursor moves on success alone. Errors are [ErrShort] or an [*Error].
func ParseSubgroupObject(v Version, c *ObjectCursor, hasProperties bool, b []byte) (o Object, n int, err error) {
	d := decoder{draft: v.draft(), b: b}
	o.ID = d.varint()
	if c.started && d.err == nil {
		delta, limit := o.ID, d.draft.maxInteger()
		if c.prev >= limit || delta > limit-c.prev-1 {
			return Object{}, 0, violation("object ID %d + %d + 1 is more than %d", c.prev, delta, limit)
		}
		o.ID = c.prev + 1 + delta
	}
	if hasProperties {
		o.Properties = d.objectProperties()
	}
	o.PayloadLen = d.varint()
	if o.PayloadLen == 0 {
		o.Status = d.objectStatus(len(o.Properties) > 0)
	}
	if d.err != nil {
		return Object{}, 0, d.err
	}
	c.prev, c.started = o.ID, true
	return o, len(b) - len(d.b), nil
}

// objectStatus reads an Object Status; only ObjectNormal may have properties
// (moqt-18 §11.2.1.2).
func (d *decoder) objectStatus(hasProperties bool) ObjectStatus {
	s := ObjectStatus(d.varint())
	switch s {
	case ObjectNormal:
	case ObjectEndOfGroup, ObjectEndOfTrack:
		if hasProperties {
			d.fail(violation("object status %d comes with properties", uint64(s)))
		}
	default:
		d.fail(violation("object status %d does not exist", uint64(s)))
	}
	return s
}
