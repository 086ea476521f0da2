package srt

import (
	"math"
	"time"

	gosrt "github.com/datarhei/gosrt"
)

// hold estimates how long the network and the receive buffer keep a packet
// from the moment its sender hands it to SRT. One goroutine uses it.
//
// The buffer releases a packet when the sender's timestamp plus the negotiated
// latency has passed, counted from the arrival of the second handshake message.
// The sender's timestamps count from its first one, a round trip before that;
// and the way here takes another half: latency + 1.5 round trips.
//
// The library does not follow the drift between the two clocks, so after hours
// the buffer holds packets for longer than agreed. What it really holds, as the
// time span of the packets in it, shows that. A span is too large whenever this
// machine was busy and released packets late; so of the largest spans of the
// last seconds the least one counts.
type hold struct {
	rtt    float64 // least seen, milliseconds; 0: not known yet
	agreed float64 // negotiated latency, milliseconds
	second time.Time
	spans  [holdSeconds]float64 // largest span in each of the last seconds, milliseconds
	filled int                  // how many seconds of spans are complete; the one at filled % holdSeconds is being made
	kept   float64              // how long the buffer keeps packets, milliseconds
}

const (
	// holdEvery is how often the statistics are read: they take locks.
	holdEvery = 100 * time.Millisecond
	// holdSeconds is the memory for the buffer's span.
	holdSeconds = 10
	// releaseTick is how late the library's timer may release a packet on an
	// idle machine, milliseconds; the span is too large by up to that.
	releaseTick = 10
	// The library's round trip is a moving average that starts at rttStart
	// milliseconds and keeps rttWeight of it with every acknowledgement; until
	// rttEnough of them the start weighs too much to be calculated out.
	rttStart  = 100
	rttWeight = 0.875
	rttEnough = 24
)

// update takes new statistics.
func (h *hold) update(now time.Time, s *gosrt.Statistics) {
	h.agreed = float64(s.Instantaneous.MsRecvTsbPdDelay)
	if acks := s.Accumulated.PktSentACK; acks >= rttEnough {
		start := math.Pow(rttWeight, float64(acks))
		rtt := max((s.Instantaneous.MsRTT-rttStart*start)/(1-start), 0.001)
		if h.rtt == 0 || rtt < h.rtt {
			h.rtt = rtt
		}
	}
	if h.second.IsZero() {
		h.second = now
	}
	if now.Sub(h.second) >= time.Second {
		h.second = now
		h.filled++
		h.spans[h.filled%holdSeconds] = 0
	}
	current := &h.spans[h.filled%holdSeconds]
	*current = max(*current, float64(s.Instantaneous.MsRecvBuf))
	h.kept = max(h.agreed+h.rtt, h.span()-releaseTick)
}

// span is the least of the complete seconds' largest spans; 0 until there are
// enough of them to tell a busy moment from a lasting state.
func (h *hold) span() float64 {
	if h.filled < holdSeconds {
		return 0
	}
	least := math.Inf(1)
	for i, span := range h.spans {
		if i != h.filled%holdSeconds {
			least = min(least, span)
		}
	}
	return least
}

// micros is the estimate in microseconds.
func (h *hold) micros() int64 { return int64((h.kept + h.rtt/2) * 1000) }

// excess is how much longer than agreed the buffer keeps packets.
func (h *hold) excess() time.Duration {
	return time.Duration((h.kept - h.agreed - h.rtt) * float64(time.Millisecond))
}
