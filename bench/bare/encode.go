package bare

import (
	"moqedge/moq/wire"
)

// Version is the draft whose bytes are sent.
const Version = wire.Draft18

// Object is what is sent, to all clients that want its track.
type Object struct {
	Track      int
	Group, ID  uint64 // IDs ascend in a group, from 0
	Last       bool   // of its group
	Datagram   bool   // sent as one; else its group is a stream
	Properties wire.Properties
	Payload    []byte // shared by all clients, do not change it
}

// Piece is the bytes of an object, with the headers that go before it.
type Piece struct {
	Track       int
	Bytes       []byte // shared by all clients; none at the end of what was stopped
	First, Last bool   // of its stream
	Datagram    bool
}

// Encoder makes the bytes that a relay sends to subscribers of a track. It belongs
// to the goroutine that uses it; the zero value is ready.
type Encoder struct{ cursor wire.ObjectCursor }

// Piece encodes an object. All objects of a group have properties, or none.
func (e *Encoder) Piece(o Object) Piece {
	if o.Datagram {
		d := wire.Datagram{TrackAlias: uint64(o.Track), Group: o.Group, ID: o.ID, EndOfGroup: o.Last, Properties: o.Properties, Payload: o.Payload}
		return Piece{Track: o.Track, Bytes: wire.AppendDatagram(nil, Version, &d), Datagram: true}
	}
	p := Piece{Track: o.Track, First: o.ID == 0, Last: o.Last}
	has := len(o.Properties) > 0
	b := make([]byte, 0, len(o.Payload)+len(o.Properties)+headroom)
	if p.First {
		e.cursor = wire.ObjectCursor{}
		b = wire.AppendSubgroupHeader(b, Version, &wire.SubgroupHeader{TrackAlias: uint64(o.Track), Group: o.Group, HasProperties: has, EndOfGroup: true, FirstObject: true})
	}
	b = wire.AppendSubgroupObject(b, Version, &e.cursor, has, &wire.Object{ID: o.ID, Properties: o.Properties, PayloadLen: uint64(len(o.Payload))})
	p.Bytes = append(b, o.Payload...)
	return p
}

// headroom is more than headers take.
const headroom = 40
