package wire

import "fmt"

// PropertyFault is something in the Properties of an Object that makes its Track
// malformed (moqt-18 §2.4.2). It ends what was asked for of that Track, never the
// session; faults of that kind come as an [*Error] from Validate.
type PropertyFault struct {
	Kind FaultKind // what is wrong
	// Type is the Property Type at fault; 0 if none could be read.
	Type uint64
}

// FaultKind says what is wrong with the Properties of an Object.
type FaultKind uint8

// Kinds of faults.
const (
	// FaultUnparsable: a Key-Value-Pair, in most cases one inside Immutable
	// Properties, cannot be parsed (moqt-18 §12.7).
	FaultUnparsable FaultKind = iota
	// FaultNested: Immutable Properties inside Immutable Properties (moqt-18 §12.7).
	FaultNested
	// FaultRepeated: a Property that may be there once is there again, inside
	// Immutable Properties or beside them (moqt-18 §12.7 to §12.9).
	FaultRepeated
	// FaultMandatory: a Mandatory Track Property on an Object (moqt-18 §2.5.1).
	// Draft 16 has no such range: a session of it, which knows that the Track does
	// not come from or go to a later draft, may pass over this one.
	FaultMandatory
)

// Error implements error.
func (f *PropertyFault) Error() string {
	switch f.Kind {
	case FaultNested:
		return "Immutable Properties contain Immutable Properties"
	case FaultRepeated:
		return fmt.Sprintf("object property %#x is there more than once", f.Type)
	case FaultMandatory:
		return fmt.Sprintf("object has the Mandatory Track Property %#x", f.Type)
	default:
		return fmt.Sprintf("object property after type %#x cannot be parsed", f.Type)
	}
}

// Gaps reads p as the Properties of an Object: how many Groups before its Group,
// and how many Objects before it in its Group, do not and will never exist
// (moqt-18 §12.8, §12.9). It looks inside Immutable Properties. A fault makes the
// Track malformed, and so do values that contradict the Object's own IDs or what
// was received before, which the caller has to see to. It allocates nothing
// without a fault.
func (p Properties) Gaps() (group, object Option[uint64], fault *PropertyFault) {
	g := gapReader{}
	immutable := g.read(decoder{b: p}, false)
	if g.immutable {
		g.read(immutableContents(immutable), true)
	}
	if g.faulty {
		return Option[uint64]{}, Option[uint64]{}, &PropertyFault{Kind: g.fault, Type: g.at}
	}
	return g.group, g.object, nil
}

// gapReader collects what Gaps is about; the first fault stays.
type gapReader struct {
	group, object Option[uint64]
	immutable     bool // Immutable Properties were seen
	faulty        bool
	fault         FaultKind
	at            uint64
}

func (g *gapReader) fail(k FaultKind, t uint64) {
	if !g.faulty {
		g.faulty, g.fault, g.at = true, k, t
	}
}

// read reads the pairs of d and returns the contents of Immutable Properties.
func (g *gapReader) read(d decoder, inside bool) (immutable []byte) {
	for prev := uint64(0); len(d.b) > 0 && !g.faulty; {
		kv := d.pair(prev)
		if d.err != nil {
			g.fail(FaultUnparsable, prev)
			return nil
		}
		prev = kv.Type
		switch {
		case kv.Type == PropPriorGroupGap:
			g.once(&g.group, kv)
		case kv.Type == PropPriorObjectGap:
			g.once(&g.object, kv)
		case kv.Type == PropImmutable && inside:
			g.fail(FaultNested, kv.Type)
		case kv.Type == PropImmutable && g.immutable:
			g.fail(FaultRepeated, kv.Type)
		case kv.Type == PropImmutable:
			g.immutable, immutable = true, kv.Bytes
		case kv.mandatory():
			g.fail(FaultMandatory, kv.Type)
		}
	}
	return immutable
}

func (g *gapReader) once(gap *Option[uint64], kv KeyValue) {
	if gap.Set {
		g.fail(FaultRepeated, kv.Type)
	}
	*gap = Some(kv.Value)
}
