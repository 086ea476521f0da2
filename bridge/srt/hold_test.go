package srt

import (
	"math"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"
)

func TestHold(t *testing.T) {
	cases := []struct {
		name   string
		length float64 // seconds
		rtt    float64 // of the network, ms
		span   func(at float64) float64
		want   float64 // ms
		excess float64 // ms
	}{
		{"loopback", 60, 0.4, func(float64) float64 { return 128 }, 120.6, 0},
		{"a way of 40 ms there and back", 60, 40, func(float64) float64 { return 155 }, 180, 0},
		{"before the round trip is known", 0.3, 40, func(float64) float64 { return 0 }, 120, 0},
		{"right after it is", 0.6, 40, func(float64) float64 { return 0 }, 180, 0},
		{"a busy second", 60, 0.4, func(at float64) float64 { return 128 + 400*step(at > 50 && at < 51) }, 120.6, 0},
		{"a drift of 50 ppm for three hours", 60, 0.4, func(float64) float64 { return 130 + 540 }, 660, 540},
		{"pictures two seconds apart", 60, 0.4, func(float64) float64 { return 0 }, 120.6, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Unix(1_800_000_000, 0)
			var h hold
			var s gosrt.Statistics
			s.Instantaneous.MsRTT, s.Instantaneous.MsRecvTsbPdDelay = rttStart, 120
			for at := 0.0; at <= c.length; at += 0.02 { // an acknowledgement each 20 ms
				s.Accumulated.PktSentACK++
				s.Instantaneous.MsRTT = rttWeight*s.Instantaneous.MsRTT + (1-rttWeight)*c.rtt
				s.Instantaneous.MsRecvBuf = uint64(c.span(at))
				h.update(begin.Add(time.Duration(at*1e9)), &s)
			}
			got, excess := float64(h.micros())/1000, h.excess().Seconds()*1000
			if math.Abs(got-c.want) > 1 || math.Abs(excess-c.excess) > 1 {
				t.Errorf("%.1f ms, excess %.1f ms; want %.1f and %.1f", got, excess, c.want, c.excess)
			}
		})
	}
}
