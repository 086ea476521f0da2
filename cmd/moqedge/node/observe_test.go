package node

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/config"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay/auth/token"
)

// scrape reads the metrics of a node, which have to be Prometheus' text.
func scrape(t *testing.T, n *Node, path string) map[string]*dto.MetricFamily {
	t.Helper()
	rsp, text := get(t, "http://"+n.Addresses().Admin+path, nil)
	if rsp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", rsp.Status, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// reading is the sum of a metric over what has these labels, as a=b; of a histogram how
// much was observed.
func reading(families map[string]*dto.MetricFamily, name string, labels ...string) (sum float64) {
next:
	for _, m := range families[name].GetMetric() {
		have := map[string]bool{}
		for _, l := range m.GetLabel() {
			have[l.GetName()+"="+l.GetValue()] = true
		}
		for _, l := range labels {
			if !have[l] {
				continue next
			}
		}
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return sum
}

// write appends a group of objects to a track.
func write(t *testing.T, track *live.Track, group uint64, objects int) {
	t.Helper()
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: group})
	if err != nil {
		t.Fatal(err)
	}
	for i := range objects {
		if err := w.Append(live.WholeObject{ID: uint64(i), Payload: make([]byte, 100)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// entry is a line of the access log.
type entry struct {
	Event, Remote, Subject, Role, Transport, Draft, Path, Track, Code, By, Reason string
	Seconds                                                                       float64
	BytesIn, ObjectsIn, BytesOut, ObjectsOut                                      uint64
}

func accessLog(t *testing.T, path string) (all []entry) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var e entry
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Errorf("%q: %v", s.Text(), err)
		}
		all = append(all, e)
	}
	return all
}

// TestObserving: what a publisher and two viewers of a node do, over both transports,
// is in its metrics, and in its access log when it is over; before it was not.
func TestObserving(t *testing.T) {
	key := newKey(t, "EdDSA")
	c, _ := guarded(t, key)
	dir := t.TempDir()
	c.Region = "eu"
	c.AccessLog.File = filepath.Join(dir, "access.log")
	c.Qlog = config.Qlog{Dir: filepath.Join(dir, "qlog"), Sample: 1}
	n := start(t, c)
	eventually(t, "the bridge's session", func() bool { return reading(scrape(t, n, "/metrics"), "moqedge_sessions") == 1 })
	before := scrape(t, n, "/metrics")

	pass := signed(t, key, token.Claims{Get: token.Prefixes{"live"}, Put: token.Prefixes{"live"}, RegisteredClaims: jwt.RegisteredClaims{Subject: "ann"}})
	name := wire.FullTrackName{Namespace: wire.Namespace{"live"}, Name: "video"}
	track := live.NewTrack(name, live.Options{})
	origin := moq.NewOrigin()
	origin.AddTrack(track)
	publisher := join(t, n, "moqt", "/?jwt="+pass, moq.Config{Handler: origin})
	if _, err := publisher.PublishNamespace(t.Context(), name.Namespace); err != nil {
		t.Fatal(err)
	}
	watch := func(scheme string) (*moq.Session, *moq.Subscription) {
		s := join(t, n, scheme, "/live?jwt="+pass, moq.Config{})
		x, err := s.Subscribe(t.Context(), name, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s, x
	}
	_, first := watch("moqt")
	leaver, second := watch("https")
	if _, err := leaver.Subscribe(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"live"}, Name: "none"}, moq.SubscribeOptions{}); err == nil {
		t.Fatal("there is a track that nobody publishes")
	}
	const objects = 200
	write(t, track, 1, objects)
	for _, x := range []*moq.Subscription{first, second} {
		eventually(t, "the objects", func() bool { _, got := x.Received(); return got == objects })
	}

	after := scrape(t, n, "/metrics")
	grown := func(least, most float64, name string, labels ...string) {
		t.Helper()
		if by := reading(after, name, labels...) - reading(before, name, labels...); by < least || by > most {
			t.Errorf("%s%v has grown by %v, want %v to %v", name, labels, by, least, most)
		}
	}
	grown(2, 2, "moqedge_sessions", "transport=quic", "role=client")
	grown(1, 1, "moqedge_sessions", "transport=webtransport", "draft="+leaver.Version().String())
	grown(2, 2, "moqedge_handshake_seconds", "transport=quic")
	grown(1, 1, "moqedge_handshake_seconds", "transport=webtransport")
	grown(2, 2, "moqedge_subscriptions")
	grown(1, 2, "moqedge_tracks")
	grown(1, 1, "moqedge_namespaces")
	grown(1, 1, "moqedge_subscribe_seconds", "source=publisher")
	grown(1, 1, "moqedge_subscribe_seconds", "source=cache")
	grown(0, 0, "moqedge_subscribe_seconds", "source=upstream")
	grown(3, 3, "moqedge_requests_total", "type=subscribe")
	grown(1, 1, "moqedge_requests_total", "type=publish_namespace")
	grown(1, 1, "moqedge_request_errors_total", "type=SUBSCRIBE", "code=DOES_NOT_EXIST")
	grown(objects, objects, "moqedge_received_objects_total", "role=publisher", "region=eu")
	grown(100*objects, 100*objects, "moqedge_received_bytes_total", "role=publisher")
	grown(2*objects, 2*objects, "moqedge_sent_objects_total", "role=subscriber", "region=eu")
	grown(2*100*objects, 2*110*objects, "moqedge_sent_bytes_total", "role=subscriber")
	grown(2, 2, "moqedge_sent_streams_total")
	grown(0, 0, "moqedge_skipped_groups_total")
	grown(objects, objects, "moqedge_cache_objects")
	grown(100*objects, 1e6, "moqedge_cache_bytes")
	grown(2, 2*objects/64, "moqedge_forward_delay_seconds")
	grown(2, 2*objects/64, "moqedge_queue_age_seconds")
	grown(3, 3, "moqedge_qlog_files")
	if v := reading(after, "moqedge_build_info"); v != 1 {
		t.Errorf("build info is %v", v)
	}
	for _, name := range []string{"process_open_fds", "go_goroutines"} {
		if reading(after, name) == 0 {
			t.Errorf("there is no %s", name)
		}
	}
	for _, path := range []string{"/metrics/track", "/metrics/track?name=" + name.String()} {
		tracks := scrape(t, n, path)
		for metric, want := range map[string]float64{
			"moqedge_track_subscribers": 2, "moqedge_track_publishers": 1, "moqedge_track_received_bytes_total": 100 * objects, "moqedge_track_sent_objects_total": 2 * objects,
		} {
			if got := reading(tracks, metric, "track="+name.String()); got != want {
				t.Errorf("%s: %s is %v, want %v", path, metric, got, want)
			}
		}
	}

	leaver.Close(wire.SessionNoError, "enough")
	leaver.Wait()
	eventually(t, "the viewer's lines", func() bool { return reading(scrape(t, n, "/metrics"), "moqedge_access_log_lines_total") >= 2 })
	track.Close(wire.DoneTrackEnded, "the show is over")
	<-first.Done()
	eventually(t, "the lines of the track", func() bool { return len(accessLog(t, c.AccessLog.File)) >= 4 })
	after = scrape(t, n, "/metrics")
	grown(2, 2, "moqedge_sessions", "transport=quic", "role=client")
	grown(0, 0, "moqedge_sessions", "transport=webtransport")
	grown(1, 1, "moqedge_sessions_ended_total", "code=NO_ERROR")
	grown(0, 0, "moqedge_subscriptions")
	grown(2*objects, 2*objects, "moqedge_sent_objects_total", "role=subscriber", "region=eu") // also of who is gone
	found := map[string]entry{}
	for _, e := range accessLog(t, c.AccessLog.File) {
		if strings.Contains(e.Path, "jwt") || e.Remote == "" || e.Seconds < 0 {
			t.Errorf("the line is %+v", e)
		}
		if e.Event == "subscription" && e.Transport == "webtransport" && (e.Code == "CANCELLED" || e.Code == "SESSION_ENDED") {
			e.Code = "LEFT" // its streams may be seen to end before the session
		}
		found[e.Event+" "+e.Code] = e
	}
	if e := found["subscription TRACK_ENDED"]; e.ObjectsOut != objects || e.Track != name.String() || e.Subject != "ann" || e.Reason != "the show is over" || e.By != "local" || e.Role != "client" {
		t.Errorf("who saw the end: %+v", e)
	}
	if e := found["subscription LEFT"]; e.ObjectsOut != objects || e.Transport != "webtransport" || e.Path != "/live" || e.By != "remote" {
		t.Errorf("who left: %+v", e)
	}
	if e := found["session NO_ERROR"]; e.ObjectsOut != objects || e.Reason != "enough" || e.Subject != "ann" {
		t.Errorf("the session of who left: %+v", e)
	}
	if e := found["publication TRACK_ENDED"]; e.ObjectsIn != objects || e.BytesIn != 100*objects || e.By != "remote" {
		t.Errorf("the publication: %+v", e)
	}
}

