package top

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"moqedge/relay"
	"moqedge/relay/admin"
)

// at is a snapshot some seconds after the first.
func at(seconds int) Snapshot {
	rate := func(x float64) *float64 { return &x }
	var s Snapshot
	s.Node = admin.NodeInfo{Name: "edge-1", Region: "eu", At: time.Unix(int64(1000+seconds), 0), UptimeSeconds: float64(60 + seconds), Readiness: admin.Readiness{Ready: true}}
	s.Totals = admin.Totals{Sessions: 3, Subscriptions: 2, Tracks: 30, BitsIn: rate(4e6), BitsOut: rate(8e6)}
	s.History = []admin.Moment{{In: 0, Out: 0}, {In: 4e6, Out: 8e6}}
	for i := range 30 {
		s.Tracks = append(s.Tracks, admin.Track{TrackStatus: relay.TrackStatus{Name: fmt.Sprintf("cam%02d--video", i), Subscribers: i, From: []string{"origin"}}, BitsIn: rate(float64(30-i) * 1000)})
	}
	for i := range 3 {
		s.Sessions.Sessions = append(s.Sessions.Sessions, relay.SessionStatus{ID: fmt.Sprint(i + 1), Remote: fmt.Sprintf("192.0.2.%d:1", i+1), Role: "subscriber", BytesOut: uint64(seconds * 125000 * (i + 1))})
	}
	s.Delays = admin.Delays{Seconds: 42, Forward: admin.Delay{Samples: 1234, P50: 210 * time.Microsecond, P99: 17 * time.Millisecond}}
	s.Links = []admin.Link{{LinkStatus: relay.LinkStatus{Name: "origin\x1b[2J", Dialed: true, State: "connected", RTT: 12 * time.Millisecond}, BitsIn: rate(4e6), BitsOut: rate(1e3)}}
	return s
}

// shown does messages one after the other.
func shown(m tea.Model, messages ...tea.Msg) Model {
	for _, x := range messages {
		m, _ = m.Update(x)
	}
	return m.(Model)
}

func key(text string) tea.KeyPressMsg {
	return tea.KeyPressMsg{Text: text, Code: []rune(text)[0]}
}

