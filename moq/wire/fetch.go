package wire

import "math"

// FetchHeader starts the stream that answers a FETCH, named by its RequestID
// (moqt-18 §11.4.4), or from draft 20 on the fill of a subscription.
type FetchHeader struct{ RequestID uint64 }

// AppendFetchHeader appends the stream type and the header, or nothing if the ID is
// larger than the MaxInteger of v.
func AppendFetchHeader(b []byte, v Version, h *FetchHeader) []byte {
	e := encoder{draft: v.draft(), b: b}
	e.varint(uint64(StreamFetch))
	e.varint(h.RequestID)
	return e.appended(b)
}

// ParseFetchHeader reads the stream type and the header and returns the number of
// bytes they took. Errors are [ErrShort], or an [*Error] if the type is another.
func ParseFetchHeader(v Version, b []byte) (h FetchHeader, n int, err error) {
	d := decoder{draft: v.draft(), b: b}
	t := d.streamType()
	if d.err == nil && t != StreamFetch {
		d.fail(violation("stream type %#x is not a fetch", uint64(t)))
	}
	h.RequestID = d.varint()
	if d.err != nil {
		return FetchHeader{}, 0, d.err
	}
	return h, len(b) - len(d.b), nil
}

// FetchItem tells Objects from markers on a fetch stream.
type FetchItem uint8

// Items of a fetch stream. The markers say that everything after the last item up
// to and including their Location does not exist, is unknown (moqt-18 §11.4.4.2),
// or did not arrive in the time there was (draft 20, FeatureTimedOutRange; earlier
// drafts are told that it is unknown).
const (
	FetchItemObject FetchItem = iota
	FetchItemEndNonExistent
	FetchItemEndUnknown
	FetchItemEndTimedOut
)

// FetchObject is the header of an Object on a fetch stream, PayloadLen bytes of
// payload follow it, or a marker, which has a Group and an ID and nothing else.
//
// Priority is the publisher's; lower is more important.
type FetchObject struct {
	Kind      FetchItem // what the item is
	Group, ID uint64
	Subgroup  uint64 // 0 if Datagram
	Datagram  bool   // the Object has no subgroup
	Priority  uint8
	// HasProperties says that there is a properties field, even if it is empty.
	HasProperties bool
	Properties    Properties // share memory with what was parsed
	PayloadLen    uint64     // in bytes
}

// Bits of the Serialization Flags (moqt-18 §11.4.4.1). In draft 16 the Group ID and
// the Object ID that follow are the IDs themselves (moqt-16 §10.4.4.1).
const (
	fetchSubgroupZero  = 0x00
	fetchSubgroupPrior = 0x01
	fetchSubgroupNext  = 0x02
	fetchSubgroupField = 0x03
	fetchSubgroupMask  = 0x03
	fetchObjectID      = 0x04
	fetchGroup         = 0x08
	fetchPriority      = 0x10
	fetchProperties    = 0x20
	fetchDatagram      = 0x40
	fetchFlags         = 0x7F
)

// FetchCursor remembers what the next item of a fetch stream may refer to. The
// zero value is the start of a stream in ascending group order; set Descending
// before the first item. It belongs to the goroutine that reads or writes the
// stream.
type FetchCursor struct {
	Descending bool

	started   bool // group and id are those of the last item
	group, id uint64
	// The priority of the last Object, and the subgroup of the last Object that
	// had one: markers and datagrams have none to refer to.
	hasPriority, hasSubgroup bool
	priority                 uint8
	subgroup                 uint64
}

func (c *FetchCursor) move(o *FetchObject) {
	c.started, c.group, c.id = true, o.Group, o.ID
	if o.Kind != FetchItemObject {
		return
	}
	c.hasPriority, c.priority = true, o.Priority
	if !o.Datagram {
		c.hasSubgroup, c.subgroup = true, o.Subgroup
	}
}

