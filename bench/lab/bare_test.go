package lab

import (
	"testing"
	"time"

	"moqedge/bench/media"
)

// TestCeilings runs all bare loops with real processes, each of which delivers every
// frame as it was sent, with sound, and some to viewers that want different tracks,
// over a line with delay.
func TestCeilings(t *testing.T) {
	t.Parallel()
	for _, system := range Ceilings() {
		t.Run(string(system), func(t *testing.T) {
			t.Parallel()
			runBare(t, Plan{Systems: []System{system}, Profile: "3mbps", Sound: true})
		})
	}
	for _, system := range []System{BareUDPEncrypted, BareQUIC} {
		t.Run("meeting over "+string(system), func(t *testing.T) {
			t.Parallel()
			runBare(t, Plan{Systems: []System{system}, Profile: "meeting", Link: "2ms"})
		})
	}
}

func runBare(t *testing.T, p Plan) {
	p.Viewers, p.Rounds, p.Duration = 3, 1, time.Second
	x, err := Compare(t.Context(), p, func(float64, string) {})
	if err != nil {
		t.Fatal(err)
	}
	round := x.Rounds[0]
	if m := round.Metrics; m.Frames == 0 || m.Complete*100 < m.Frames*99 || m.Broken+m.Strays > 0 || m.Viewers != 3 || m.Absent > 0 || len(round.Failed) > 0 || round.Servers[0].CPU == 0 {
		t.Errorf("%d of %d frames, %d broken, %d strays, %d viewers, %d absent, failed %q", m.Complete, m.Frames, m.Broken, m.Strays, m.Viewers, m.Absent, round.Failed)
	}
	// The window and no more: what passes while its last frames have their time is not counted.
	if w := float64(round.Wire.Down.Bytes) / float64(round.Metrics.Bytes); p.Link != "" && (w < 1 || w > 1.7) {
		t.Errorf("%d bytes on the lines for %d", round.Wire.Down.Bytes, round.Metrics.Bytes)
	}
	if len(round.Invalid) > 0 {
		t.Logf("does not count on this machine: %q", round.Invalid)
	}
}

func TestLongestGroup(t *testing.T) {
	for profile, want := range map[string]time.Duration{"360p": 5 * time.Second, "3mbps": time.Second, "1080p": 2 * time.Second, "audio": time.Second} {
		s, err := media.Profile(profile, media.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := longestGroup(s); got.Round(time.Millisecond) != want {
			t.Errorf("%s: %s, want %s", profile, got, want)
		}
	}
}
