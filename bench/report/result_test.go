package report

import (
	"math"
	"strings"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/link"
	"moqedge/bench/tally"
)

// spreads are figures over rounds: median, least, largest.
type spreads map[string][3]float64

// compared is a comparison of three systems in three rounds, with all there is to
// say: who is better, worse, the same and too close to tell.
func compared() lab.Result {
	x := lab.Result{
		Began: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), Took: 121 * time.Second,
		Command:  []string{"/usr/local/bin/moqedge", "bench", "compare", "--link", "bottleneck", "--input", "a b.mp4"},
		Machine:  lab.Machine{Processor: "Some Processor", Cores: 2, Memory: 8 << 30, System: "linux/amd64", Kernel: "6.1", Go: "go1.26"},
		Versions: []string{"moqedge (devel)", "github.com/quic-go/quic-go v0.64.1"},
		Plan: lab.Plan{
			Systems: lab.Systems(), Baseline: lab.WebRTC, Viewers: 20, Hops: 1, Rounds: 3, Duration: 8 * time.Second,
			Profile: "3mbps", Link: "bottleneck", Seed: 1,
		},
		Link: link.Link{Name: "bottleneck", Delay: 25 * time.Millisecond, Rate: 3e6, Changes: []link.Change{
			{At: 3 * time.Second, Rate: 1.5e6}, {At: 6 * time.Second},
		}},
		Bitrate: 3e6, Differences: []string{"QUIC paces."},
	}
	for _, s := range []struct {
		system  lab.System
		valid   int
		figures spreads
	}{
		{lab.QUIC, 3, spreads{
			"latency_p50": {0.0302, 0.0299, 0.0305}, "latency_p95": {0.050, 0.049, 0.052}, "latency_p99": {0.0712, 0.068, 0.074}, "latency_max": {0.2, 0.1, 0.31},
			"in_time_50ms": {0.95, 0.94, 0.96}, "in_time_100ms": {0.95, 0.90, 0.97}, "in_time_200ms": {0.9999, 0.9998, 1}, "in_time_500ms": {1, 1, 1}, "in_time_1s": {1, 1, 1}, "complete": {1, 1, 1},
			"video_stalls_200ms": {0, 0, 0}, "video_frozen_200ms": {0, 0, 0}, "audio_stalls_200ms": {0, 0, 0}, "audio_frozen_200ms": {0, 0, 0},
			"startup": {0.110, 0.105, 0.119}, "startup_credit": {0.110, 0.105, 0.119},
			"cpu_viewer": {0.0121, 0.0119, 0.0130}, "memory": {30.1e6, 30e6, 31e6}, "goroutines": {118, 117, 119}, "wire": {1.044, 1.043, 1.046},
		}},
		{lab.WebTransport, 2, spreads{
			"latency_p50": {0.0310, 0.0299, 0.0325}, "latency_p99": {0.081, 0.071, 0.092}, "in_time_200ms": {0.98, 0.97, 0.985},
			"video_stalls_200ms": {1.5, 0, 3}, "startup": {0.12, 0.11, 0.13}, "cpu_viewer": {0.0128, 0.0125, 0.0131}, "goroutines": {160, 160, 160},
		}},
		{lab.WebRTC, 3, spreads{
			"latency_p50": {0.0271, 0.0269, 0.0275}, "latency_p95": {0.051, 0.048, 0.053}, "latency_p99": {0.095, 0.090, 0.12}, "latency_max": {0.3, 0.28, 0.3},
			"in_time_50ms": {0.95, 0.95, 0.955}, "in_time_100ms": {0.97, 0.96, 0.98}, "in_time_200ms": {0.995, 0.994, 0.996}, "in_time_500ms": {1, 1, 1}, "in_time_1s": {1, 1, 1}, "complete": {1, 1, 1},
			"video_stalls_200ms": {6, 4.5, 9}, "video_frozen_200ms": {1.25, 0.9, 2}, "audio_stalls_200ms": {0, 0, 0}, "audio_frozen_200ms": {0, 0, 0},
			"startup": {0.640, 0.6, 0.7}, "startup_credit": {0.150, 0.14, 0.16},
			"cpu_viewer": {0.0241, 0.023, 0.025}, "memory": {21.5e6, 21e6, 22e6}, "goroutines": {240, 239, 241}, "wire": {1.021, 1.02, 1.022},
		}},
	} {
		sum := lab.Summary{System: s.system, Valid: s.valid, Figures: map[string]lab.Spread{}, Merged: metrics(s.figures["latency_p50"][0], s.figures["in_time_200ms"][0])}
		for name, v := range s.figures {
			sum.Figures[name] = lab.Spread{Median: v[0], Min: v[1], Max: v[2]}
			if share := func(i int) float64 { return 1 - (1-v[i])*8/3 }; name == "complete" || strings.HasPrefix(name, "in_time_") {
				// With 50 frames of sound for 30 pictures, of which alone some were late.
				sum.Figures["audio_"+name] = lab.Spread{Median: 1, Min: 1, Max: 1}
				sum.Figures["video_"+name] = lab.Spread{Median: share(0), Min: share(1), Max: share(2)}
			}
		}
		x.Systems = append(x.Systems, sum)
	}
	base := x.Systems[2]
	for i := range x.Systems[:2] {
		x.Systems[i].Ratios = map[string]lab.Spread{}
		for name, v := range x.Systems[i].Figures {
			if b := base.Figures[name].Median; b > 0 {
				r := v.Median / b
				x.Systems[i].Ratios[name] = lab.Spread{Median: r, Min: r, Max: r}
			}
		}
	}
	for number := 1; number <= 3; number++ {
		for _, s := range x.Systems {
			round := lab.Round{System: s.System, Number: number, Metrics: s.Merged, Servers: []lab.Cost{{Cores: 0.24, Resident: 30e6}}}
			round.Load.Publisher.P99, round.Load.Cores, round.Load.Machine = 2*time.Millisecond, 0.5, 0.4
			if s.System != lab.WebRTC {
				round.Draft = "moqt-18"
			}
			if s.System == lab.WebTransport && number == 2 {
				round.Invalid = []string{"the publisher was 27ms late at the 99th percentile", "the load did not read 31 packets in time"}
			}
			x.Rounds = append(x.Rounds, round)
		}
	}
	return x
}

// metrics of a viewer whose frames come after about p50 seconds, and of which a
// share comes at all.
func metrics(p50, share float64) tally.Metrics {
	var h tally.Histogram
	const frames = 1000
	came := int(share * frames)
	for i := range came {
		h.Add(time.Duration(p50 * float64(time.Second) * math.Exp(float64(i-came/2)/400)))
	}
	q := h.Quantiles()
	counts := tally.Counts{Frames: frames, Complete: uint64(came), Lost: uint64(frames - came), Bytes: 1e6, InTime: map[string]float64{"200ms": share}}
	m := tally.Metrics{
		Duration: 8 * time.Second, Viewers: 20, Counts: counts, Kinds: map[string]tally.Counts{"video": counts},
		Latency: map[string]tally.Quantiles{"video": q, "all": q}, Series: map[string][]tally.Point{},
	}
	for i := range 32 {
		p := tally.Point{At: time.Duration(i) * tally.Interval, Frames: 100, Handed: 100, P50: q.P50, P99: q.P99, InTime: map[string]float64{"200ms": share}}
		if i > 12 && i < 16 {
			p.Handed, p.P50, p.P99, p.InTime = 0, 0, 0, map[string]float64{"200ms": 0}
		}
		m.Series["video"] = append(m.Series["video"], p)
	}
	return m
}