// AppendFetchObject appends o in its shortest form and moves the cursor. Items
// must be in group order, and in ascending ID order within a group. It appends
// nothing and leaves the cursor if an ID of an Object is larger than the
// MaxInteger of v.
func AppendFetchObject(b []byte, v Version, c *FetchCursor, o *FetchObject) []byte {
	e := encoder{draft: v.draft(), b: b}
	if o.Kind == FetchItemObject {
		if limit := e.draft.maxInteger(); o.Group > limit || o.Subgroup > limit || o.ID > limit {
			return b
		}
		e.fetchObject(c, o)
	} else {
		e.endOfRange(o)
	}
	if e.err != nil {
		return b
	}
	c.move(o)
	return e.b
}

// endOfRange appends a marker, that of an unknown range if the draft has no other.
func (e *encoder) endOfRange(o *FetchObject) {
	flags := e.draft.endOfRange
	switch {
	case len(flags) == 0:
		e.fail("%v has no markers", e.draft.version)
		return
	case int(o.Kind) < len(flags):
		e.varint(flags[o.Kind])
	default:
		e.varint(flags[FetchItemEndUnknown])
	}
	e.varint(e.widest(o.Group))
	e.varint(e.widest(o.ID))
}

// widest is v as the end of a range, which may be beyond what the draft can say.
func (e *encoder) widest(v uint64) uint64 { return min(v, e.draft.maxInteger()) }

// widest takes the largest integer of draft 16 for no end.
func (d *decoder) widest(v uint64) uint64 {
	if v == MaxQUICVarint && d.draft.quicIntegers {
		return math.MaxUint64
	}
	return v
}

func (e *encoder) fetchObject(c *FetchCursor, o *FetchObject) {
	flags := uint64(0)
	switch {
	case o.Datagram:
		flags |= fetchDatagram
	case o.Subgroup == 0:
		flags |= fetchSubgroupZero
	case c.hasSubgroup && o.Subgroup == c.subgroup:
		flags |= fetchSubgroupPrior
	case c.hasSubgroup && o.Subgroup == c.subgroup+1:
		flags |= fetchSubgroupNext
	default:
		flags |= fetchSubgroupField
	}
	if !c.started || o.Group != c.group {
		flags |= fetchGroup
	}
	if !c.started || o.ID == 0 || o.ID-1 != c.id {
		flags |= fetchObjectID
	}
	if !c.hasPriority || o.Priority != c.priority {
		flags |= fetchPriority
	}
	if o.HasProperties || len(o.Properties) > 0 {
		flags |= fetchProperties
	}

	group, id := o.Group, o.ID
	if e.draft.fetchDeltas && c.started {
		group, id = c.deltas(o)
	}
	e.varint(flags)
	if flags&fetchGroup != 0 {
		e.varint(group)
	}
	if flags&fetchSubgroupMask == fetchSubgroupField {
		e.varint(o.Subgroup)
	}
	if flags&fetchObjectID != 0 {
		e.varint(id)
	}
	if flags&fetchPriority != 0 {
		e.uint8(o.Priority)
	}
	if flags&fetchProperties != 0 {
		e.objectProperties(o.Properties)
	}
	e.varint(o.PayloadLen)
}

// deltas returns the fields of an Object that is not the first item: the Group ID
// counts from the one next to the group before, the Object ID within the same
// group from the one before, else from 0 (moqt-18 §11.4.4.1).
func (c *FetchCursor) deltas(o *FetchObject) (group, id uint64) {
	switch {
	case o.Group == c.group:
		return 0, o.ID - c.id
	case c.Descending:
		return c.group - o.Group - 1, o.ID
	}
	return o.Group - c.group - 1, o.ID
}

// ParseFetchObject reads the next item and returns the number of bytes it took.
// o.Properties share memory with b and are not validated. The cursor moves on
// success alone. Errors are [ErrShort] or an [*Error].
func ParseFetchObject(v Version, c *FetchCursor, b []byte) (o FetchObject, n int, err error) {
	d := decoder{draft: v.draft(), b: b}
	flags := d.varint()
	if flags <= fetchFlags {
		d.fetchObject(c, flags, &o)
	} else {
		d.endOfRange(flags, &o)
	}
	if d.err != nil {
		return FetchObject{}, 0, d.err
	}
	c.move(&o)
	return o, len(b) - len(d.b), nil
}

