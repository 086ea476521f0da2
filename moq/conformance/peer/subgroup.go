package peer

import (
	"bytes"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Subgroup is a subgroup stream that this side sends.
type Subgroup struct {
	Header wire.SubgroupHeader
	Stream transport.SendStream

	peer   *Peer
	cursor wire.ObjectCursor
}

// OpenSubgroup opens a stream with a header.
func (p *Peer) OpenSubgroup(h wire.SubgroupHeader) *Subgroup {
	p.t.Helper()
	return &Subgroup{Header: h, peer: p, Stream: p.SendUni(wire.AppendSubgroupHeader(nil, p.Version, &h))}
}

// Object sends a whole object.
func (s *Subgroup) Object(id uint64, payload string) {
	s.peer.t.Helper()
	s.Send(wire.Object{ID: id, PayloadLen: uint64(len(payload))}, payload)
}

// Send sends the header of an object and bytes of its payload.
func (s *Subgroup) Send(o wire.Object, payload string) {
	s.peer.t.Helper()
	b := wire.AppendSubgroupObject(nil, s.peer.Version, &s.cursor, s.Header.HasProperties, &o)
	s.peer.write(s.Stream, append(b, payload...))
}

// Write sends more bytes of a payload.
func (s *Subgroup) Write(b string) {
	s.peer.t.Helper()
	s.peer.write(s.Stream, []byte(b))
}

// Close ends the stream with FIN.
func (s *Subgroup) Close() { _ = s.Stream.Close() }

// Reset gives the stream up.
func (s *Subgroup) Reset(code wire.ResetCode) { s.Stream.Reset(s.peer.Version.ResetNumber(code)) }

// SendGroup sends one subgroup with FIN: objects from 0 on with these payloads,
// the header otherwise as given.
func (p *Peer) SendGroup(h wire.SubgroupHeader, payloads ...string) {
	p.t.Helper()
	s := p.OpenSubgroup(h)
	for i, payload := range payloads {
		s.Object(uint64(i), payload)
	}
	s.Close()
}

// SendFetch answers a FETCH of the other side with objects whose payload is x's,
// and FIN.
func (p *Peer) SendFetch(id uint64, objects ...wire.FetchObject) {
	p.t.Helper()
	var cursor wire.FetchCursor
	b := wire.AppendFetchHeader(nil, p.Version, &wire.FetchHeader{RequestID: id})
	for i := range objects {
		b = wire.AppendFetchObject(b, p.Version, &cursor, &objects[i])
		b = append(b, bytes.Repeat([]byte("x"), int(objects[i].PayloadLen))...)
	}
	s := p.SendUni(b)
	_ = s.Close()
}
