package glass

import (
	"errors"
	"strings"
	"testing"
	"time"

	"moqedge/bench/lab"
)

func TestPlan(t *testing.T) {
	r, err := Plan{}.ready()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Systems) != 2 || r.Rounds != 3 || r.Duration != 10*time.Second || !r.line.Clean() || r.Warm != 5*time.Second || r.file == "" {
		t.Errorf("%+v", r)
	}
	if r, err = (Plan{Link: "outage", MOQT: &Remote{URL: "https://relay.example/live"}}).ready(); err != nil || r.Duration != 15*time.Second || r.MOQT.Name != "demo" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, p := range []Plan{
		{Systems: []System{"hls"}}, {Systems: []System{MOQT, MOQT}}, {Rounds: -1}, {Rounds: 101}, {Duration: time.Millisecond}, {Duration: time.Hour},
		{Warm: -1}, {Target: -1}, {Target: time.Minute}, {WHEP: "whep"}, {WHEP: "ftp://a/b"}, {MOQT: &Remote{URL: "moqt://relay.example"}}, {MOQT: &Remote{}}, {Link: "bad"},
	} {
		if _, err := p.ready(); !errors.Is(err, lab.ErrPlan) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// Without a browser nothing is started, and the error says what to do.
func TestNoBrowser(t *testing.T) {
	if _, err := Measure(t.Context(), Plan{Browser: "/nowhere/chromium"}, nil, nil); !errors.Is(err, ErrNoBrowser) || !strings.Contains(err.Error(), "/nowhere/chromium") {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Measure(t.Context(), Plan{}, nil, nil); !errors.Is(err, ErrNoBrowser) || !strings.Contains(err.Error(), "apt-get install chromium") {
		t.Error(err)
	}
}
