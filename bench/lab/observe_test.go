package lab

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/bench/media"
	"moqedge/bench/rtc"
)

// What viewers of a WHEP server see, of whose source nothing is known.
func TestObserveServer(t *testing.T) {
	t.Parallel()
	unit, base, err := StartUnit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unit.Stop()
	source, err := media.Profile("3mbps", media.Options{}) // with a key frame each second
	if err != nil {
		t.Fatal(err)
	}
	p, err := rtc.Publish(t.Context(), rtc.Options{URL: base + "/whip/live", Source: source, Start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	at := Place{URL: base + "/whep/live", Token: "secret"}
	x, err := ObserveServer(t.Context(), Observe{At: at, Viewers: 2, Duration: 3 * time.Second, Link: "20ms"}, func(float64, string) {})
	if err != nil {
		t.Fatal(err)
	}
	v := x.Observation.Kinds["video"]
	if v.Frames == 0 || v.Bytes == 0 || v.Broken > 0 || x.Observation.Startup.Count == 0 || len(x.Failed) > 0 || x.Plan.At.Token != "" {
		t.Errorf("%+v", x)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	at.URL += "/nobody"
	if _, err := ObserveServer(t.Context(), Observe{At: at}, func(float64, string) {}); err == nil {
		t.Error("a stream that is not there was seen")
	}
	if _, err := ObserveServer(t.Context(), Observe{At: at, Viewers: -1}, func(float64, string) {}); !errors.Is(err, ErrPlan) {
		t.Errorf("-1 viewers: %v", err)
	}
}

// A relay that is there already is measured like one of our own, but for its costs.
func TestTarget(t *testing.T) {
	t.Parallel()
	c, at, err := StartRelay(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	at.Token, at.URL = "secret", at.URL+"/?jwt=secret"
	x, err := Compare(t.Context(), Plan{Systems: []System{QUIC}, Target: &Target{Publish: at, View: at}, Viewers: 2, Rounds: 1, Duration: time.Second, Profile: "audio"}, func(float64, string) {})
	if err != nil || len(x.Rounds) != 1 || x.Rounds[0].Metrics.Complete == 0 || len(x.Rounds[0].Servers) != 0 || x.Plan.Target.View.Token != "" || strings.Contains(x.Plan.Target.View.URL, "secret") {
		t.Errorf("%+v, %v", x, err)
	}
	if _, err := Compare(t.Context(), Plan{Target: &Target{Publish: at, View: at}}, func(float64, string) {}); !errors.Is(err, ErrPlan) {
		t.Errorf("all systems of one server: %v", err)
	}
}

// A relay that dies in the middle has a result: what did not come, and an error.
func TestTargetDies(t *testing.T) {
	t.Parallel()
	c, at, err := StartRelay(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	die := sync.OnceFunc(func() { _ = c.Stop() }) // its end is what is wanted
	defer die()
	x, err := Compare(t.Context(), Plan{Systems: []System{QUIC}, Target: &Target{Publish: at, View: at}, Viewers: 2, Rounds: 1, Duration: 2 * time.Second, Profile: "audio"}, func(_ float64, what string) {
		if strings.HasSuffix(what, "measuring, 1s left") {
			die()
		}
	})
	if err != nil || len(x.Rounds) != 1 {
		t.Fatalf("%d rounds, %v", len(x.Rounds), err)
	}
	round := x.Rounds[0]
	if len(round.Invalid) > 0 { // nothing is told of it then, and that is an error, too
		if !errors.Is(x.Err(), ErrSaturated) {
			t.Errorf("%v", x.Err())
		}
		return
	}
	if got := x.Systems[0].Figures["complete"].Median; len(round.Lost) == 0 || got < 0.1 || got > 0.9 || !errors.Is(x.Err(), ErrLost) {
		t.Errorf("complete %.2f, lost %q, %v", got, round.Lost, x.Err())
	}
}

// A server that has a stream only some time after it was published is waited for, and
// the viewers come then.
func TestTargetLate(t *testing.T) {
	t.Parallel()
	unit, at, err := StartUnit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unit.Stop()
	to, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	pass, early := httputil.NewSingleHostReverseProxy(to), atomic.Int32{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/whep/") && r.Method == http.MethodPost && early.Add(1) <= 4 {
			http.Error(w, "not yet", http.StatusNotFound)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	defer front.Close()
	target := &Target{Publish: Place{URL: front.URL + "/whip/late"}, View: Place{URL: front.URL + "/whep/late"}}
	plan := Plan{Systems: []System{WebRTC}, Target: target, Viewers: 2, Rounds: 1, Duration: time.Second, Profile: "audio"}
	x, err := Compare(t.Context(), plan, func(float64, string) {})
	if err != nil || len(x.Rounds) != 1 || x.Rounds[0].Metrics.Complete == 0 || x.Rounds[0].Metrics.Absent > 0 || len(x.Rounds[0].Failed) > 0 {
		t.Errorf("%+v, %v", x.Rounds, err)
	}
	target.View.URL = front.URL + "/whep/nobody"
	x, err = Compare(t.Context(), plan, func(float64, string) {})
	if err != nil || x.Err() == nil || !strings.Contains(x.Err().Error(), "what is published does not come") {
		t.Errorf("a stream that never comes: %v, %v", x.Err(), err)
	}
}

func TestCommandLine(t *testing.T) {
	got := CommandLine([]string{"moqedge", "bench", "whep", "--token", "a", "--token=b", "--viewers", "3", "moqt://h/?a=1&jwt=c.d.e", "https://h/live?token=f&b=2"})
	if s := strings.Join(got, " "); s != "moqedge bench whep --token ... --token=... --viewers 3 moqt://h/?a=1&jwt=... https://h/live?token=...&b=2" {
		t.Error(s)
	}
	args := []string{"x", "--token", "a"}
	if CommandLine(args); !slices.Equal(args, []string{"x", "--token", "a"}) {
		t.Error("the arguments were changed")
	}
}
