package glass

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/link"
)

// patience is how long browsers get until the window begins: a machine that does other
// things gets more of it, step by step.
func patience() []time.Duration {
	return []time.Duration{2500 * time.Millisecond, 8 * time.Second, 20 * time.Second}
}

// measure measures until there is a picture in each round.
func measure(t *testing.T, p Plan, progress lab.Progress) (x Result) {
	t.Helper()
	for _, p.Warm = range patience() {
		var err error
		if x, err = Measure(t.Context(), p, progress, nil); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(x.Rounds, func(r Round) bool { return r.Sight.Shown == 0 }) {
			return x
		}
		for _, r := range x.Rounds {
			t.Logf("%s: %q", r.System, r.Invalid)
		}
	}
	return x
}

// TestMeasure has a real browser play both systems over a line, from servers and
// publishers in processes of their own.
func TestMeasure(t *testing.T) {
	pictures := t.TempDir()
	var reported float64
	x := measure(t, Plan{Rounds: 1, Duration: 2 * time.Second, Link: "40ms", Pictures: pictures}, func(done float64, what string) {
		if done < reported && done > 0 || done > 1 || what == "" {
			t.Errorf("progress %v after %v: %q", done, reported, what)
		}
		reported = done
	})
	if len(x.Rounds) != 2 || len(x.Systems) != 2 || x.Interrupted || reported != 1 || !strings.Contains(x.Browser, "Chrome") || x.Machine.Cores == 0 || len(x.Differences) == 0 {
		t.Fatalf("%d rounds of %d systems in %q", len(x.Rounds), len(x.Systems), x.Browser)
	}
	own := map[System]string{MOQT: "targetMs", WebRTC: "framesDecoded"}
	for _, r := range x.Rounds {
		// Over a line of 20 ms no picture is there sooner, and no page within a round trip.
		if r.Startup < 80*time.Millisecond || r.FromPlay <= 0 || r.FromPlay > r.Startup || r.Sight.Shown == 0 || r.Sight.Latency.P50 < 20*time.Millisecond {
			t.Errorf("%s: startup %v, %v of it from play, %d pictures, latency %v, age %v", r.System, r.Startup, r.FromPlay, r.Sight.Shown, r.Sight.Latency.P50, r.Sight.Age.P50)
		}
		if len(r.Invalid) == 0 && (r.Sight.Latency.P50 > 3*time.Second || r.Sight.Age.P50 < r.Sight.Latency.P50) {
			t.Errorf("%s: latency %v, age %v", r.System, r.Sight.Latency.P50, r.Sight.Age.P50)
		}
		if r.Own[own[r.System]] == 0 || r.Wire.Down.Bytes < 100_000 || r.Wire.Up.Packets == 0 {
			t.Errorf("%s: says %v, line %+v", r.System, r.Own, r.Wire)
		}
		if r.Load.Turns.Count == 0 || r.Load.Machine <= 0 {
			t.Errorf("%s: load %+v", r.System, r.Load)
		}
		if png, err := os.ReadFile(filepath.Join(pictures, string(r.System)+"-1.png")); err != nil || len(png) < 5000 {
			t.Errorf("%s: a picture of %d bytes, %v", r.System, len(png), err)
		}
		if len(r.Invalid) > 0 {
			t.Logf("%s does not count on this machine: %q", r.System, r.Invalid)
		}
	}
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	var again Result
	if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(again.Systems, x.Systems) {
		t.Errorf("JSON does not give the result back: %v", err)
	}
}

// TestOthers plays from servers that somebody else has started. The relay is known by
// a name, which leads over the line all the same.
func TestOthers(t *testing.T) {
	s, err := startStage(t.Context(), Plan{Systems: Systems()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	relay := strings.Replace(s.relay.URL, "moqt://127.0.0.1", "https://localhost", 1) + "/live"
	x := measure(t, Plan{
		Rounds: 1, Duration: time.Second, Link: "40ms",
		MOQT: &Remote{URL: relay, Fingerprint: s.relay.Fingerprint}, WHEP: s.whep,
	}, nil)
	for _, r := range x.Rounds {
		if r.Sight.Shown == 0 || r.Sight.Latency.P50 < 20*time.Millisecond || r.Wire.Down.Bytes < 50_000 {
			t.Errorf("%s: %d pictures, latency %v, line %+v, invalid %q", r.System, r.Sight.Shown, r.Sight.Latency.P50, r.Wire, r.Invalid)
		}
	}
	if d := strings.Join(x.Differences, ""); !strings.Contains(d, relay) || !strings.Contains(d, s.whep) {
		t.Errorf("differences: %q", d)
	}
}

// drawn is a page that shows the clip's clock as it is now, but for 800 ms from the
// time STILL (ms since the Unix epoch).
const drawn = `<!doctype html><canvas width="640" height="360"></canvas><script>
const context = document.querySelector("canvas").getContext("2d");
const draw = () => {
  requestAnimationFrame(draw);
  if (Date.now() > STILL && Date.now() < STILL + 800) return;
  const n = Math.floor(Date.now() * 30 / 1000) % 300;
  for (let cell = 0; cell < 16; cell++) {
    context.fillStyle = (cell < 2 ? cell === 0 : (n ^ n >> 1) >> (15 - cell) & 1) ? "white" : "black";
    context.fillRect(64 + 32 * cell, 16, 32, 32);
  }
};
draw();
</script>`

// observed is what is seen of a page in a window of 1.5 s; within is when in it the page
// is to stand still.
func observed(t *testing.T, page string, warm, within time.Duration) Round {
	t.Helper()
	begin := time.Now()
	still := begin.Add(warm + within).UnixMilli()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, strings.ReplaceAll(page, "STILL", strconv.FormatInt(still, 10)))
	}))
	defer s.Close()
	file, err := find("")
	if err != nil {
		t.Fatal(err)
	}
	tab, err := open(t.Context(), file, "")
	if err != nil {
		t.Fatal(err)
	}
	defer tab.close()
	if err := tab.watch(s.URL, clipRow()); err != nil {
		t.Fatal(err)
	}
	m := measurement{ready: ready{Plan: Plan{Warm: warm, Duration: 1500 * time.Millisecond}}}
	x := Round{System: WebRTC}
	if err := m.observe(t.Context(), tab, begin, &x); err != nil {
		t.Fatal(err)
	}
	return x
}

