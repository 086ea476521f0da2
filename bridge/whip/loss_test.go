package whip

import (
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
)

// lossFactory drops packets of a sender after everything else in its stack saw
// them, like a network would.
type lossFactory struct {
	// drop decides; count is how often this packet was sent before.
	drop func(info *interceptor.StreamInfo, h *rtp.Header, count int) bool
}

func (f *lossFactory) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &loss{drop: f.drop, sent: map[uint64]int{}}, nil
}

type loss struct {
	interceptor.NoOp
	drop func(info *interceptor.StreamInfo, h *rtp.Header, count int) bool
	mu   sync.Mutex
	sent map[uint64]int
}

func (l *loss) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		id := uint64(h.SSRC)<<16 | uint64(h.SequenceNumber)
		l.mu.Lock()
		count := l.sent[id]
		l.sent[id]++
		l.mu.Unlock()
		if l.drop(info, h, count) {
			return len(payload), nil
		}
		return next.Write(h, payload, a)
	})
}
