package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Common Access Tokens are made with a secret and inspected; a key pair makes none, and
// one of another key fails.
func TestTokenCommandCAT(t *testing.T) {
	dir := t.TempDir()
	must := func(want int, args ...string) string {
		t.Helper()
		code, out, errs := execute(t, append([]string{"token"}, args...)...)
		if code != want || want == exitOK && errs != "" {
			t.Fatalf("%q: code %d, %s%s", args, code, out, errs)
		}
		return strings.TrimSpace(out)
	}
	secret, other, pair := filepath.Join(dir, "secret"), filepath.Join(dir, "other"), filepath.Join(dir, "pair")
	must(exitOK, "keygen", "--algorithm", "HS256", "--out", secret)
	must(exitOK, "keygen", "--algorithm", "HS512", "--out", other)
	must(exitOK, "keygen", "--out", pair)
	text := must(exitOK, "issue", "--cat", "--key", secret, "--root", "demo", "--get", "a/b", "--put=me", "--subject", "anna")
	told := must(exitOK, "inspect", text, "--key", secret)
	for _, want := range []string{`SUBSCRIBE REQUEST_UPDATE FETCH TRACK_STATUS] on [\"demo\" \"a\" \"b\"] and below, any track`, `PUBLISH] on [\"demo\" \"me\"]`, `"sub":"anna"`, `"signed":true`, `"exp"`} {
		if !strings.Contains(told, want) {
			t.Errorf("no %s in\n%s", want, told)
		}
	}
	must(exitOK, "inspect", text)
	must(exitFailure, "inspect", text, "--key", other)
	must(exitFailure, "issue", "--cat", "--key", pair, "--get", "a")
}
