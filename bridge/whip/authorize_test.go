package whip

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/bridge"
)

// TestAuthorize: a publication needs what Authorize wants of its bearer token (RFC 9725
// §4.7), is refused with the status that says why, and ends with its permission.
func TestAuthorize(t *testing.T) {
	var until atomic.Pointer[time.Time] // of the short permission, once it was given
	authorize := func(_ context.Context, name string, from bridge.Ingest, token string) (time.Time, error) {
		switch {
		case name != "cam" || from.Protocol != "whip":
			return time.Time{}, fmt.Errorf("asked about %q over %s", name, from.Protocol)
		case token == "good":
			return time.Time{}, nil
		case token == "short" && until.Load() == nil:
			end := time.Now().Add(300 * time.Millisecond)
			until.Store(&end)
			return end, nil
		case token == "other":
			return time.Time{}, bridge.ErrForbidden
		case token == "unknown":
			return time.Time{}, bridge.ErrUnknownPermission
		}
		return time.Time{}, bridge.ErrUnauthorized
	}
	hub := &fakeHub{}
	h, url := serve(t, Config{Authorize: bridge.NewPermits(authorize)}, hub)
	for _, c := range []struct {
		header string
		status int
	}{{"", 401}, {"Bearer bad", 401}, {"Basic good", 401}, {"Bearer other", 403}, {"Bearer unknown", 503}, {"Bearer good", 201}, {"bearer  good ", 409}} {
		header := map[string]string{"Content-Type": sdpHeader["Content-Type"], "Authorization": c.header}
		r := request(t, "POST", url+"cam", browserOffer, header)
		if r.StatusCode != c.status || (r.Header.Get("WWW-Authenticate") == "Bearer") != (c.status == 401) {
			t.Errorf("%q: %s %v", c.header, r.Status, r.Header)
		}
		if c.status == http.StatusCreated && h.Sessions() != 1 || c.status < 400 == (h.Sessions() == 0) && c.status != 409 {
			t.Errorf("%q: %d sessions", c.header, h.Sessions())
		}
	}
	good := hub.only(t)

	short := &fakeHub{}
	h, url = serve(t, Config{Authorize: bridge.NewPermits(authorize)}, short)
	r := request(t, "POST", url+"cam", browserOffer, map[string]string{"Content-Type": sdpHeader["Content-Type"], "Authorization": "Bearer short"})
	if r.StatusCode != http.StatusCreated {
		t.Fatal(r.Status, bodyOf(t, r))
	}
	eventually(t, "the end of the permission", func() bool {
		return short.only(t).look(func(b *fakeBroadcast) bool {
			return b.closed && errors.Is(b.reason, bridge.ErrUnauthorized) && strings.Contains(b.reason.Error(), "permission")
		})
	})
	if time.Now().Before(*until.Load()) {
		t.Error("it ended before its time")
	}
	eventually(t, "its place", func() bool { return h.Sessions() == 0 })
	if good.look(func(b *fakeBroadcast) bool { return b.closed }) {
		t.Error("one that is permitted for good ended")
	}
}