// endOfRange reads a marker. Its Location is absolute in every draft: they call the
// fields Group ID and Object ID, without the word delta, and a group delta could
// not name the group of the item before it.
func (d *decoder) endOfRange(flags uint64, o *FetchObject) {
	for item, f := range d.draft.endOfRange {
		if f == flags {
			o.Kind = FetchItem(item)
		}
	}
	if o.Kind == FetchItemObject {
		d.fail(violation("fetch serialization flags %#x do not exist", flags))
	}
	o.Group = d.widest(d.varint())
	o.ID = d.widest(d.varint())
}

func (d *decoder) fetchObject(c *FetchCursor, flags uint64, o *FetchObject) {
	if err := c.checkFlags(flags); d.err == nil && err != nil {
		d.fail(err)
	}
	o.Datagram = flags&fetchDatagram != 0
	o.Group = c.group
	if flags&fetchGroup != 0 {
		o.Group = d.fetchGroup(c)
	}
	if !o.Datagram {
		o.Subgroup = d.fetchSubgroup(c, flags&fetchSubgroupMask)
	}
	o.ID = d.fetchID(c, flags)
	o.Priority = c.priority
	if flags&fetchPriority != 0 {
		o.Priority = d.uint8()
	}
	if flags&fetchProperties != 0 {
		o.HasProperties = true
		o.Properties = d.objectProperties()
	}
	o.PayloadLen = d.varint()
}

// checkFlags refuses references to a prior Object that is not there
// (moqt-18 §11.4.4.1, §11.4.4.2).
func (c *FetchCursor) checkFlags(flags uint64) error {
	if !c.started && flags&(fetchGroup|fetchObjectID) != fetchGroup|fetchObjectID {
		return violation("first fetch object (flags %#x) refers to the location of a prior one", flags)
	}
	if !c.hasPriority && flags&fetchPriority == 0 {
		return violation("fetch object (flags %#x) refers to the priority of a prior one, there is none", flags)
	}
	mode := flags & fetchSubgroupMask
	refers := mode == fetchSubgroupPrior || mode == fetchSubgroupNext
	if refers && flags&fetchDatagram == 0 && !c.hasSubgroup {
		return violation("fetch object (flags %#x) refers to the subgroup of a prior one, there is none", flags)
	}
	return nil
}

func (d *decoder) fetchGroup(c *FetchCursor) uint64 {
	field := d.varint()
	switch {
	case !c.started || d.err != nil || !d.draft.fetchDeltas:
		return field
	case c.Descending && field < c.group:
		return c.group - field - 1
	case !c.Descending && c.group < math.MaxUint64 && field <= math.MaxUint64-c.group-1:
		return c.group + field + 1
	}
	d.fail(violation("fetch group delta %d leads from group %d out of 64 bits", field, c.group))
	return 0
}

func (d *decoder) fetchSubgroup(c *FetchCursor, mode uint64) uint64 {
	switch mode {
	case fetchSubgroupPrior:
		return c.subgroup
	case fetchSubgroupNext:
		if c.subgroup >= d.draft.maxInteger() {
			d.fail(violation("fetch subgroup ID %d + 1 is too large", c.subgroup))
		}
		return c.subgroup + 1
	case fetchSubgroupField:
		return d.varint()
	}
	return 0
}

func (d *decoder) fetchID(c *FetchCursor, flags uint64) uint64 {
	delta, base := uint64(1), c.id
	if flags&fetchObjectID != 0 {
		delta = d.varint()
		if flags&fetchGroup != 0 || !d.draft.fetchDeltas {
			base = 0
		}
	}
	if delta > d.draft.maxInteger()-base {
		d.fail(violation("fetch object ID %d + %d is too large", base, delta))
	}
	return base + delta
}
