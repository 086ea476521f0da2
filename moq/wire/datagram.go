package wire

// DatagramPadding is the type of a datagram to be discarded (moqt-18 §11.5.2).
const DatagramPadding = 0x132B3E29

// Bits of an OBJECT_DATAGRAM type (moqt-18 §11.3.1).
const (
	datagramProperties      = 0x01
	datagramEndOfGroup      = 0x02
	datagramZeroObjectID    = 0x04
	datagramDefaultPriority = 0x08
	datagramStatus          = 0x20
)

// Datagram is an Object in a datagram (moqt-18 §11.3.1).
type Datagram struct {
	// TrackAlias stands for the Track; Group and ID are the Object's Location.
	TrackAlias, Group, ID uint64
	// Priority is the publisher's; unset inherits that of the Track.
	Priority Option[uint8]
	// EndOfGroup says that no larger Object ID exists in the Group.
	EndOfGroup bool
	// Status other than ObjectNormal comes with neither payload, properties nor
	// EndOfGroup.
	Status ObjectStatus
	// Properties and Payload belong to the caller; those that ParseDatagram
	// returns share memory with its input.
	Properties Properties
	Payload    []byte
}

// AppendDatagram appends d, or nothing if an ID is larger than the MaxInteger of v.
// What does not go with a status other than ObjectNormal is left out.
func AppendDatagram(b []byte, v Version, d *Datagram) []byte {
	e := encoder{draft: v.draft(), b: b}
	t := uint64(0)
	if d.Status != ObjectNormal {
		t |= datagramStatus
	} else {
		// The field must not be there and empty.
		if e.expressible(d.Properties) {
			t |= datagramProperties
		}
		if d.EndOfGroup {
			t |= datagramEndOfGroup
		}
	}
	if d.ID == 0 {
		t |= datagramZeroObjectID
	}
	if !d.Priority.Set {
		t |= datagramDefaultPriority
	}
	e.varint(t)
	e.varint(d.TrackAlias)
	e.varint(d.Group)
	if d.ID != 0 {
		e.varint(d.ID)
	}
	if d.Priority.Set {
		e.uint8(d.Priority.Value)
	}
	if t&datagramProperties != 0 {
		e.objectProperties(d.Properties)
	}
	if t&datagramStatus != 0 {
		e.varint(uint64(d.Status))
	} else {
		e.raw(d.Payload)
	}
	return e.appended(b)
}

// ParseDatagram reads a whole datagram. padding says that it carries nothing and
// is to be discarded. Properties, which are not validated, and Payload share
// memory with b. Errors are [*Error].
func ParseDatagram(v Version, b []byte) (d Datagram, padding bool, err error) {
	dec := decoder{draft: v.draft(), b: b}
	t := dec.varint()
	if dec.err == nil {
		if t == DatagramPadding && dec.draft.hasPadding() {
			return Datagram{}, true, nil
		}
		if !validDatagramType(dec.draft, t) {
			return Datagram{}, false, violation("datagram type %#x does not exist", t)
		}
	}
	d.TrackAlias = dec.varint()
	d.Group = dec.varint()
	if t&datagramZeroObjectID == 0 {
		d.ID = dec.varint()
	}
	if t&datagramDefaultPriority == 0 {
		d.Priority = Some(dec.uint8())
	}
	d.EndOfGroup = t&datagramEndOfGroup != 0
	if t&datagramProperties != 0 {
		d.Properties = dec.objectProperties()
		if dec.err == nil && len(d.Properties) == 0 {
			dec.fail(violation("datagram type %#x with Properties Length 0", t))
		}
	}
	if t&datagramStatus != 0 {
		d.Status = dec.objectStatus(len(d.Properties) > 0)
		if dec.err == nil && len(dec.b) > 0 {
			dec.fail(violation("%d bytes after an object status", len(dec.b)))
		}
	} else if len(dec.b) > 0 {
		d.Payload = dec.b
	}
	if dec.err == ErrShort {
		return Datagram{}, false, violation("datagram ends inside a field")
	}
	if dec.err != nil {
		return Datagram{}, false, dec.err
	}
	return d, false, nil
}

func validDatagramType(d *draft, t uint64) bool {
	const both = datagramStatus | datagramEndOfGroup
	return d.datagramBits != 0 && t&^d.datagramBits == 0 && t&both != both
}