// TestIngestsObserved: publications of the bridge are counted by protocol while they
// last, and written down when they are over; a log that is given another file by a reload
// goes on there, also after it was moved away.
func TestIngestsObserved(t *testing.T) {
	c := everything()
	dir := t.TempDir()
	n := start(t, c)
	c.AccessLog.File = filepath.Join(dir, "access.log")
	if _, err := n.Apply(c); err != nil {
		t.Fatal(err)
	}
	publish := func(remote string) {
		b, err := n.Hub().Publish("cam", bridge.Ingest{Protocol: "srt", Remote: remote})
		if err != nil {
			t.Fatal(err)
		}
		if got := reading(scrape(t, n, "/metrics"), "moqedge_ingests", "protocol=srt", "state=live"); got != 1 {
			t.Errorf("%v ingests are live, want 1", got)
		}
		b.Close(nil)
		if got := reading(scrape(t, n, "/metrics"), "moqedge_ingests", "state=grace"); got != 1 {
			t.Errorf("%v ingests are in grace, want 1", got)
		}
	}
	publish("192.0.2.1:5")
	eventually(t, "the line", func() bool { return len(accessLog(t, c.AccessLog.File)) == 1 })
	if e := accessLog(t, c.AccessLog.File)[0]; e.Event != "ingest" || e.Track != "cam" || e.Transport != "srt" || e.Remote != "192.0.2.1:5" || e.Code != "ENDED" {
		t.Errorf("the line is %+v", e)
	}
	if err := os.Rename(c.AccessLog.File, c.AccessLog.File+".1"); err != nil {
		t.Fatal(err)
	}
	_ = n.Reload(func() (*config.Settings, error) { return nil, os.ErrNotExist }) // as SIGHUP does, also with a file that is not good
	eventually(t, "the new file", func() bool { _, err := os.Stat(c.AccessLog.File); return err == nil })
	publish("192.0.2.1:6")
	eventually(t, "the second line", func() bool { return len(accessLog(t, c.AccessLog.File)) == 1 })
	bad := c
	bad.AccessLog.File = filepath.Join(dir, "none", "access.log")
	if _, err := n.Apply(bad); err == nil || !strings.HasPrefix(err.Error(), "accessLog.file: ") {
		t.Errorf("a file that can not be: %v", err)
	}
}
