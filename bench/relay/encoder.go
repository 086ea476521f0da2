package main

import (
	"encoding/binary"
	"time"

	"moqedge/moq/wire"
)

// version is the draft that all parts of the benchmark speak.
const version = wire.Draft18

// stampSize is the length of the clock at the start of each payload.
const stampSize = 8

// newPayload returns a payload with the time in it.
func newPayload(size int) []byte {
	b := make([]byte, size)
	stamp(b, time.Now())
	return b
}

func stamp(b []byte, t time.Time) { binary.BigEndian.PutUint64(b, uint64(t.UnixNano())) }

// since returns how old a payload is that begins with b.
func since(b []byte, now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - int64(binary.BigEndian.Uint64(b)))
}

// encoder makes the bytes that a relay sends to subscribers of a track.
type encoder struct {
	profile profile
	cursor  wire.ObjectCursor
}

func newEncoder(p profile) *encoder { return &encoder{profile: p} }

// piece returns an object with the headers before it.
func (e *encoder) piece(group, id uint64) piece {
	p := e.profile
	payload := newPayload(p.Size)
	w := piece{first: id == 0, last: id == uint64(p.Group)-1}
	if p.Datagram {
		return piece{bytes: wire.AppendDatagram(nil, version, &wire.Datagram{Group: group, ID: id, Payload: payload})}
	}
	b := make([]byte, 0, p.Size+32)
	if w.first {
		e.cursor = wire.ObjectCursor{}
		b = wire.AppendSubgroupHeader(b, version, &wire.SubgroupHeader{Group: group, EndOfGroup: true, FirstObject: true})
	}
	b = wire.AppendSubgroupObject(b, version, &e.cursor, false, &wire.Object{ID: id, PayloadLen: uint64(p.Size)})
	w.bytes = append(b, payload...)
	return w
}
