package srt

import (
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
// time span of the packets in it, shows that.
type hold struct {
	rtt           float64 // least seen, milliseconds; 0: none yet
	halfBegan     time.Time
	current, past uint64 // largest span in each half of the window, milliseconds
	value         int64
}

const (
	// holdEvery is how often the statistics are read: they take locks.
	holdEvery = 100 * time.Millisecond
	// holdWindow is how long one half of the memory for the buffer's span lasts.
	holdWindow = 10 * time.Second
	// releaseTick is how late the library's timer may release a packet,
	// milliseconds; the span is too large by up to that.
	releaseTick = 10
)

// update takes new statistics.
func (h *hold) update(now time.Time, s gosrt.StatisticsInstantaneous) {
	if h.rtt == 0 || s.MsRTT < h.rtt {
		h.rtt = s.MsRTT
	}
	if now.Sub(h.halfBegan) >= holdWindow {
		h.past, h.current, h.halfBegan = h.current, 0, now
	}
	h.current = max(h.current, s.MsRecvBuf)
	kept := float64(s.MsRecvTsbPdDelay) + h.rtt
	if span := max(h.current, h.past); span > releaseTick {
		kept = max(kept, float64(span-releaseTick))
	}
	h.value = int64((kept + h.rtt/2) * 1000)
}

// micros is the estimate in microseconds.
func (h *hold) micros() int64 { return h.value }