// A browser sees what is known: a picture that moves is no stall, one that stands still
// is.
func TestStall(t *testing.T) {
	for what, c := range map[string]struct {
		within time.Duration
		stalls int
	}{"moving": {within: -time.Hour}, "still": {within: 300 * time.Millisecond, stalls: 1}} {
		t.Run(what, func(t *testing.T) {
			var x Round
			for _, warm := range patience() {
				if x = observed(t, drawn, warm, c.within); x.Sight.Blind < maxBlind && x.Sight.Shown > 0 {
					break
				}
			}
			if x.Sight.Shown == 0 || x.Startup == 0 || x.Sight.Latency.P50 > 500*time.Millisecond {
				t.Errorf("startup %v, %d pictures, latency %v", x.Startup, x.Sight.Shown, x.Sight.Latency.P50)
			}
			if len(x.Sight.Stalls) != c.stalls || c.stalls > 0 && x.Sight.Frozen < 500*time.Millisecond {
				t.Errorf("stalls %v, blind %v", x.Sight.Stalls, x.Sight.Blind)
			}
		})
	}
}

// A page without a picture is an error that says what the page knows.
func TestNoPicture(t *testing.T) {
	x := observed(t, "<!doctype html><video></video><script>failed = 'there is no stream'</script>", time.Second, 0)
	if len(x.Invalid) == 0 || !strings.Contains(x.Invalid[0], `no picture of the clip came: "there is no stream"`) || x.Sight.Shown != 0 || x.Startup != 0 {
		t.Errorf("invalid %q, %d pictures", x.Invalid, x.Sight.Shown)
	}
}

// An error of the WHEP server is what the round is told.
func TestSignallingFails(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	clean, err := link.Parse("clean", 0)
	if err != nil {
		t.Fatal(err)
	}
	h := &signalling{endpoint: s.URL, access: newAccess(clean, 1, time.Now()), client: s.Client()}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/whep", strings.NewReader("v=0\r\n")))
	h.end()
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "404") {
		t.Errorf("%d, %q", w.Code, w.Body)
	}
}

// What was interrupted is no error, and its servers are gone (goleak looks).
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x, err := Measure(ctx, Plan{Systems: []System{WebRTC}, Rounds: 2}, func(_ float64, what string) {
		if strings.HasPrefix(what, "round") {
			cancel()
		}
	}, nil)
	if err != nil || !x.Interrupted || len(x.Rounds) != 0 || x.Err() != nil {
		t.Errorf("%d rounds, interrupted: %v, %v", len(x.Rounds), x.Interrupted, err)
	}
}

// Rounds that do not count are in no figure, and a system with none is an error.
func TestSummary(t *testing.T) {
	p := Plan{Systems: Systems(), Duration: 30 * time.Second}
	x := Result{Plan: p, Rounds: []Round{
		{System: MOQT, Number: 1, Startup: time.Second, Sight: Sight{Stalls: []Stall{{For: time.Second}}, Frozen: time.Second, Shown: 99, Missed: 1}},
		{System: WebRTC, Number: 1, Startup: time.Second, Invalid: []string{"too busy"}},
		{System: MOQT, Number: 2, Startup: 3 * time.Second},
		{System: MOQT, Number: 3, Startup: 9 * time.Second, Invalid: []string{"too busy"}},
	}}
	x.Systems = summarize(p, x.Rounds)
	m := x.Systems[0]
	if m.Valid != 2 || m.Figures["startup"].Median != 2 || m.Figures["startup"].Max != 3 || m.Figures["stalls"].Max != 2 || m.Figures["frozen"].Max != 2 || m.Figures["missed"].Median != 0.01 {
		t.Errorf("%+v", m)
	}
	if err := x.Err(); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "too busy") || x.Systems[1].Valid != 0 {
		t.Error(err)
	}
	names := []string{}
	for _, f := range Figures() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(Figures()) {
		t.Error("figures share a name")
	}
}
