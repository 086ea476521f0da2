package bridge

import "testing"

func TestTimeline(t *testing.T) {
	type step struct{ in, dts, duration int64 }
	for name, steps := range map[string][]step{
		"steady":                  {{1000, 1000, frameGuess}, {41000, 41000, 40000}, {81000, 81000, 40000}},
		"goes back a little":      {{1000, 1000, frameGuess}, {41000, 41000, 40000}, {40000, 41001, 40000}, {81000, 81000, 39999}},
		"stands still":            {{5, 5, frameGuess}, {5, 6, frameGuess}},
		"a gap":                   {{0, 0, frameGuess}, {40000, 40000, 40000}, {9_000_000, 9_000_000, 40000}},
		"goes back to a new time": {{9_000_000, 9_000_000, frameGuess}, {50, 50, frameGuess}, {90, 90, 40}},
		"before the epoch":        {{-5, 0, frameGuess}},
	} {
		var l timeline
		for i, s := range steps {
			if dts, duration := l.next(s.in); dts != s.dts || duration != s.duration {
				t.Errorf("%s, step %d: %d lasting %d, want %d lasting %d", name, i, dts, duration, s.dts, s.duration)
			}
		}
	}
}

func TestSamples(t *testing.T) {
	type step struct {
		at   int64
		want uint64
	}
	for name, steps := range map[string][]step{
		"rounded timestamps": {{0, 0}, {21333, 1024}, {42667, 2048}, {64000, 3072}},
		"a gap":              {{0, 0}, {100_000, 4800}, {121_333, 5824}},
		"an overlap":         {{100_000, 4800}, {110_000, 5280}, {131_333, 6304}},
		"never backwards":    {{100_000, 4800}, {90_000, 4801}, {1_100_000, 52800}},
		"a new time":         {{9_000_000, 432000}, {1_000_000, 48000}},
		"the present":        {{1_790_000_000 * second, 85_920_000_000_000}, {1_790_000_000*second + 21333, 85_920_000_001_024}},
	} {
		var s samples
		for i, st := range steps {
			if got := s.place(st.at, 48000, 1024); got != st.want {
				t.Errorf("%s, step %d: %d, want %d", name, i, got, st.want)
			}
		}
	}
}

func TestMeter(t *testing.T) {
	var m meter
	for i := range int64(100) { // 4 s of 25 frames of 100 bytes
		m.add(i*40000, 100)
	}
	if m.most != 20000 || m.perSecond != 25 {
		t.Errorf("%d b/s, %v frames/s", m.most, m.perSecond)
	}
	m.add(60*second, 1_000_000) // a gap starts a new window
	m.add(60*second+40000, 100)
	if m.most != 20000 {
		t.Errorf("%d b/s over a gap", m.most)
	}
}

func TestRounding(t *testing.T) {
	for in, want := range map[int]int{0: 0, 7: 7, 99: 99, 100: 100, 101: 110, 128_001: 130_000, 2_450_000: 2_500_000} {
		if got := roundUp(in); got != want {
			t.Errorf("roundUp(%d) = %d", in, got)
		}
	}
	for in, want := range map[float64]float64{29.97: 30, 25.2: 25, 12.4: 12.4, 7.55: 7.6} {
		if got := nearRate(in); got != want {
			t.Errorf("nearRate(%v) = %v", in, got)
		}
	}
}
