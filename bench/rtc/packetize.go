package rtc

import (
	"encoding/binary"
	"errors"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"moqedge/bench/media"
)

const (
	// packetSize is what an RTP packet has with its header: what pion takes.
	packetSize  = 1200
	payloadSize = packetSize - 12
)

var errLengths = errors.New("rtc: the lengths of the NAL units do not fit the frame")

// packetizer makes RTP packets of the frames of one track.
type packetizer struct {
	payload  func(*packetizer, media.Frame) ([][]byte, error)
	marks    bool // the last packet of a frame
	sequence uint16
	h264     codecs.H264Payloader
}

func newPacketizer(t media.Track) *packetizer {
	switch {
	case t.Kind == media.Video:
		return &packetizer{payload: (*packetizer).avc, marks: true}
	case t.Kind == media.Audio && t.Codec == "opus":
		return &packetizer{payload: (*packetizer).whole}
	}
	return &packetizer{payload: (*packetizer).opaque, marks: true}
}

// packets returns the packets of a frame with a timestamp. SSRC and payload type are
// of whoever sends them.
func (p *packetizer) packets(f media.Frame, timestamp uint32) ([]rtp.Packet, error) {
	payloads, err := p.payload(p, f)
	if err != nil {
		return nil, err
	}
	packets := make([]rtp.Packet, len(payloads))
	for i, payload := range payloads {
		packets[i] = rtp.Packet{
			Header: rtp.Header{
				Version: 2, SequenceNumber: p.sequence, Timestamp: timestamp,
				Marker: p.marks && i == len(payloads)-1,
			},
			Payload: payload,
		}
		p.sequence++
	}
	return packets, nil
}

// avc splits NAL units with 4-byte lengths into packets (RFC 6184). pion's payloader
// leaves access unit delimiters and filler out, as RFC 6184 §5.4 allows.
func (p *packetizer) avc(f media.Frame) ([][]byte, error) {
	var payloads [][]byte
	for b := f.Payload; len(b) > 0; {
		if len(b) < 4 {
			return nil, errLengths
		}
		n := binary.BigEndian.Uint32(b)
		if b = b[4:]; n == 0 || uint64(n) > uint64(len(b)) {
			return nil, errLengths
		}
		payloads = append(payloads, p.h264.Payload(payloadSize, b[:n])...)
		b = b[n:]
	}
	return payloads, nil
}

// whole is a frame that is a packet (RFC 7587 §4.2).
func (p *packetizer) whole(f media.Frame) ([][]byte, error) {
	return [][]byte{f.Payload}, nil
}

// The first byte of an opaque packet.
const (
	opaqueMore  = 0 // the frame goes on in this packet
	opaqueFirst = 1 // it begins here
)

// opaque cuts a frame into packets.
func (p *packetizer) opaque(f media.Frame) ([][]byte, error) {
	var payloads [][]byte
	first := byte(opaqueFirst)
	for b := f.Payload; len(payloads) == 0 || len(b) > 0; {
		n := min(len(b), payloadSize-1)
		payloads = append(payloads, append([]byte{first}, b[:n]...))
		first, b = opaqueMore, b[n:]
	}
	return payloads, nil
}
