package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tokens are made with a key of every kind and inspected; those of another key, or that
// are over, fail.
func TestTokenCommand(t *testing.T) {
	for _, algorithm := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		dir := t.TempDir()
		private, keys := filepath.Join(dir, "private.jwk"), filepath.Join(dir, "keys.json")
		must := func(want int, args ...string) string {
			t.Helper()
			code, out, errs := execute(t, append([]string{"token"}, args...)...)
			if code != want || want == exitOK && errs != "" {
				t.Fatalf("%s %q: code %d, %s%s", algorithm, args, code, out, errs)
			}
			return strings.TrimSpace(out)
		}
		must(exitOK, "keygen", "--algorithm", algorithm, "--out", private, "--public", keys)
		must(exitFailure, "keygen", "--algorithm", algorithm, "--out", private)
		must(exitOK, "keygen", "--out", private+".2", "--public", keys)
		info, err := os.Stat(private)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the private key: %v, %v", info.Mode(), err)
		}
		var issued struct{ Token string }
		text := must(exitOK, "issue", "--key", private, "--root", "demo", "--get", "", "--get", "a/b", "--put=me", "--subject", "anna", "--json")
		if err := json.Unmarshal([]byte(text), &issued); err != nil {
			t.Fatal(err)
		}
		var seen struct {
			Claims struct {
				Root, Sub string
				Get, Put  []string
				Exp, Iat  int64
			}
			Signed  bool
			Trouble string
		}
		if err := json.Unmarshal([]byte(must(exitOK, "inspect", issued.Token, "--key", keys, "--json")), &seen); err != nil {
			t.Fatal(err)
		}
		c := seen.Claims
		if !seen.Signed || seen.Trouble != "" || c.Root != "demo" || !slices.Equal(c.Get, []string{"", "a/b"}) || !slices.Equal(c.Put, []string{"me"}) || c.Exp-c.Iat != 3600 || c.Sub != "anna" {
			t.Errorf("%s: %+v", algorithm, seen)
		}
		told := must(exitOK, "inspect", issued.Token, "--key", private)
		for _, want := range []string{"may read    demo, and below", "may publish demo/me, and below", `subject     "anna"`, "signature   right"} {
			if !strings.Contains(told, want) {
				t.Errorf("%s: no %q in\n%s", algorithm, want, told)
			}
		}
		must(exitFailure, "inspect", issued.Token, "--key", private+".2")
		over := must(exitOK, "issue", "--key", private, "--watch", "cam1", "--ingest", "cam1", "--expires", "1ns")
		if told := must(exitFailure, "inspect", over, "--key", keys); !strings.Contains(told, "expired") || !strings.Contains(told, "cam1.loc") {
			t.Errorf("%s: %s", algorithm, told)
		}
		must(exitOK, "inspect", over)
		must(exitUsage, "issue", "--key", private)
		must(exitUsage, "issue", "--key", private, "--get", "a//b")
		must(exitUsage, "issue", "--key", private, "--get", "a%2Fb")
		must(exitUsage, "issue", "--key", private, "--root", "r", "--watch", "cam1")
		must(exitFailure, "inspect", "nothing")
		if algorithm != "HS256" {
			must(exitFailure, "issue", "--key", keys, "--get", "")
		}
	}
}

// TestKeySetMode: who may read a set may read it when a key was added, but for secrets,
// which their owner alone may.
func TestKeySetMode(t *testing.T) {
	for _, c := range []struct {
		before      os.FileMode // 0: it is not there
		first, next string
		want        os.FileMode
	}{
		{0, "", "ES256", 0o644}, {0, "", "HS256", 0o600}, {0, "HS256", "ES256", 0o600}, {0, "ES256", "HS256", 0o600},
		{0o640, "ES256", "ES256", 0o640}, {0o640, "ES256", "HS256", 0o600}, {0o644, "ES256", "EdDSA", 0o644},
	} {
		dir := t.TempDir()
		real, keys := filepath.Join(dir, "keys-1.json"), filepath.Join(dir, "keys.json")
		if err := os.Symlink(real, keys); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(real, []byte(`{"keys":[]}`), 0o644); err != nil {
			t.Fatal(err)
		}
		if c.before == 0 {
			if err := errors.Join(os.Remove(real), os.Remove(keys)); err != nil {
				t.Fatal(err)
			}
			real = keys
		}
		for i, algorithm := range []string{c.first, c.next} {
			if algorithm == "" {
				continue
			}
			if i == 1 && c.before != 0 {
				if err := os.Chmod(real, c.before); err != nil {
					t.Fatal(err)
				}
			}
			if code, _, errs := execute(t, "token", "keygen", "--algorithm", algorithm, "--out", filepath.Join(dir, fmt.Sprintf("private-%d.jwk", i)), "--public", keys); code != exitOK {
				t.Fatal(errs)
			}
		}
		info, err := os.Stat(real)
		if err != nil || info.Mode().Perm() != c.want {
			t.Errorf("%+v: %v, %v", c, info.Mode(), err)
		}
		if c.before != 0 {
			if link, err := os.Lstat(keys); err != nil || link.Mode()&os.ModeSymlink == 0 {
				t.Errorf("%+v: the link is gone, %v", c, err)
			}
		}
	}
}

func TestTokenHelp(t *testing.T) {
	for _, command := range []string{"issue", "inspect", "keygen"} {
		code, text, errs := execute(t, "token", command, "--help")
		if code != exitOK || errs != "" || !strings.Contains(text, "--json") {
			t.Errorf("%s: %d %s %s", command, code, errs, text)
		}
		_, examples, _ := strings.Cut(text, "Examples:\n")
		examples, _, _ = strings.Cut(examples, "\nFlags:")
		n := 0
		for line := range strings.Lines(examples) {
			if _, line, found := strings.Cut(line, "moqedge "); found {
				n++
				if code, _, errs := execute(t, append(strings.Fields(line), "--help")...); code != exitOK {
					t.Errorf("%s: %s", line, errs)
				}
			}
		}
		if n == 0 {
			t.Errorf("%s has no example:\n%s", command, text)
		}
	}
}
