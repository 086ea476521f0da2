package lab

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/bench/process"
	"moqedge/bench/tally"
)

// TestMain is the processes of rounds, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == process.Flag {
		role, err := Role(os.Args[2])
		if err != nil || process.Serve(role) != nil {
			os.Exit(1)
		}
		return
	}
	// Tests wait for processes and the time more than they compute. This is for who
	// says nothing of -parallel.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestCompare runs all systems over a line with delay, with real processes.
func TestCompare(t *testing.T) {
	t.Parallel()
	var last float64
	x, err := Compare(t.Context(), Plan{Viewers: 3, Rounds: 1, Duration: 2 * time.Second, Profile: "3mbps", Sound: true, Link: "20ms", Seed: 7}, func(done float64, what string) {
		if done < last || done > 1 || what == "" {
			t.Errorf("progress %v after %v: %q", done, last, what)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Rounds) != 3 || len(x.Systems) != 3 || x.Interrupted || x.Machine.Cores == 0 || len(x.Differences) == 0 {
		t.Fatalf("%d rounds of %d systems on %+v", len(x.Rounds), len(x.Systems), x.Machine)
	}
	for _, s := range x.Systems { // of sound and of pictures
		for _, name := range []string{"in_time_200ms", "video_in_time_200ms", "audio_in_time_200ms", "complete", "video_complete", "audio_complete"} {
			if _, ok := s.Figures[name]; !ok && s.Valid > 0 {
				t.Errorf("%s: no %s", s.System, name)
			}
		}
	}
	for _, round := range x.Rounds {
		if round.Metrics.Frames == 0 || round.Metrics.Broken+round.Metrics.Strays > 0 || len(round.Failed) > 0 ||
			round.Wire.Down.Bytes < round.Metrics.Bytes || round.Servers[0].CPU == 0 || round.Servers[0].Resident == 0 {
			t.Errorf("%s: %+v", round.System, round)
		}
		if round.Metrics.Latency["all"].P50 < 10*time.Millisecond {
			t.Errorf("%s: half of all frames within %s over a line that takes 10 ms", round.System, round.Metrics.Latency["all"].P50)
		}
		if len(round.Invalid) > 0 {
			t.Logf("%s does not count on this machine: %q", round.System, round.Invalid)
		}
	}
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	var again Result
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	again.Began = x.Began // without the monotonic reading
	if !reflect.DeepEqual(x, again) {
		t.Error("JSON loses something")
	}
}

// What is there is returned when a comparison is interrupted.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	plan := Plan{Systems: []System{QUIC}, Viewers: 1, Rounds: 5, Duration: time.Second, Profile: "audio"}
	x, err := Compare(ctx, plan, func(_ float64, what string) {
		if strings.HasPrefix(what, "round 2") {
			cancel()
		}
	})
	if err != nil || !x.Interrupted || len(x.Rounds) != 1 || len(x.Systems) != 1 {
		t.Errorf("%d rounds, interrupted %v, %v", len(x.Rounds), x.Interrupted, err)
	}
	if _, err := Compare(ctx, plan, func(float64, string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted before the first round: %v", err)
	}
}

func TestPlanMistakes(t *testing.T) {
	for _, p := range []Plan{
		{Systems: []System{"rtmp"}}, {Viewers: -1}, {Viewers: maxViewers + 1}, {Hops: 4}, {Rounds: 101}, {Duration: -time.Second},
		{Duration: 2 * time.Hour}, {Profile: "8k"}, {Link: "carrier pigeon"}, {Input: "a.mp4", Profile: "3mbps"}, {Input: "nowhere.mp4"}, {Draft: "moqt-99"},
		{Systems: []System{QUIC}, Baseline: WebRTC}, {Systems: []System{BareQUIC}, Link: "50ms-1%"}, {Systems: []System{BareUDP}, Link: "bottleneck"},
		{Systems: []System{BareQUIC}, Hops: 2}, {Profile: "chat"},
	} {
		if _, err := p.ready(); err == nil {
			t.Errorf("%+v can be", p)
		}
	}
	if _, err := (Plan{Profile: "chat", Systems: []System{QUIC, WebTransport}}).ready(); err != nil {
		t.Error(err)
	}
}

// A load that does not keep up is found out.
func TestSaturation(t *testing.T) {
	late := tally.Quantiles{Count: 100, P99: maxLateness + 1}
	for _, c := range []struct {
		name string
		s    Saturation
		want int
	}{
		{"kept up", Saturation{Publisher: tally.Quantiles{P99: maxLateness}, Turns: tally.Quantiles{P99: maxLateness}, Drops: 1}, 0},
		{"the publisher", Saturation{Publisher: late}, 1},
		{"turns", Saturation{Turns: late}, 1},
		{"sockets", Saturation{Drops: 11}, 1},
		{"lines", Saturation{Overrun: 11}, 1},
	} {
		if got := c.s.faults(12_000_000); len(got) != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		turns := newTicker()
		time.Sleep(20*tick + tick/2)
		turns.end()
		if late := turns.late.Quantiles(); late.Count != 20 || late.Max != 0 {
			t.Errorf("turns in %s: %+v", 20*tick, late)
		}
	})
}

func TestSumDrops(t *testing.T) {
	const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 0100007F:9C40 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 17
  101: 0100007F:9C41 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 5
`
	n, err := sumDrops(strings.NewReader(table), map[string]bool{"4711": true})
	if err != nil || n != 17 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := sumDrops(strings.NewReader(table+"short\n"), nil); err == nil {
		t.Error("a table of another form was read")
	}
	if _, err := socketDrops(); err != nil {
		t.Error(err)
	}
}

func TestSummarize(t *testing.T) {
	round := func(s System, number int, viewer float64, invalid ...string) Round {
		return Round{System: s, Number: number, Invalid: invalid, Servers: []Cost{{PerViewer: 99}, {PerViewer: viewer}}}
	}
	all, err := summarize([]System{QUIC, WebRTC}, WebRTC, []Round{
		round(QUIC, 1, 1), round(WebRTC, 1, 4), round(WebRTC, 2, 5), round(QUIC, 2, 2),
		round(QUIC, 3, 100, "saturated"), round(WebRTC, 3, 6), round(QUIC, 4, 3), round(WebRTC, 4, 50, "saturated"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := all[0].Figures["cpu_viewer"]; got != (Spread{Median: 2, Min: 1, Max: 3}) || all[0].Valid != 3 {
		t.Errorf("%+v of %d", got, all[0].Valid)
	}
	if got := all[0].Ratios["cpu_viewer"]; got.Min != 0.25 || got.Max != 0.4 || all[1].Ratios != nil {
		t.Errorf("%+v, %+v", got, all[1].Ratios)
	}
}

// Shares are of all frames and of each kind: much sound hides no late pictures.
func TestSharesOfKinds(t *testing.T) {
	x := Round{Metrics: tally.Metrics{
		Counts: tally.Counts{Frames: 500, Complete: 496, InTime: map[string]float64{"200ms": 0.99}},
		Kinds: map[string]tally.Counts{
			"video": {Frames: 100, Complete: 96, InTime: map[string]float64{"200ms": 0.95}},
			"audio": {Frames: 400, Complete: 400, InTime: map[string]float64{"200ms": 1}},
		},
	}}
	got := map[string]float64{}
	for _, f := range Figures() {
		if v, ok := f.of(x); ok && f.Unit == Share {
			got[f.Name] = v
		}
	}
	want := map[string]float64{
		"in_time_200ms": 0.99, "video_in_time_200ms": 0.95, "audio_in_time_200ms": 1,
		"complete": 0.992, "video_complete": 0.96, "audio_complete": 1, // nothing of data, of which there was none
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A result of which a system has no round that counts is an error.
func TestResultErr(t *testing.T) {
	x := Result{Systems: []Summary{{System: QUIC, Valid: 1}, {System: WebRTC}}, Rounds: []Round{{System: WebRTC, Number: 1, Invalid: []string{"late"}}}}
	if err := x.Err(); !errors.Is(err, ErrSaturated) || !strings.Contains(err.Error(), "late") {
		t.Errorf("%v", err)
	}
	x.Systems = x.Systems[:1]
	if err := x.Err(); err != nil {
		t.Error(err)
	}
}

// A round in which the system lost viewers counts for what they got, not for what those
// who were left cost; one in which the load let some of them come too late does not count.
func TestLostViewers(t *testing.T) {
	var startup tally.Histogram
	startup.Add(time.Second)
	good := Round{System: QUIC, Servers: []Cost{{PerViewer: 1}}, Metrics: tally.Metrics{
		Viewers: 10, Counts: tally.Counts{Frames: 100, Complete: 100, InTime: map[string]float64{"200ms": 1}},
		Startup: startup.Quantiles(),
	}}
	failed, absent, late := good, good, good
	failed.Failed, failed.Metrics.Complete = []string{"viewer 3: gone"}, 90
	absent.Metrics.Absent = 1
	late.Failed = []string{"what is published does not come: 404"}
	for _, c := range []struct {
		name          string
		x             Round
		viewers       int
		invalid, lost string
	}{
		{"good", good, 10, "", ""}, {"failed", failed, 10, "", "1 ended early, first viewer 3: gone"},
		{"absent", absent, 10, "", "1 of 10 viewers did not get"}, {"late", late, 12, "2 of 12 viewers had not begun", "1 ended early"},
	} {
		invalid, lost := strings.Join(c.x.faults(c.viewers), ", "), strings.Join(c.x.lost(), ", ")
		if (invalid == "") != (c.invalid == "") || !strings.Contains(invalid, c.invalid) || (lost == "") != (c.lost == "") || !strings.Contains(lost, c.lost) {
			t.Errorf("%s: %q, %q", c.name, invalid, lost)
		}
		if strings.Contains(c.name, "late") && !strings.Contains(invalid, "404") {
			t.Errorf("%s: nothing of why: %q", c.name, invalid)
		}
	}
	failed.Lost = failed.lost()
	all, err := summarize([]System{QUIC}, QUIC, []Round{good, failed})
	if err != nil {
		t.Fatal(err)
	}
	got := all[0].Figures
	if got["complete"] != (Spread{Median: 0.95, Min: 0.9, Max: 1}) || all[0].Valid != 2 {
		t.Errorf("%+v of %d rounds", got["complete"], all[0].Valid)
	}
	failed.Servers[0].PerViewer = 0.1
	if all, err = summarize([]System{QUIC}, QUIC, []Round{failed}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cpu_viewer", "startup", "startup_credit"} {
		if _, ok := all[0].Figures[name]; ok {
			t.Errorf("%s is told of those who were left", name)
		}
	}
}

// A ramp ends where a system gives way, and tells the load's limits from its own.
func TestRampOver(t *testing.T) {
	p := Ramp{MaxP99: 50 * time.Millisecond}
	good := Round{Metrics: tally.Metrics{Viewers: 10, Counts: tally.Counts{Frames: 100, Complete: 100, Bytes: 1e6}}}
	slow, lossy, late := good, good, good
	slow.Metrics.Latency = map[string]tally.Quantiles{"all": {Count: 1, P99: 51 * time.Millisecond}}
	lossy.Metrics.Complete--
	late.Load.Turns.P99 = time.Second
	for _, c := range []struct {
		name    string
		x       Round
		viewers int
		over    string
		ofLoad  bool
	}{
		{"good", good, 10, "", false}, {"slow", slow, 10, "51ms", false}, {"lossy", lossy, 10, "1 of 100", false},
		{"absent", good, 11, "1 of 11 viewers", false}, {"load", late, 10, "turn", true},
	} {
		over, ofLoad := p.over(c.x, c.viewers)
		if ofLoad != c.ofLoad || (over == "") != (c.over == "") || !strings.Contains(over, c.over) {
			t.Errorf("%s: %q, %v", c.name, over, ofLoad)
		}
	}
}

// Real viewers are added up to a bound.
func TestFindKnees(t *testing.T) {
	t.Parallel()
	x, err := FindKnees(t.Context(), Ramp{Plan: Plan{Systems: []System{QUIC}, Profile: "audio", Duration: 500 * time.Millisecond}, From: 1, Most: 2, MaxP99: 10 * time.Second}, func(float64, string) {})
	if err != nil || len(x.Knees) != 1 {
		t.Fatalf("%d knees, %v", len(x.Knees), err)
	}
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	var again RampResult
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	again.Began = x.Began // without the monotonic reading
	if !reflect.DeepEqual(x, again) {
		t.Error("JSON loses something")
	}
	k := x.Knees[0]
	if k.Limit == "" || len(k.Steps) == 0 || k.Steps[len(k.Steps)-1].Over == "" && k.Viewers != 2 {
		t.Errorf("%+v", k)
	}
	if _, err := FindKnees(t.Context(), Ramp{From: 3, Most: 2}, func(float64, string) {}); err == nil {
		t.Error("a ramp goes down")
	}
}
