package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"moqedge/bridge"
	"moqedge/moq/wire"
	"moqedge/relay/auth"
)

// A panic in one HTTP request ends that one, with its stack in the log, and is counted
// with those of sessions; so is one while somebody is asked whether an ingest may go on.
func TestPanics(t *testing.T) {
	var text nodeLog
	n, err := Start(t.Context(), everything(), slog.New(slog.NewTextHandler(&text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	address, err := n.openWeb("test", anyPort, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			panic("a bomb")
		case "/abort":
			panic(http.ErrAbortHandler) // is how a handler says that an answer is not to be ended
		}
		_, _ = io.WriteString(w, "well")
	}))
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + address.String()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // it would ask again on another connection
	for range 2 {
		if rsp, err := client.Get(at + "/bomb"); err == nil {
			rsp.Body.Close()
			t.Errorf("answered: %s", rsp.Status)
		}
		if rsp, err := client.Get(at + "/abort"); err == nil {
			rsp.Body.Close()
			t.Errorf("answered: %s", rsp.Status)
		}
		if rsp, body := get(t, at+"/", nil); rsp.StatusCode != http.StatusOK || body != "well" {
			t.Errorf("after a panic: %s %q", rsp.Status, body)
		}
	}
	if got := n.Stats().Panics; got != 2 {
		t.Errorf("%d panics counted, want 2", got)
	}
	if s := text.String(); strings.Count(s, "panic: the request ends") != 2 || !strings.Contains(s, "TestPanics") {
		t.Errorf("log: %s", s)
	}

	n.guard = auth.New(auth.Policy{Verifiers: []auth.Verifier{bomb{}}})
	_, err = n.authorizeIngest()(t.Context(), "cam", bridge.Ingest{Protocol: "srt"}, "a.b.c")
	if !errors.Is(err, bridge.ErrUnknownPermission) || n.Stats().Panics != 3 {
		t.Errorf("%v, %d panics counted", err, n.Stats().Panics)
	}
}

// bomb looks at no token.
type bomb struct{}

func (bomb) Verify(context.Context, wire.Token) (auth.Claims, error) { panic("a bomb") }
