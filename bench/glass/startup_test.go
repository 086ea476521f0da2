package glass

import (
	"testing"
	"time"
)

// startups is how long the first picture takes over a line: from the navigation, and from
// play(). The least of two rounds.
func startups(t *testing.T, line string, warm time.Duration) (navigation, play time.Duration) {
	t.Helper()
	x, err := Measure(t.Context(), Plan{Systems: []System{MOQT}, Rounds: 2, Warm: warm, Duration: time.Second, Link: line}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range x.Rounds {
		if r.Startup > 0 && (navigation == 0 || r.Startup < navigation) {
			navigation, play = r.Startup, r.FromPlay
		}
	}
	if navigation == 0 {
		t.Fatalf("no picture over %s: %q", line, x.Rounds[0].Invalid)
	}
	return navigation, play
}

// TestRoundTrips counts the round trips until the first picture: the difference of two
// lines by the difference of their round trip times, in which the time that programs
// take is not. When settings, fingerprint, worker, catalog and media were fetched one
// after the other these were 11 and 8.
func TestRoundTrips(t *testing.T) {
	const short, long = 50 * time.Millisecond, 450 * time.Millisecond
	nearNavigation, nearPlay := startups(t, short.String(), 4*time.Second)
	farNavigation, farPlay := startups(t, long.String(), 8*time.Second)
	trips := func(near, far time.Duration) float64 { return float64(far-near) / float64(long-short) }
	navigation, play := trips(nearNavigation, farNavigation), trips(nearPlay, farPlay)
	t.Logf("%.1f round trips from the navigation, %.1f from play()", navigation, play)
	// Connection, page, script; QUIC, CONNECT, catalog and media; and two in which the
	// browser lets a key frame in.
	if navigation > 9.8 || play > 6.8 {
		t.Errorf("%.1f round trips from the navigation, %.1f from play()", navigation, play)
	}
	if play < 3 || navigation < play+2 { // QUIC, CONNECT and media can not be had in fewer
		t.Errorf("%.1f round trips from the navigation, %.1f from play(): the line is not in it", navigation, play)
	}
}
