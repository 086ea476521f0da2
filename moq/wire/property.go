package wire

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// MaxPropertiesLen is the largest Properties Length of an Object in bytes that we
// accept; more closes the session before any of it is buffered. The draft sets no
// limit, but a single value is limited to as much.
const MaxPropertiesLen = 1<<16 - 1

// Property types (moqt-18 §15.8). Draft 16 calls Properties Extension Headers
// (moqt-16 §13.3).
const (
	PropObjectDeliveryTimeout   = 0x02 // track; object too from draft 19 on
	PropMaxCacheDuration        = 0x04 // track
	PropSubgroupDeliveryTimeout = 0x06 // as 0x02; draft 16 does not have it
	PropImmutable               = 0x0B // track, object
	PropPublisherPriority       = 0x0E // track
	PropGroupOrder              = 0x22 // track
	PropDynamicGroups           = 0x30 // track
	PropPriorGroupGap           = 0x3C // object
	PropPriorObjectGap          = 0x3E // object
)

// Properties of a Track or an Object (moqt-18 §2.5): Key-Value-Pairs as they were
// received. Relays pass the bytes on untouched, which is what moqt-18 §2.5 and
// §12.7 demand of them. In a session of draft 16, where integers have another form,
// the codec rewrites the framing: here it is always vi64. Treat them as immutable.
type Properties []byte

// Validate returns an [*Error] if p is not a sequence of Key-Value-Pairs. What is
// inside Immutable Properties is not looked at: a fault there makes the Track
// malformed, it does not close the session (moqt-18 §12.7).
func (p Properties) Validate() error {
	d := decoder{b: p}
	d.skipPairs()
	return d.err
}

// All yields the pairs in order and stops at the first framing error. Immutable
// Properties are one pair; Properties(kv.Bytes).All() looks inside. Bytes share
// memory with p.
func (p Properties) All() iter.Seq[KeyValue] {
	return func(yield func(KeyValue) bool) {
		d := decoder{b: p}
		for prev := uint64(0); len(d.b) > 0; {
			kv := d.pair(prev)
			if d.err != nil || !yield(kv) {
				return
			}
			prev = kv.Type
		}
	}
}

// Uint returns the first value of even type t, outside or else inside Immutable
// Properties (moqt-18 §12.7).
func (p Properties) Uint(t uint64) (v uint64, ok bool) {
	if t%2 != 0 {
		return 0, false
	}
	kv, ok := p.find(t)
	return kv.Value, ok
}

// Bytes returns the first value of odd type t, outside or else inside Immutable
// Properties (moqt-18 §12.7). It shares memory with p.
func (p Properties) Bytes(t uint64) ([]byte, bool) {
	if t%2 == 0 {
		return nil, false
	}
	kv, ok := p.find(t)
	return kv.Bytes, ok
}

// ObjectTimeouts reads p as the Properties of the first Object of a subgroup: what
// overrides the delivery timeouts of the Track for that subgroup (moqt-19 §12.1,
// §12.2; FeatureObjectTimeouts). 0 is no timeout, absent leaves the Track's.
func (p Properties) ObjectTimeouts() (object, subgroup Option[time.Duration]) {
	if v, ok := p.Uint(PropObjectDeliveryTimeout); ok {
		object = Some(fromMillis(v))
	}
	if v, ok := p.Uint(PropSubgroupDeliveryTimeout); ok {
		subgroup = Some(fromMillis(v))
	}
	return object, subgroup
}

func (p Properties) find(t uint64) (KeyValue, bool) {
	outside := decoder{b: p}
	kv, ok := outside.find(t)
	if ok || t == PropImmutable {
		return kv, ok
	}
	outside = decoder{b: p}
	if immutable, ok := outside.find(PropImmutable); ok {
		inside := immutableContents(immutable.Bytes)
		return inside.find(t)
	}
	return KeyValue{}, false
}

// find reads up to the first pair of type t.
func (d *decoder) find(t uint64) (KeyValue, bool) {
	for prev := uint64(0); len(d.b) > 0 && prev <= t; {
		kv := d.pair(prev)
		if d.err != nil {
			break
		}
		if kv.Type == t {
			return kv, true
		}
		prev = kv.Type
	}
	return KeyValue{}, false
}

// AppendProperties appends the pairs to b in ascending order of type; pairs of
// the same type keep their order. Bytes longer than MaxKeyValueLen make a block
// that every receiver refuses.
func AppendProperties(b []byte, kvs ...KeyValue) Properties {
	byType := func(a, b KeyValue) int { return cmp.Compare(a.Type, b.Type) }
	if !slices.IsSortedFunc(kvs, byType) {
		kvs = slices.Clone(kvs)
		slices.SortStableFunc(kvs, byType)
	}
	e := encoder{b: b}
	e.pairs(kvs)
	return e.b
}
