package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A node says by `health` that it is ready, by its file, by a variable or by its
// address; one with a link above that nobody answers is not, but lives; one that is
// gone is neither.
func TestHealth(t *testing.T) {
	file := written(t, t.TempDir(), "node.yaml", "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0, tls: true}\n")
	whole, at := serveNode(t, "-c", file, "--log-level", "error")
	lone, alone := serveNode(t, "--upstream", "moqt://127.0.0.1:9", "--insecure", "--log-level", "error")
	t.Setenv("MOQEDGE_ADMIN_LISTEN", at.Admin)
	t.Setenv("MOQEDGE_ADMIN_TLS", "true")
	url, other := "https://"+at.Admin, "http://"+alone.Admin
	strange := httptest.NewServer(http.NotFoundHandler())
	defer strange.Close()
	for name, c := range map[string]struct {
		args   []string
		code   int
		reason string
	}{
		"variables":        {nil, exitOK, ""},
		"file":             {[]string{"-c", file}, exitOK, ""},
		"live":             {[]string{"--live"}, exitOK, ""},
		"address":          {[]string{"--admin", url, "--insecure"}, exitOK, ""},
		"not trusted":      {[]string{"--admin", url}, exitFailure, "certificate"},
		"not ready":        {[]string{"--admin", other}, exitFailure, "no upstream is connected"},
		"not ready, lives": {[]string{"--admin", other, "--live"}, exitOK, ""},
		"no node":          {[]string{"--admin", "http://127.0.0.1:9"}, exitFailure, "no answer: "},
		"another server":   {[]string{"--admin", strange.URL}, exitFailure, "is this the admin address?"},
		"no URL":           {[]string{"--admin", "node:9090"}, exitUsage, ""},
		"no file":          {[]string{"-c", file + "x"}, exitUsage, ""},
		"no roots":         {[]string{"--admin", url, "--ca", file}, exitUsage, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := execute(t, append([]string{"health", "--json"}, c.args...)...)
			if code != c.code || (errs != "") != (c.code == exitUsage) {
				t.Fatalf("code %d, want %d: %s%s", code, c.code, out, errs)
			}
			if code == exitUsage {
				return
			}
			var said struct {
				Healthy bool
				Reasons []string
			}
			if err := json.Unmarshal([]byte(out), &said); err != nil || said.Healthy != (code == exitOK) || (len(said.Reasons) == 0) != said.Healthy {
				t.Errorf("%v: %s", err, out)
			}
			_, text, _ := execute(t, append([]string{"health"}, c.args...)...)
			if !strings.Contains(out, c.reason) || strings.HasPrefix(text, "healthy") != said.Healthy {
				t.Errorf("%q is not said: %s%s", c.reason, out, text)
			}
		})
	}
	t.Setenv("MOQEDGE_ADMIN", "off")
	t.Setenv("MOQEDGE_ADMIN_LISTEN", "")
	t.Setenv("MOQEDGE_ADMIN_TLS", "")
	if code, _, errs := execute(t, "health"); code != exitUsage || !strings.Contains(errs, "nobody to ask") {
		t.Errorf("without an admin address: code %d, %s", code, errs)
	}
	whole.interrupt()
	lone.interrupt()
}
