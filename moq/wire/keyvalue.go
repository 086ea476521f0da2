package wire

// MaxKeyValueLen is the largest value of an odd type in bytes (moqt-18 §1.4.3).
const MaxKeyValueLen = 1<<16 - 1

// KeyValue is a Key-Value-Pair (moqt-18 §1.4.3). One of an even Type carries
// Value, one of an odd Type carries Bytes, at most 65535 of them.
type KeyValue struct {
	Type  uint64
	Value uint64
	Bytes []byte
}

// pairs appends kvs, which are in ascending order of type.
func (e *encoder) pairs(kvs []KeyValue) {
	prev := uint64(0)
	for _, kv := range kvs {
		e.pair(prev, kv)
		prev = kv.Type
	}
}

// pair appends the pair after one of type prev, or 0.
func (e *encoder) pair(prev uint64, kv KeyValue) {
	e.varint(kv.Type - prev)
	if kv.Type%2 == 0 {
		e.varint(kv.Value)
	} else {
		e.prefixed(kv.Bytes)
	}
}

// pair reads the pair after one of type prev, or 0. Its Bytes are not copied.
// The length of a block of pairs is always known, so a pair that does not end
// inside its block is malformed, not short.
func (d *decoder) pair(prev uint64) KeyValue {
	if d.err != nil {
		return KeyValue{}
	}
	delta := d.varint()
	kv := KeyValue{Type: prev + delta}
	switch {
	case d.err != nil:
	case kv.Type < prev:
		d.fail(violation("key-value type %#x + %#x is more than 64 bits", prev, delta))
	case kv.Type%2 == 0:
		kv.Value = d.varint()
	default:
		kv.Bytes = d.prefixed("key-value", MaxKeyValueLen)
	}
	if d.err == ErrShort {
		d.err = badKeyValue("key-value pair after type %#x ends outside its block", prev)
	}
	return kv
}

// skipPairs reads pairs to the end of the block; d.err tells what is wrong with it.
func (d *decoder) skipPairs() {
	for prev := uint64(0); d.err == nil && len(d.b) > 0; {
		prev = d.pair(prev).Type
	}
}
