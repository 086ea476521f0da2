package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTokenFlag: at a node that wants tokens, clients show that of --token or of
// MOQEDGE_TOKEN; a benchmark neither prints it nor writes it into its report.
func TestTokenFlag(t *testing.T) {
	dir := t.TempDir()
	private, keys, conf, page := filepath.Join(dir, "private.jwk"), filepath.Join(dir, "keys.json"), filepath.Join(dir, "node.yaml"), filepath.Join(dir, "report.html")
	if code, _, errs := execute(t, "token", "keygen", "--out", private, "--public", keys); code != exitOK {
		t.Fatal(errs)
	}
	_, token, _ := execute(t, "token", "issue", "--key", private, "--get", "", "--put", "")
	token = strings.TrimSpace(token)
	text := fmt.Sprintf("listen: 127.0.0.1:0\naccess:\n  jwt: {keys: %q}\n", keys)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := start(t, "serve", "--json", "-c", conf)
	var a address
	serve.json("addresses", &a)
	url, trust := "moqt://"+a.Relay, []string{"--fingerprint", a.Fingerprint}
	client := func(args ...string) *process { return start(t, append(args, trust...)...) }

	client("pub", url, "cam1", "--json", "--token", token).line()
	with := append([]string{"sub", url, "cam1.loc", "catalog", "--once", "--json", "--join", "0", "--count", "1", "--duration", "20s"}, trust...)
	if code, out, errs := execute(t, with...); code == exitOK || !strings.Contains(errs, "UNAUTHORIZED") {
		t.Errorf("sub without a token: code %d, %s%s", code, out, errs)
	}
	if code, out, errs := execute(t, append(with, "--token", token)...); code != exitOK || !strings.Contains(out, "{") {
		t.Errorf("sub: code %d, %s%s", code, out, errs)
	}
	// Neither goes on without hope, nor tells the token.
	watch, _, _ := strings.Cut(token, ".")
	for what, c := range map[string]struct {
		args []string
		want string
	}{
		"pub without a token":   {[]string{"pub", url, "cam2", "--json"}, "UNAUTHORIZED"},
		"sub with a torn token": {[]string{"sub", url + "/?jwt=" + watch, "cam1", "--json"}, "MALFORMED_AUTH_TOKEN"},
		"nobody there":          {[]string{"sub", "moqt://127.0.0.1:1/?jwt=" + watch, "cam1"}, "?..."},
	} {
		code, _, errs := execute(t, append(append(c.args, "--duration", "20s"), trust...)...)
		if code != exitFailure || !strings.Contains(errs, c.want) || strings.Contains(errs, watch) {
			t.Errorf("%s: code %d, %s", what, code, errs)
		}
	}
	list := append([]string{"ls", url}, trust...)
	if _, out, _ := execute(t, list...); out != "" {
		t.Errorf("ls without a token: %s", out)
	}
	t.Setenv("MOQEDGE_TOKEN", token)
	if _, out, errs := execute(t, list...); !strings.Contains(out, "cam1.loc") {
		t.Errorf("ls: %s%s", out, errs)
	}

	load := []string{"bench", "load", url + "/?jwt=" + token, "--viewers", "1", "--duration", "500ms", "--profile", "audio", "--report", page}
	p := client(load...)
	out := ""
	for p.lines.Scan() {
		out += p.lines.Text() + "\n"
	}
	_ = p.cmd.Wait() // on a busy machine its round may not count
	b, err := os.ReadFile(page)
	if err != nil || !strings.Contains(out, "jwt=...") || !strings.Contains(string(b), "jwt=...") {
		t.Errorf("bench load: %v, %d bytes of a page, %s%s", err, len(b), out, p.stderr)
	}
	if signature := token[strings.LastIndex(token, "."):]; strings.Contains(out+string(b)+p.stderr.String()+serve.stderr.String(), signature) {
		t.Error("the token is shown")
	}
	t.Setenv("MOQEDGE_TOKEN", "")
	load[2] = url
	p = client(load...)
	for p.lines.Scan() {
		t.Errorf("bench load without a token: %s", p.lines.Text())
	}
	if err := p.cmd.Wait(); err == nil || !strings.Contains(p.stderr.String(), "UNAUTHORIZED") {
		t.Errorf("bench load without a token: %v, %s", err, p.stderr)
	}
}
