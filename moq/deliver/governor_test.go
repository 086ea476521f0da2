package deliver

import (
	"testing"
	"time"

	"moqedge/moq/transport"
)

// TestDebt: what is urgent may be sent for hours with nothing less urgent to send;
// that does not wait for as long afterwards.
func TestDebt(t *testing.T) {
	now := time.Unix(1e9, 0)
	st := transport.Stats{MinRTT: 20 * time.Millisecond, LatestRTT: 20 * time.Millisecond}
	g := governor{stats: func() transport.Stats { return st }}
	g.allow(now) // there is a pace from now on
	for range 3600 {
		now = now.Add(time.Second)
		g.sees(1, now)
		g.spent(1_000_000, 0, now)
	}
	for since := time.Duration(0); ; since += 10 * time.Millisecond {
		if n, _ := g.allow(now.Add(since)); n > 0 {
			break
		}
		if since > 2*mostDebt {
			t.Fatalf("nothing less urgent is let through for %v", since)
		}
	}
}
