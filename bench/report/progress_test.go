package report

import (
	"math"
	"strings"
	"testing"
	"time"
)

// screen is a console that remembers.
type screen struct {
	width         int
	status, lines []string
}

func (s *screen) Status(text string) { s.status = append(s.status, text) }
func (s *screen) Line(text string)   { s.lines = append(s.lines, text) }
func (s *screen) Width() int         { return s.width }

func TestBarOnTerminal(t *testing.T) {
	s, now := &screen{width: 80}, time.Unix(0, 0)
	b := newBar(s, func() time.Time { return now })
	for i := range 100 { // ten seconds
		now = now.Add(100 * time.Millisecond)
		b.Progress(float64(i+1)/200, "round 1 of 3, quic: measuring")
	}
	if n := len(s.status); n > 50 || n < 45 {
		t.Errorf("drawn %d times in ten seconds", n)
	}
	last := s.status[len(s.status)-1]
	if !strings.HasPrefix(last, "[##########----------]") && !strings.HasPrefix(last, "[#########-----------]") || !strings.Contains(last, "10 s left") || !strings.HasSuffix(last, "measuring") {
		t.Errorf("%q", last)
	}
	if strings.Contains(s.status[0], "left") {
		t.Errorf("nothing is known of the time left yet: %q", s.status[0])
	}
	for _, odd := range []float64{math.NaN(), math.Inf(1), -3, 7} {
		now = now.Add(time.Second)
		b.Progress(odd, "odd")
	}
	b.End()
	b.End()
	b.Progress(1, "late")
	if s.status[len(s.status)-1] != "" || s.status[len(s.status)-2] == "" || len(s.lines) > 0 {
		t.Errorf("it stays: %q %q", s.status[len(s.status)-2:], s.lines)
	}
}

func TestBarWithoutTerminal(t *testing.T) {
	s, now := &screen{}, time.Unix(0, 0)
	b := newBar(s, func() time.Time { return now })
	for _, what := range []string{"round 1, quic: starting", "round 1, quic: measuring", "round 1, webrtc: starting", "round 1, webrtc: measuring"} {
		b.Progress(0.25, what)
		now = now.Add(10 * time.Second)
	}
	b.End()
	if got, want := strings.Join(s.lines, "|"), "round 1, quic|round 1, webrtc, 1 min left"; got != want || len(s.status) > 0 {
		t.Errorf("%q, want %q (%q)", got, want, s.status)
	}
}
