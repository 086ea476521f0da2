package rtc

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/bench/media"
	"moqedge/bench/sfu"
)

// A stream is waited for until somebody publishes it, and no longer than asked.
func TestAwait(t *testing.T) {
	r := newRig(t, sfu.Config{}, profileOf(t, "360p", media.Options{}))
	o := Options{URL: r.url + "/whep/live"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := Await(ctx, o)
	if refused, ok := errors.AsType[*StatusError](err); !ok || refused.Status != http.StatusNotFound || !strings.Contains(err.Error(), "whether the stream is published") {
		t.Errorf("nobody publishes: %v", err)
	}
	there := make(chan error, 1)
	go func() { there <- Await(t.Context(), o) }()
	select {
	case err := <-there:
		t.Fatalf("before anybody publishes: %v", err)
	case <-time.After(2 * askAgain):
	}
	r.publish()
	if err := <-there; err != nil {
		t.Error(err)
	}
}

// What a server answers that is not about the stream is said at once, with what to do.
func TestRefusals(t *testing.T) {
	for status, want := range map[int]string{
		http.StatusUnauthorized:     "401 (Unauthorized): \"no\": it wants a token",
		http.StatusForbidden:        "it wants a token, or another one",
		http.StatusMethodNotAllowed: "check the path",
		http.StatusOK:               "no endpoint of WHIP or WHEP",
		http.StatusTeapot:           "418 (I'm a teapot): \"no\"",
	} {
		var asked atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			http.Error(w, "no", status)
		}))
		err := Await(t.Context(), Options{URL: server.URL})
		server.Close()
		if err == nil || !strings.Contains(err.Error(), want) || asked.Load() != 1 {
			t.Errorf("%d, after %d questions: %v", status, asked.Load(), err)
		}
	}
}

// A server may send viewers elsewhere: the offer goes along, and a session is ended
// where it was made.
func TestRedirect(t *testing.T) {
	r := newRig(t, sfu.Config{}, profileOf(t, "360p", media.Options{}))
	r.publish()
	front := httptest.NewServer(http.RedirectHandler(r.url+"/whep/live", http.StatusTemporaryRedirect))
	defer front.Close()
	if err := Await(t.Context(), Options{URL: front.URL + "/anywhere"}); err != nil {
		t.Error(err)
	}
}
