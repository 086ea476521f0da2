package signalling

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fake is a session that ends at once when it is told to.
type fake struct {
	id       string
	sessions *Sessions
	done     chan struct{}
	reason   error
	got      []string
}

func (f *fake) Ufrag() string         { return "mine" }
func (f *fake) AddCandidate(c string) { f.got = append(f.got, c) }
func (f *fake) Done() <-chan struct{} { return f.done }
func (f *fake) End(reason error) {
	f.reason = reason
	f.sessions.Release(f.id)
	close(f.done)
}

// begin serves an endpoint whose sessions are fakes; early is called before a session
// is handed over.
func begin(early func(*fake) error) (*Endpoint, *fake) {
	s := NewSessions(1)
	f := &fake{sessions: s, done: make(chan struct{})}
	return &Endpoint{Prefix: "/play/", Sessions: s, Logger: slog.New(slog.DiscardHandler), Open: func(_ *http.Request, o Offer) (Session, string, error) {
		f.id = o.ID
		return f, "answer to " + o.SDP, early(f)
	}}, f
}

func ask(e *Endpoint, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// A session is found by the Location that its offer is answered with, whatever its
// name, and no more once it has ended.
func TestSession(t *testing.T) {
	e, f := begin(func(*fake) error { return nil })
	w := ask(e, "POST", "/play/a%20b%3f", "offer", "Content-Type", SDPType)
	location := w.Header().Get("Location")
	if w.Code != http.StatusCreated || w.Body.String() != "answer to offer" || !strings.HasPrefix(location, "/play/a%20b%3F/") {
		t.Fatalf("%d %q at %q", w.Code, w.Body, location)
	}
	w = ask(e, "PATCH", location, "a=ice-ufrag:mine\r\na=candidate:1\r\n", "Content-Type", FragmentType, "If-Match", w.Header().Get("ETag"))
	if w.Code != http.StatusNoContent || len(f.got) != 1 || f.got[0] != "1" {
		t.Errorf("a candidate: %d, %q", w.Code, f.got)
	}
	for i, want := range []int{http.StatusOK, http.StatusNotFound} {
		if w = ask(e, "DELETE", location, ""); w.Code != want {
			t.Errorf("DELETE %d: %d %s", i, w.Code, w.Body)
		}
	}
	if f.reason != nil || e.Sessions.Len() != 0 {
		t.Errorf("ended with %v, %d left", f.reason, e.Sessions.Len())
	}
}

// What happens while an offer is answered leaves no place taken.
func TestWhileNegotiating(t *testing.T) {
	for name, c := range map[string]struct {
		early  func(*fake) error
		status int
		ended  error
	}{
		"an error":           {func(*fake) error { return errors.New("no") }, http.StatusInternalServerError, nil},
		"a refusal":          {func(*fake) error { return Refuse(http.StatusTeapot, "no") }, http.StatusTeapot, nil},
		"the end":            {func(f *fake) error { f.End(nil); return nil }, http.StatusCreated, nil},
		"the table closes":   {func(f *fake) error { return f.sessions.Close(context.Background()) }, http.StatusServiceUnavailable, ErrClosed},
		"refused until then": {func(*fake) error { return Busy("later") }, http.StatusServiceUnavailable, nil},
	} {
		e, f := begin(c.early)
		w := ask(e, "POST", "/play/a", "offer", "Content-Type", SDPType)
		if w.Code != c.status || !errors.Is(f.reason, c.ended) || e.Sessions.Len() != 0 {
			t.Errorf("%s: %d, ended with %v, %d left", name, w.Code, f.reason, e.Sessions.Len())
		}
		if later := w.Header().Get("Retry-After"); (later == "5") != (c.status == http.StatusServiceUnavailable) {
			t.Errorf("%s: Retry-After %q", name, later)
		}
	}
}

// What is logged of a request for a session is not enough to end it.
func TestSessionIsNotLogged(t *testing.T) {
	var log strings.Builder
	e, _ := begin(func(*fake) error { return nil })
	e.Logger = slog.New(slog.NewTextHandler(&log, nil))
	location := ask(e, "POST", "/play/cam", "offer", "Content-Type", SDPType).Header().Get("Location")
	if w := ask(e, "PATCH", location, "", "Content-Type", FragmentType); w.Code != http.StatusPreconditionRequired {
		t.Fatal(w.Code)
	}
	id := strings.TrimPrefix(location, "/play/cam/")
	if text := log.String(); len(id) != 32 || strings.Contains(text, id[:16]) || !strings.Contains(text, "path=/play/cam/"+id[:8]+"...") {
		t.Errorf("%s in the log:\n%s", id, text)
	}
}
