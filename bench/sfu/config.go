package sfu

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"
)

// Config of a [Server]. The zero value works.
type Config struct {
	// Addr is the UDP address that media goes over. The zero value is any port of
	// 127.0.0.1.
	Addr netip.AddrPort `json:"addr"`
	// PortPerViewer gives each session a UDP port of its own instead of sharing
	// that of Addr, as pion does when it is told nothing. It excludes Batch.
	PortPerViewer bool `json:"port_per_viewer,omitempty"`
	// Batch says how packets reach the kernel. Empty means the cheapest that there is:
	// BatchSegments where the system has it, else BatchMessages.
	Batch Batch `json:"batch,omitempty"`
	// NoTWCC leaves out transport-wide congestion control: the sequence numbers on
	// packets to viewers, and the feedback to publishers. Nothing adapts to the
	// feedback, since a forwarding unit has one quality only; it is there because
	// every unit has it.
	NoTWCC bool `json:"no_twcc,omitempty"`
	// NoNACK leaves out repairs, in both directions. For negative controls.
	NoNACK bool `json:"no_nack,omitempty"`
	// History is how many packets of each video track each viewer can ask for again,
	// a power of two. pion keeps a copy of each for every viewer: it is most of the
	// memory of one. 0 means 512, about what browsers keep; pion's own default is 1024.
	History uint16 `json:"history,omitempty"`
	// KeyFrameEvery is the shortest time between two requests for a key frame to the
	// publisher of a track. 0 means 500 ms.
	KeyFrameEvery time.Duration `json:"key_frame_every,omitempty"`
	// MaxSessions bounds publishers and viewers at one time. 0 means 10000.
	MaxSessions int `json:"max_sessions,omitempty"`
	// Silence is how long a peer may be silent (it is checked with ICE every 2 s)
	// before its session ends. 0 means 10 s.
	Silence time.Duration `json:"silence,omitempty"`
	// Logger; nil discards. pion's own logs are discarded in any case.
	Logger *slog.Logger `json:"-"`
}

// Batch is a way for packets to the kernel.
type Batch string

// The ways: one system call for each packet, as pion does it; one for up to 64
// packets to any viewers (sendmmsg), sent when a picture is complete; the same with
// the packets of a picture to one viewer as one message that the kernel splits
// (generic segmentation offload), as QUIC stacks send. On loopback the second is no
// cheaper than the first; the third saves a quarter. No unit known to us does it:
// comparisons have the first as "webrtc", and the third beside it as "webrtc-gso".
const (
	BatchNone     Batch = "none"
	BatchMessages Batch = "messages"
	BatchSegments Batch = "segments"
)

// validate fills in defaults and reports what cannot work.
func (c Config) validate() (Config, error) {
	if !c.Addr.IsValid() {
		c.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	}
	if c.Batch == "" {
		switch {
		case c.PortPerViewer:
			c.Batch = BatchNone
		case canSegment:
			c.Batch = BatchSegments
		default:
			c.Batch = BatchMessages
		}
	}
	switch c.Batch {
	case BatchNone:
	case BatchMessages, BatchSegments:
		if c.PortPerViewer {
			return c, errors.New("sfu: packets of several ports cannot be sent in batches")
		}
		if c.Batch == BatchSegments && !canSegment {
			return c, errors.New("sfu: this system does not split messages into packets")
		}
	default:
		return c, fmt.Errorf("sfu: batch %q: want none, messages or segments", c.Batch)
	}
	if c.History&(c.History-1) != 0 {
		return c, fmt.Errorf("sfu: history of %d packets: want a power of two", c.History)
	}
	if c.KeyFrameEvery < 0 || c.MaxSessions < 0 || c.Silence < 0 {
		return c, errors.New("sfu: negative limits make no sense")
	}
	if c.History == 0 {
		c.History = 512
	}
	if c.KeyFrameEvery == 0 {
		c.KeyFrameEvery = 500 * time.Millisecond
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = 10000
	}
	if c.Silence == 0 {
		c.Silence = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
