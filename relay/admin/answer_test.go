package admin

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/relay"
)

// What there is in a relay is told.
func TestAnswers(t *testing.T) {
	w := newWorld(t, nil)
	sessions := get[Sessions](w, "/sessions").Sessions
	if len(sessions) != 2 || sessions[0].Role != "publisher" || sessions[0].Publications != 1 || sessions[0].Implementation != "test" ||
		sessions[1].Role != "subscriber" || sessions[1].Subscriptions != 1 || sessions[1].BytesOut < 1000 || sessions[1].Draft != "moqt-18" {
		t.Errorf("sessions: %+v", sessions)
	}
	tracks := get[Tracks](w, "/tracks").Tracks
	if len(tracks) != 1 || tracks[0].Name != "live-cam1--video" || tracks[0].Publishers != 1 || tracks[0].Subscribers != 1 || tracks[0].Largest == nil ||
		*tracks[0].Largest != (relay.TrackLocation{Group: 1}) || tracks[0].CachedGroups != 1 || tracks[0].BytesIn != 1000 {
		t.Errorf("tracks: %+v", tracks)
	}
	if got := get[Tracks](w, "/tracks?prefix=live-cam2").Tracks; len(got) != 0 {
		t.Errorf("another prefix: %+v", got)
	}
	routes := get[Namespaces](w, "/namespaces?prefix=live")
	if len(routes.Routes) != 1 || routes.Routes[0].Namespace != "live-cam1" || routes.Routes[0].Via != "publisher" || routes.More {
		t.Errorf("namespaces: %+v", routes)
	}
	if c := get[relay.CacheStats](w, "/cache"); c.Groups != 1 || c.Budget == 0 {
		t.Errorf("cache: %+v", c)
	}
	if s := get[Stats](w, "/stats"); s.Name != "origin-1" || s.Sessions != 2 || s.Tracks != 1 || len(s.Ingests) != 1 {
		t.Errorf("stats: %+v", s)
	}
	if o := get[Overview](w, "/overview"); o.Node.ID != "r1" || !o.Node.Ready || o.Totals.Subscriptions != 1 || len(o.Tracks) != 1 || o.Totals.BitsIn != nil {
		t.Errorf("overview: %+v", o)
	}
	if got := get[Upstreams](w, "/upstreams").Links; len(got) != 0 {
		t.Errorf("upstreams: %+v", got)
	}
	if c := get[Settings](w, "/config"); len(c.Values) != 1 || c.Pending == nil {
		t.Errorf("config: %+v", c)
	}
}

// Pages of sessions and tracks come one after the other, each name once.
func TestPages(t *testing.T) {
	w := newWorld(t, nil)
	for range 3 {
		w.connect(moq.Config{})
	}
	w.until("5 sessions", func() bool { return w.relay.Sessions() == 5 })
	var ids []string
	for target := "/sessions?limit=2"; target != ""; {
		page := get[Sessions](w, target)
		if len(page.Sessions) > 2 {
			t.Fatalf("%d sessions on a page", len(page.Sessions))
		}
		for _, s := range page.Sessions {
			ids = append(ids, s.ID)
		}
		if target = ""; page.Next != "" {
			target = "/sessions?limit=2&after=" + page.Next
		}
	}
	if !slices.Equal(ids, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("sessions %v", ids)
	}
	if page := get[Tracks](w, "/tracks?after=live-cam1--video"); len(page.Tracks) != 0 {
		t.Errorf("behind the last: %+v", page)
	}
}

// A session is closed once, and a track purged while it is watched.
func TestActions(t *testing.T) {
	w := newWorld(t, nil)
	w.until("nothing is being written", func() bool {
		rsp, body := w.ask(http.MethodPost, "/cache/purge?track=live-cam1--video")
		return rsp.StatusCode == http.StatusOK && strings.Contains(body, `"tracks": 1`)
	})
	if rsp, body := w.ask(http.MethodPost, "/cache/purge?namespace=live-cam2"); rsp.StatusCode != http.StatusOK || !strings.Contains(body, `"tracks": 0`) {
		t.Errorf("another namespace: %s %s", rsp.Status, body)
	}
	if rsp, body := w.ask(http.MethodDelete, "/sessions/2"); rsp.StatusCode != http.StatusOK {
		t.Errorf("close: %s %s", rsp.Status, body)
	}
	<-w.viewer.Context().Done()
	w.until("it is gone", func() bool { return len(get[Sessions](w, "/sessions").Sessions) == 1 })
	if rsp, _ := w.ask(http.MethodDelete, "/sessions/2"); rsp.StatusCode != http.StatusNotFound {
		t.Errorf("closed twice: %s", rsp.Status)
	}
	if w.publisher.Context().Err() != nil {
		t.Error("another session was closed")
	}
}

