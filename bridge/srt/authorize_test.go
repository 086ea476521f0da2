package srt

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"moqedge/bridge"
)

// TestAuthorize: a publication needs what Authorize wants of the token in its stream
// id, or the passphrase of its name, and ends with its permission.
func TestAuthorize(t *testing.T) {
	const secret = "correct.horse.battery"
	var until atomic.Pointer[time.Time] // of the short permission, once it was given
	r := serve(t, Config{
		Passphrases: map[string]string{"locked": secret},
		Authorize: bridge.NewPermits(func(_ context.Context, name string, _ bridge.Ingest, token string) (time.Time, error) {
			switch {
			case token == "good.for."+name:
				return time.Time{}, nil
			case token == "short.for."+name && until.Load() == nil:
				end := time.Now().Add(6 * time.Second)
				until.Store(&end)
				return end, nil
			case strings.HasPrefix(token, "good"):
				return time.Time{}, bridge.ErrForbidden
			}
			return time.Time{}, bridge.ErrUnauthorized
		}),
	})
	standard := func(name, token string) string { return "#!::m=publish,r=" + name + ",t=" + token }
	for _, c := range []struct {
		id, option, line string // line: "" is accepted
	}{
		{"publish:cam1", "", "a token is needed"},
		{standard("cam1", "bad.one"), "", "a token is needed"},
		{standard("cam1", "good.for.cam2"), "", "does not permit"},
		{standard("locked", "good.for.locked"), "", "a passphrase is required"},
		{standard("locked", "good.for.locked"), "passphrase=something.else", "wrong passphrase"},
		{standard("cam1", "good.for.cam1"), "passphrase=" + secret, "no passphrase is configured"},
		{standard("cam1", "good.for.cam1"), "", ""},
		{"publish:locked", "passphrase=" + secret, ""},
	} {
		var options []string
		if c.option != "" {
			options = append(options, c.option)
		}
		before := r.log.count("SRT publisher refused", c.line)
		e := publish(t, r.url(c.id, options...))
		if c.line != "" {
			if e.exits(t) == nil || r.log.count("SRT publisher refused", c.line) != before+1 {
				t.Errorf("%s: %s", c.id, r.log)
			}
			continue
		}
		name := "cam1"
		if strings.HasSuffix(c.id, "locked") {
			name = "locked"
		}
		rec := r.media(t, name, 0, 5, 5)
		e.stop(syscall.SIGTERM)
		wait(t, "the end", rec.isClosed)
	}
	e := publish(t, r.url(standard("cam3", "short.for.cam3")))
	rec := r.media(t, "cam3", 0, 5, 5)
	if e.exits(t) == nil {
		t.Error("ffmpeg ended well")
	}
	wait(t, "the end", rec.isClosed)
	if time.Now().Before(*until.Load()) {
		t.Error("it ended before its time")
	}
	if r.log.count("SRT publisher left", "the permission to publish is over") != 1 {
		t.Errorf("log:\n%s", r.log)
	}
}
