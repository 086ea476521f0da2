package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open is a hook that asks a server which answers so.
func open(t *testing.T, c Config, answer http.HandlerFunc) *Hook {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	if c.URL == "" {
		c.URL = s.URL + "/may"
	}
	c.Logger = slog.New(slog.DiscardHandler)
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func ask(track string) auth.Ask {
	return auth.Ask{
		Verb: relay.VerbSubscribe, Name: wire.FullTrackName{Namespace: wire.Namespace{"a", "b\xff"}, Name: track},
		Remote: netip.MustParseAddr("192.0.2.1"), Path: "/live?user=x",
	}
}

func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// TestQuestion: what is posted.
func TestQuestion(t *testing.T) {
	var got, kind string
	h := open(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, kind = r.Method+" "+r.URL.Path+" "+string(b), r.Header.Get("Content-Type")
		_, _ = io.WriteString(w, `{"allow": true}`)
	})
	if _, err := h.Judge(t.Context(), ask("v"), []wire.Token{{TokenType: 0, Value: []byte("abc")}, {TokenType: 1, Value: []byte{0xd8}}}); err != nil {
		t.Fatal(err)
	}
	const want = `POST /may {"verb":"subscribe","namespace":["a",{"base64":"Yv8="}],"track":"v","remote":"192.0.2.1","path":"/live?user=x",` +
		`"tokens":[{"type":0,"value":"abc"},{"type":1,"value":{"base64":"2A=="}}]}`
	if got != want || kind != "application/json" {
		t.Errorf("%s (%s), want %s", got, kind, want)
	}
}