// Reasons not to send somebody here: each by itself, with 503.
func TestReady(t *testing.T) {
	draining, expired := false, false
	w := newWorld(t, func(c *Config) {
		c.Draining = func() bool { return draining }
		c.Unready = func() []string {
			if expired {
				return []string{"the certificate has expired"}
			}
			return nil
		}
	})
	if r := get[Readiness](w, "/readyz"); !r.Ready || len(r.Reasons) != 0 {
		t.Errorf("%+v", r)
	}
	for reason, flag := range map[string]*bool{"draining": &draining, "the certificate has expired": &expired} {
		*flag = true
		rsp, body := w.ask(http.MethodGet, "/readyz")
		if rsp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `"`+reason+`"`) {
			t.Errorf("%s: %s %s", reason, rsp.Status, body)
		}
		*flag = false
	}
	if h := get[Health](w, "/healthz"); h.Status != "ok" {
		t.Errorf("%+v", h)
	}
}

// A relay none of whose upstreams is there is not ready; one that is connected on demand
// does not count as missing.
func TestReadyUpstream(t *testing.T) {
	for onDemand, want := range map[bool]int{false: http.StatusServiceUnavailable, true: http.StatusOK} {
		w := newWorld(t, func(c *Config) {
			c.Relay = relay.New(relay.Config{Logger: quiet(), Upstreams: []relay.Upstream{{Name: "up", URL: "moqt://127.0.0.1:1", OnDemand: onDemand}}})
		})
		t.Cleanup(w.server.config.Relay.Close)
		rsp, body := w.ask(http.MethodGet, "/readyz")
		if rsp.StatusCode != want || (want != http.StatusOK) != strings.Contains(body, "no upstream is connected") {
			t.Errorf("on demand %v: %s %s", onDemand, rsp.Status, body)
		}
	}
}

// Draining is begun with what was asked for.
func TestDrain(t *testing.T) {
	var uri string
	var limit time.Duration
	w := newWorld(t, func(c *Config) { c.Drain = func(u string, l time.Duration) { uri, limit = u, l } })
	if rsp, body := w.ask(http.MethodPost, "/drain?uri=moqt://b.example:443&timeout=30s"); rsp.StatusCode != http.StatusAccepted || uri != "moqt://b.example:443" || limit != 30*time.Second {
		t.Errorf("%s %s, %q %v", rsp.Status, body, uri, limit)
	}
}

// What is wrong with a request is said in JSON.
func TestFaults(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"GET", "/nothing", 404, "/openapi.json"},
		{"POST", "/nothing", 404, "/openapi.json"},
		{"POST", "/stats", 405, "GET, HEAD"},
		{"GET", "/sessions/1", 405, "DELETE"},
		{"GET", "/drain", 405, "POST"},
		{"PUT", "/sessions", 405, "GET, HEAD"},
		{"GET", "/sessions?limit=0", 400, "limit"},
		{"GET", "/sessions?limit=1001", 400, "limit"},
		{"GET", "/sessions?after=x", 400, "after"},
		{"GET", "/sessions?page=2", 400, `no parameter`},
		{"GET", "/tracks?sort=size", 400, "name, rate, subscribers"},
		{"GET", "/tracks?prefix=a..", 400, "namespace"},
		{"GET", "/overview?limit=many", 400, "limit"},
		{"DELETE", "/sessions/x", 404, "/sessions"},
		{"DELETE", "/sessions/99", 404, "/sessions"},
		{"POST", "/cache/purge", 400, "either namespace or track"},
		{"POST", "/cache/purge?namespace=a&track=a--b", 400, "either namespace or track"},
		{"POST", "/cache/purge?track=a", 400, "track"},
		{"POST", "/drain?uri=http://a", 400, "uri"},
		{"POST", "/drain?timeout=-1s", 400, "timeout"},
		{"GET", "/debug/pprof/nothing", 404, "/debug/pprof/"},
		{"GET", "/debug/pprof/cmdline", 404, "secrets"},
		{"GET", "/debug/pprof/profile?seconds=301", 400, "300"},
	} {
		rsp, body := w.ask(c.method, c.target)
		if rsp.StatusCode != c.status || !strings.Contains(body, c.want) || rsp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %s %s", c.method, c.target, rsp.Status, body)
		}
	}
	if rsp, _ := w.ask("POST", "/stats"); rsp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %q", rsp.Header.Get("Allow"))
	}
	if rsp, body := w.ask("GET", "/debug/pprof/goroutine?debug=1"); rsp.StatusCode != 200 || !strings.Contains(body, "goroutine profile") {
		t.Errorf("goroutines: %s", rsp.Status)
	}
}

// A panic is an answer and a line of the log, not the end of the server.
func TestPanic(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Ingests = func() []Ingest { panic("broken") } })
	if rsp, body := w.ask("GET", "/stats"); rsp.StatusCode != http.StatusInternalServerError || !strings.Contains(body, "see the log") {
		t.Errorf("%s %s", rsp.Status, body)
	}
}
