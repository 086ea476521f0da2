package loc

import (
	"errors"
	"fmt"

	"moqedge/moq/wire"
)

// Object properties of LOC (LOC "LOC Properties", moqt-18 §15.8).
const (
	PropTimestampOld = 0x06 // where earlier drafts put the timestamp
	PropTimescale    = 0x08
	PropFrameMarking = 0x09
	PropAudioLevel   = 0x0C
	PropVideoConfig  = 0x0D
	PropAudioConfig  = 0x0F
	PropTimestamp    = 0x10
)

// Marking is the frame marking of a stream without scalability (RFC 9626
// §3.1). The object is a whole frame: its start and its end.
type Marking uint8

const (
	markStart       Marking = 0x80
	markEnd         Marking = 0x40
	markIndependent Marking = 0x20
	markDiscardable Marking = 0x10
)

// MarkFrame returns the marking of a whole frame.
func MarkFrame(independent, discardable bool) Marking {
	m := markStart | markEnd
	if independent {
		m |= markIndependent
	}
	if discardable {
		m |= markDiscardable
	}
	return m
}

// Independent reports whether the frame can be decoded on its own.
func (m Marking) Independent() bool { return m&markIndependent != 0 }

// Discardable reports whether no other frame needs this one.
func (m Marking) Discardable() bool { return m&markDiscardable != 0 }

// Header is what the properties of a LOC object say.
type Header struct {
	// Timestamp is when the frame is shown: microseconds since the Unix epoch,
	// or with a Timescale, units of it since an epoch of the application.
	Timestamp uint64
	// Timescale is units per second; 0 means wall-clock microseconds.
	Timescale uint64
	// VideoConfig is the decoder configuration (H.264: avcC), nil when it is
	// that of the objects before.
	VideoConfig []byte
	// AudioConfig is the decoder configuration (AAC: AudioSpecificConfig).
	AudioConfig []byte
	// Marking of a video frame; 0 means none.
	Marking Marking
}

// ErrProperties reports properties that are not those of a LOC object.
var ErrProperties = errors.New("loc: invalid properties")

// AppendProperties appends the properties of an object. Without a timescale
// the timestamp is also written where readers of earlier drafts look for it.
func AppendProperties(b []byte, h Header) wire.Properties {
	kvs := make([]wire.KeyValue, 0, 5)
	if h.Timescale == 0 {
		kvs = append(kvs, wire.KeyValue{Type: PropTimestampOld, Value: h.Timestamp})
	} else {
		kvs = append(kvs, wire.KeyValue{Type: PropTimescale, Value: h.Timescale})
	}
	if h.Marking != 0 {
		kvs = append(kvs, wire.KeyValue{Type: PropFrameMarking, Bytes: []byte{byte(h.Marking)}})
	}
	if h.VideoConfig != nil {
		kvs = append(kvs, wire.KeyValue{Type: PropVideoConfig, Bytes: h.VideoConfig})
	}
	if h.AudioConfig != nil {
		kvs = append(kvs, wire.KeyValue{Type: PropAudioConfig, Bytes: h.AudioConfig})
	}
	kvs = append(kvs, wire.KeyValue{Type: PropTimestamp, Value: h.Timestamp})
	return wire.AppendProperties(b, kvs...)
}

// ParseProperties reads the properties of an object; others are ignored. The
// result aliases p. A timestamp must be there, at 0x10 or where earlier drafts
// put it.
func ParseProperties(p wire.Properties) (Header, error) {
	if err := p.Validate(); err != nil {
		return Header{}, fmt.Errorf("%w: %v", ErrProperties, err)
	}
	var h Header
	timestamp, ok := p.Uint(PropTimestamp)
	if !ok {
		if timestamp, ok = p.Uint(PropTimestampOld); !ok {
			return Header{}, fmt.Errorf("%w: no timestamp", ErrProperties)
		}
	}
	h.Timestamp = timestamp
	if scale, ok := p.Uint(PropTimescale); ok {
		if scale == 0 {
			return Header{}, fmt.Errorf("%w: timescale 0", ErrProperties)
		}
		h.Timescale = scale
	}
	h.VideoConfig, _ = p.Bytes(PropVideoConfig)
	h.AudioConfig, _ = p.Bytes(PropAudioConfig)
	if m, ok := p.Bytes(PropFrameMarking); ok {
		if len(m) < 1 || len(m) > 4 {
			return Header{}, fmt.Errorf("%w: frame marking of %d bytes", ErrProperties, len(m))
		}
		h.Marking = Marking(m[0])
	}
	return h, nil
}