// TestAnswers: one that says yes permits; no other does, and those that say nothing are
// told apart from those that refuse.
func TestAnswers(t *testing.T) {
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, c := range []struct {
		what    string
		answer  http.HandlerFunc
		allowed bool
		refused bool
		until   time.Time
	}{
		{"yes", says(200, `{"allow":true}`), true, false, time.Time{}},
		{"yes, for a time", says(200, fmt.Sprintf(`{"allow":true,"until":%q,"cache":"1m"}`, until.Format(time.RFC3339))), true, false, until},
		{"no", says(200, `{"allow":false,"reason":"not paid"}`), false, true, time.Time{}},
		{"403", says(403, `{"reason":"not paid"}`), false, true, time.Time{}},
		{"403 that allows", says(403, `{"allow":true,"reason":"not paid"}`), false, true, time.Time{}},
		{"403 as text", says(403, `go away`), false, true, time.Time{}},
		{"401", says(401, ``), false, true, time.Time{}},
		{"nothing", says(200, ``), false, false, time.Time{}},
		{"no allow", says(200, `{}`), false, false, time.Time{}},
		{"allow as text", says(200, `{"allow":"true"}`), false, false, time.Time{}},
		{"null", says(200, `null`), false, false, time.Time{}},
		{"bad until", says(200, `{"allow":true,"until":"soon"}`), false, false, time.Time{}},
		{"bad cache", says(200, `{"allow":true,"cache":"-1s"}`), false, false, time.Time{}},
		{"more behind", says(200, `{"allow":true} x`), false, false, time.Time{}},
		{"too long", says(200, `{"allow":true,"reason":"`+strings.Repeat("x", maxAnswer)+`"}`), false, false, time.Time{}},
		{"500", says(500, `{"allow":true}`), false, false, time.Time{}},
		{"204", says(204, ``), false, false, time.Time{}},
		{"404", says(404, `{"allow":true}`), false, false, time.Time{}},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/yes" {
				_, _ = io.WriteString(w, `{"allow":true}`)
				return
			}
			http.Redirect(w, r, "/yes", http.StatusTemporaryRedirect)
		}, false, false, time.Time{}},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"allow":true}`)
		}, false, false, time.Time{}},
		{"hung up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, false, time.Time{}},
	} {
		h := open(t, Config{}, c.answer)
		v, err := h.Judge(t.Context(), ask("v"), nil)
		if (err == nil) != c.allowed || errors.Is(err, auth.ErrInvalid) != c.refused || !v.Until.Equal(c.until) {
			t.Errorf("%s: %v, %v", c.what, v, err)
		}
		if c.refused && strings.Contains(c.what, "403 that") && !strings.Contains(err.Error(), "not paid") {
			t.Errorf("%s: the reason is not told: %v", c.what, err)
		}
		s := h.Stats()
		if want := (Stats{Allowed: number(c.allowed), Refused: number(c.refused), Failed: number(!c.allowed && !c.refused)}); s != want {
			t.Errorf("%s: %+v", c.what, s)
		}
	}
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// TestHanging: a server that does not answer permits nothing, nobody is there, and who
// asked may leave before.
func TestHanging(t *testing.T) {
	release := make(chan struct{})
	h := open(t, Config{Timeout: 50 * time.Millisecond}, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	if _, err := h.Judge(t.Context(), ask("v"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	gone := open(t, Config{URL: "http://127.0.0.1:1/"}, nil)
	if _, err := gone.Judge(t.Context(), ask("v"), nil); err == nil || errors.Is(err, auth.ErrInvalid) {
		t.Error(err)
	}
	patient := open(t, Config{Timeout: time.Hour}, func(http.ResponseWriter, *http.Request) { <-release })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := patient.Judge(ctx, ask("v"), nil)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	patient.Close() // does not wait for the server
	if _, err := patient.Judge(t.Context(), ask("v"), nil); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

// until waits for something.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come")
		}
	}
}

// TestCache: answers are kept, yes and no, for as long as they say, and no failures;
// equal questions are asked once; there is a bound.
func TestCache(t *testing.T) {
	var asked atomic.Int32
	hold := make(chan struct{})
	h := open(t, Config{MaxEntries: 3, Timeout: time.Minute}, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		var q struct{ Track string }
		_ = json.NewDecoder(r.Body).Decode(&q)
		switch q.Track {
		case "no":
			w.WriteHeader(403)
		case "fails":
			w.WriteHeader(500)
		case "held":
			<-hold
			_, _ = io.WriteString(w, `{"allow":true}`)
		case "fresh":
			_, _ = io.WriteString(w, `{"allow":true,"cache":"0s"}`)
		case "over":
			_, _ = io.WriteString(w, `{"allow":true,"until":"2020-01-01T00:00:00Z","cache":"1h"}`)
		default:
			_, _ = io.WriteString(w, `{"allow":true}`)
		}
	})
	for _, c := range []struct {
		track string
		asked int32 // for three
	}{{"yes", 1}, {"no", 1}, {"fails", 3}, {"fresh", 3}, {"over", 3}} {
		asked.Store(0)
		for range 3 {
			_, _ = h.Judge(t.Context(), ask(c.track), nil)
		}
		if got := asked.Load(); got != c.asked {
			t.Errorf("%s: asked %d times, want %d", c.track, got, c.asked)
		}
	}
	asked.Store(0)
	_, _ = h.Judge(t.Context(), ask("yes"), []wire.Token{{Value: []byte("x")}})
	if asked.Load() != 1 {
		t.Error("another token is another question")
	}
	asked.Store(0)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := h.Judge(t.Context(), ask("held"), nil); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, func() bool { return h.Stats().Shared == 49 })
	close(hold)
	all.Wait()
	if asked.Load() != 1 {
		t.Errorf("50 equal questions were asked %d times", asked.Load())
	}
	for i := range 100 {
		_, _ = h.Judge(t.Context(), ask(fmt.Sprint(i)), nil)
	}
	if n := h.answers.Len(); n > 3 {
		t.Errorf("%d answers are kept", n)
	}
}

// TestBusy: the server is asked a bounded number of questions at a time, more wait for
// their turn, and still more are refused at once.
func TestBusy(t *testing.T) {
	var now, most atomic.Int32
	hold := make(chan struct{})
	h := open(t, Config{MaxConcurrent: 2, Timeout: time.Minute}, func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-hold
		_, _ = io.WriteString(w, `{"allow":true}`)
	})
	var all sync.WaitGroup
	var good, busy atomic.Int32
	for i := range 2*waiting + 10 {
		all.Go(func() {
			switch _, err := h.Judge(t.Context(), ask(fmt.Sprint(i)), nil); {
			case err == nil:
				good.Add(1)
			case errors.Is(err, errBusy):
				busy.Add(1)
			}
		})
	}
	until(t, func() bool { return h.Stats().Busy == 10 && now.Load() == 2 })
	close(hold)
	all.Wait()
	if good.Load() != 2*waiting || busy.Load() != 10 || most.Load() != 2 {
		t.Errorf("%d answered, %d refused, %d at a time", good.Load(), busy.Load(), most.Load())
	}
}

// TestNew: what is no URL of a server.
func TestNew(t *testing.T) {
	for _, url := range []string{"", "host", "ftp://host/", "https://", "https://host/\x00"} {
		if h, err := New(Config{URL: url}); err == nil {
			h.Close()
			t.Errorf("%q is taken", url)
		}
	}
}

// TestFailuresAreNotTold: what is logged of one has no secret of the URL.
func TestFailuresAreNotTold(t *testing.T) {
	var log strings.Builder
	h, err := New(Config{URL: "http://pass-word@127.0.0.1:1/may?key=pass-word", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Judge(t.Context(), ask("v"), nil)
	h.Close()
	if err == nil || strings.Contains(err.Error()+log.String(), "pass-word") || !strings.Contains(log.String(), "127.0.0.1:1") {
		t.Errorf("%v, log:\n%s", err, log.String())
	}
}
