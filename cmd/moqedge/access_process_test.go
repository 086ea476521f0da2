package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAccess: processes with real sockets. What nobody may is refused, what a token
// permits plays until the token is over, and another key is good as soon as it is in
// the file.
func TestAccess(t *testing.T) {
	dir := t.TempDir()
	private, keys, conf := filepath.Join(dir, "private.jwk"), filepath.Join(dir, "keys.json"), filepath.Join(dir, "node.yaml")
	moqedge := func(args ...string) string {
		t.Helper()
		code, out, errs := execute(t, args...)
		if code != exitOK {
			t.Fatalf("%q: %d %s", args, code, errs)
		}
		return strings.TrimSpace(out)
	}
	moqedge("token", "keygen", "--out", private, "--public", keys)
	text := fmt.Sprintf("listen: 127.0.0.1:0\nhttp: {listen: '127.0.0.1:0'}\nadmin: {listen: '127.0.0.1:0'}\nbridge: {whip: true}\naccess:\n  jwt: {keys: %q}\n  anonymous: {get: [open]}\n", keys)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := start(t, "serve", "--json", "-c", conf, "--log-level", "info")
	var a address
	serve.json("addresses", &a)
	issue := func(key string, args ...string) string {
		t.Helper()
		return moqedge(append([]string{"token", "issue", "--key", key}, args...)...)
	}
	at := func(scheme, token string) string {
		if token == "" {
			return scheme + "://" + a.Relay + "/live"
		}
		return scheme + "://" + a.Relay + "/live?jwt=" + token
	}
	trust := []string{"--fingerprint", a.Fingerprint}
	run := func(command string, args ...string) *process {
		return start(t, append(append([]string{command, "--json"}, args...), trust...)...)
	}

	publisher := issue(private, "--put", "cam1.loc", "--put", "open", "--subject", "studio")
	pub := run("pub", at("moqt", publisher), "cam1")
	pub.line() // it has begun

	// Without a token, with one for something else, with one of a strange key.
	strange := filepath.Join(dir, "strange.jwk")
	moqedge("token", "keygen", "--out", strange)
	for what, token := range map[string]string{
		"no token": "", "one for another publication": issue(private, "--watch", "cam10"), "one of a strange key": issue(strange, "--get", ""),
		"one to publish": publisher, "one that is over": issue(private, "--watch", "cam1", "--expires", "1ns"), "a torn one": publisher[:len(publisher)-9],
	} {
		for _, scheme := range []string{"moqt", "https"} {
			code, out, errs := execute(t, append([]string{"sub", "--once", "--json", "--duration", "20s", at(scheme, token), "cam1.loc", "catalog"}, trust...)...)
			if code == exitOK || strings.Contains(out, `"object"`) || !strings.Contains(errs, "UNAUTHORIZED") && !strings.Contains(errs, "AUTH_TOKEN") && !strings.Contains(errs, "token") {
				t.Errorf("%s over %s: code %d, %.300s%s", what, scheme, code, out, errs)
			}
		}
	}
	if _, _, errs := execute(t, append([]string{"pub", "--once", "--json", "--duration", "2s", at("moqt", issue(private, "--watch", "cam1")), "cam2"}, trust...)...); !strings.Contains(errs, "UNAUTHORIZED") {
		t.Errorf("a viewer's token publishes: %s", errs)
	}

	// With one it plays over both transports, for as long as it is good.
	const life = 6 * time.Second
	began := time.Now()
	short := issue(private, "--watch", "cam1", "--expires", life.String())
	long := run("sub", at("https", issue(private, "--watch", "cam1")), "cam1.loc", "catalog")
	code, out, errs := execute(t, append([]string{"sub", "--once", "--json", "--duration", "60s", at("moqt", short), "cam1.loc", "catalog"}, trust...)...)
	if took := time.Since(began); took < life-2*time.Second || took > life+5*time.Second {
		t.Errorf("a token of %v was good for %v: code %d, %s", life, took, code, errs)
	}
	if !strings.Contains(out, "{") || !strings.Contains(errs, "EXPIRED") {
		t.Errorf("it did not play, or says nothing of its end: %.300s%s", out, errs)
	}
	for range 3 { // the other viewer goes on
		long.line()
	}

	// A new key.
	second := filepath.Join(dir, "second.jwk")
	moqedge("token", "keygen", "--algorithm", "EdDSA", "--out", second, "--public", keys)
	run("sub", at("moqt", issue(second, "--get", "")), "cam1.loc", "catalog", "--once").line()

	// WHIP says what it wants.
	for token, want := range map[string]int{"": 401, "x.y.z": 401, issue(private, "--ingest", "cam9"): 403, issue(private, "--ingest", "cam2"): 400} { // the offer is none
		r, err := http.NewRequest(http.MethodPost, "http://"+a.HTTP+"/whip/cam2", strings.NewReader(offerWithoutMedia))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/sdp")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want || want == 401 && response.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("WHIP with %.20q: %s", token, response.Status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if log := serve.stderr.String(); strings.Contains(log, publisher) || strings.Contains(log, "jwt=") {
		t.Error("the log shows a token")
	}
}

// offerWithoutMedia is what a WHIP server refuses when it has looked at it.
const offerWithoutMedia = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
