package sfu

import (
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
)

// bareFactory makes bare.
type bareFactory struct{}

func (bareFactory) NewInterceptor(string) (interceptor.Interceptor, error) { return &bare{}, nil }

// bare takes the header extensions off each packet before it is written to a
// viewer: a TrackLocalStaticRTP writes one header to all of them, and the next
// would see the numbers that the one before had negotiated for its extensions.
// It is the outermost interceptor.
type bare struct{ interceptor.NoOp }

func (*bare) BindLocalStream(_ *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		h.Extension = false
		h.Extensions = h.Extensions[:0]
		return next.Write(h, payload, a)
	})
}
