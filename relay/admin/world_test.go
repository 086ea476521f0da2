package admin

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

func camera() wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{"live", "cam1"}, Name: "video"}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// world is a relay with a publisher of camera and one viewer, which got an object, and
// the server that shows it.
type world struct {
	t         *testing.T
	relay     *relay.Relay
	server    *Server
	publisher *moq.Session
	viewer    *moq.Session
	track     *live.Track
}

// newWorld makes a world; change may change the configuration of the server.
func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{t: t, relay: relay.New(relay.Config{ID: "r1", Logger: quiet()}), track: live.NewTrack(camera(), live.Options{})}
	t.Cleanup(w.relay.Close)
	origin := moq.NewOrigin()
	origin.AddTrack(w.track)
	w.publisher = w.connect(moq.Config{Handler: origin, Implementation: "test"})
	if _, err := w.publisher.PublishNamespace(t.Context(), camera().Namespace); err != nil {
		t.Fatal(err)
	}
	w.viewer = w.connect(moq.Config{})
	into := live.NewTrack(camera(), live.Options{})
	if _, err := w.viewer.Subscribe(t.Context(), camera(), moq.SubscribeOptions{Into: into}); err != nil {
		t.Fatal(err)
	}
	w.put(1)
	w.until("an object", func() bool { _, any := into.Largest(); return any })
	c := Config{
		Relay: w.relay, Name: "origin-1", Region: "eu", Version: "v1", Started: time.Now(), Local: true, Logger: quiet(),
		Drain: func(string, time.Duration) {},
		Ingests: func() []Ingest {
			return []Ingest{{Name: "cam1", Protocol: "srt", Remote: "192.0.2.1:7", Live: true, Tracks: []IngestTrack{{Name: "video", Codec: "avc1"}}}}
		},
		Settings: func() Settings { return Settings{Values: []Setting{{Key: "listen", Value: ":4443"}}} },
	}
	if change != nil {
		change(&c)
	}
	w.server = New(c)
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) connect(c moq.Config) *moq.Session {
	w.t.Helper()
	near, far := transport.MemoryPair(wire.Draft18.String())
	before := w.relay.Sessions()
	go w.relay.ServeConn(far)
	c.Logger = quiet()
	s, err := moq.NewSession(w.t.Context(), near, c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.until("the session is served", func() bool { return w.relay.Sessions() > before }) // their IDs are in order then
	w.t.Cleanup(func() {
		s.Close(wire.SessionNoError, "")
		s.Wait()
	})
	return s
}

// put publishes a group of one object.
func (w *world) put(group uint64) {
	w.t.Helper()
	g, err := w.track.OpenSubgroup(live.SubgroupInfo{Group: group, Priority: wire.DefaultPriority, EndOfGroup: true, FirstObject: true})
	if err == nil {
		err = g.Append(live.WholeObject{Payload: make([]byte, 1000)})
	}
	if err == nil {
		err = g.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// until waits for a condition; the bound only ends a hopeless test.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// ask asks the server, as localhost; header are names and values.
func (w *world) ask(method, target string, header ...string) (*http.Response, string) {
	w.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost:9090"
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	out := httptest.NewRecorder()
	w.server.ServeHTTP(out, r)
	body, err := io.ReadAll(out.Result().Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Result(), string(body)
}

// get reads an answer of 200 into a value.
func get[T any](w *world, target string) (value T) {
	w.t.Helper()
	rsp, body := w.ask(http.MethodGet, target)
	if rsp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s %s", target, rsp.Status, body)
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&value); err != nil {
		w.t.Fatalf("%s: %v in %s", target, err, body)
	}
	return value
}
