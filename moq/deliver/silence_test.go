package deliver

import (
	"testing"
	"time"

	"moqedge/moq/transport"
)

// TestSilence: while nothing is heard, packets are tried at growing intervals, and all
// may go at once when something is.
func TestSilence(t *testing.T) {
	st := transport.Stats{SmoothedRTT: 50 * time.Millisecond, PacketsReceived: 7}
	q := silence{stats: func() transport.Stats { return st }}
	start := time.Unix(1000, 0)
	now := start
	var tries []time.Duration
	whole := 0
	for ; now.Before(start.Add(5 * time.Second)); now = now.Add(time.Millisecond) {
		switch n, again := q.allow(now); {
		case n == 0 && !again.After(now):
			t.Fatalf("at %v it is to be asked again at %v", now.Sub(start), again.Sub(start))
		case n == maxAllowance:
			whole++
			q.spent(now)
		case n > 0:
			tries = append(tries, now.Sub(start))
			q.spent(now)
		}
	}
	if whole < 195 || whole > 215 {
		t.Errorf("all was let pass for %d ms, want two round trips and 100 ms", whole)
	}
	if len(tries) < 25 || len(tries) > 45 {
		t.Errorf("%d packets were tried in 5 s", len(tries))
	}
	for i := 1; i < len(tries); i++ {
		if pause := tries[i] - tries[i-1]; pause < leastPause || pause > mostPause+time.Millisecond {
			t.Errorf("tries at %v and %v", tries[i-1], tries[i])
		}
	}
	st.PacketsReceived++
	now = now.Add(listening)
	if n, _ := q.allow(now); n != maxAllowance {
		t.Errorf("%d bytes may be sent once something was heard", n)
	}
}

// TestSilenceUnknown: who sends rarely, or has no round trip time, is not held up.
func TestSilenceUnknown(t *testing.T) {
	st := transport.Stats{}
	q := silence{stats: func() transport.Stats { return st }}
	now := time.Unix(1000, 0)
	for range 100 {
		if n, _ := q.allow(now); n != maxAllowance {
			t.Fatalf("%d bytes without a round trip time", n)
		}
		q.spent(now)
		now = now.Add(time.Second)
	}
	st.SmoothedRTT = 50 * time.Millisecond
	for range 100 { // each time what was sent was heard of
		st.PacketsReceived++
		if n, _ := q.allow(now); n != maxAllowance {
			t.Fatalf("%d bytes after a pause", n)
		}
		q.spent(now)
		now = now.Add(10 * time.Second)
	}
}