// The screen fits whatever size it has, and its first rows are those of the order.
func TestScreen(t *testing.T) {
	m := shown(New("http://x", nil), arrived{at(0)}, arrived{at(1)})
	for _, size := range [][2]int{{80, 24}, {40, 12}, {200, 60}, {20, 9}} {
		m := shown(m, tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		lines := strings.Split(m.Text(), "\n")
		if len(lines) > size[1] {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		for _, line := range lines {
			if lipgloss.Width(line) > size[0] {
				t.Errorf("%v: %d columns: %q", size, lipgloss.Width(line), line)
			}
		}
	}
	for _, want := range []string{"edge-1 (eu)", "up 1m 01s", "4.0 Mbit/s", "8.0 Mbit/s", "█", "[1 Tracks]", "by rate", "cam00--video", "forward p50 0.21 ms p99 17 ms, of that queued p99 – (last 42s, 1234 objects)", "1–15 of 30", "q quit"} {
		if !strings.Contains(m.Text(), want) {
			t.Errorf("no %q in\n%s", want, m.Text())
		}
	}
}

// Keys choose the table, the order, rows and a filter.
func TestKeys(t *testing.T) {
	m := shown(New("http://x", nil), arrived{at(0)}, arrived{at(1)})
	for _, c := range []struct {
		keys        []string
		want, never string
	}{
		{[]string{"s"}, "cam29--video", "cam00--video"},
		{[]string{"2"}, "2.0 Mbit/s", "cam00"},
		{[]string{"3"}, "12 ms", "\x1b[2J"},
		{[]string{"/", "c", "a", "m", "0", "7"}, "1–1 of 1", "cam08"},
		{[]string{"j", "j"}, "3–17 of 30", "cam01"},
		{[]string{"/", "x", "y", "z"}, "none with \"xyz\"", "cam"},
		{[]string{"p"}, "PAUSED", "nothing"},
	} {
		x := m
		for _, k := range c.keys {
			x = shown(x, key(k))
		}
		if text := x.Text(); !strings.Contains(text, c.want) || strings.Contains(text, c.never) {
			t.Errorf("%v: want %q and not %q in\n%s", c.keys, c.want, c.never, text)
		}
	}
	if _, cmd := m.Update(key("q")); cmd == nil {
		t.Error("q does not end it")
	} else if _, ends := cmd().(tea.QuitMsg); !ends {
		t.Error("q does something else")
	}
}

// A node that is gone is said to be, with what was last known; one that is back is shown.
func TestGone(t *testing.T) {
	fail := errors.New("connection refused")
	m := shown(New("http://x", nil), failed{fail})
	if !strings.Contains(m.Text(), "no answer of http://x; trying again: connection refused") {
		t.Error(m.Text())
	}
	m = shown(m, arrived{at(0)}, failed{fail})
	if text := m.Text(); !strings.Contains(text, "does not answer since") || !strings.Contains(text, "cam00--video") {
		t.Error(text)
	}
	if _, cmd := m.Update(failed{fail}); cmd == nil {
		t.Error("it does not try again")
	}
	if text := shown(m, arrived{at(2)}).Text(); strings.Contains(text, "does not answer") {
		t.Error(text)
	}
}

// A node that nobody uses is shown as that, and thousands of rows as many as fit.
func TestNoneAndMany(t *testing.T) {
	none := Snapshot{Overview: admin.Overview{Node: admin.NodeInfo{Name: "edge-1", Readiness: admin.Readiness{Ready: true}}}}
	for _, want := range []string{"none: nobody publishes or watches", "none: nobody is connected", "none: this node stands alone", "0 sessions"} {
		if text := Plain("x", none); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if text := shown(New("http://x", nil), arrived{none}).Text(); !strings.Contains(text, "none: nobody publishes") || !strings.Contains(text, "0–0 of 0") || strings.Count(text, "\n") != 23 {
		t.Error(text)
	}
	many := at(0)
	for i := range 10_000 {
		rate := float64(i)
		many.Tracks = append(many.Tracks, admin.Track{TrackStatus: relay.TrackStatus{Name: fmt.Sprintf("t%05d--video", i)}, BitsOut: &rate})
	}
	m := shown(New("http://x", nil), arrived{many})
	if text := m.Text(); strings.Count(text, "\n") != 23 || !strings.Contains(text, "1–15 of 10030") || strings.Index(text, "cam00--video") > strings.Index(text, "cam01--video") || strings.Contains(text, "t00001--video") {
		t.Error(text)
	}
}

// The client brings the token, and says what is wrong.
func TestClient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(admin.Failure{Status: 401, Error: "the token is wrong"})
		case strings.HasPrefix(r.URL.Path, "/overview"):
			_ = json.NewEncoder(w).Encode(at(0).Overview)
		default:
			_ = json.NewEncoder(w).Encode(at(0).Sessions)
		}
	}))
	defer server.Close()
	c := Client{URL: server.URL + "/", Token: "secret", HTTP: server.Client()}
	s, err := c.Read(context.Background())
	if err != nil || s.Node.Name != "edge-1" || len(s.Sessions.Sessions) != 3 {
		t.Errorf("%v, %+v", err, s.Node)
	}
	if text := Plain("x", s); !strings.Contains(text, "cam29--video") || !strings.Contains(text, "192.0.2.3:1") || strings.Contains(text, "\x1b") {
		t.Error(text)
	}
	c.Token = "other"
	if _, err := c.Read(context.Background()); err == nil || !strings.Contains(err.Error(), "the token is wrong") {
		t.Error(err)
	}
	server.Close()
	if _, err := c.Read(context.Background()); err == nil || strings.Contains(err.Error(), "http://") || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}
