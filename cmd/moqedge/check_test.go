package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written puts a file into a folder.
func written(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	good := written(t, dir, "good.yaml", "listen: 127.0.0.1:0\n")
	bad := written(t, dir, "bad.yaml", "listen: :1\nlog:\n  level: loud\nretention: {time: -1s}\n")
	torn := written(t, dir, "torn.yaml", "listen: :1\nretention: {time: 10}\nlog: {lvl: 1}\n")
	pem := written(t, dir, "a.pem", "nothing")
	files := written(t, dir, "files.yaml", "listen: :1\ncertificate:\n  cert: "+pem+"\n  key: "+pem+"\nupstreams:\n- url: moqt://a\n  ca: "+pem+"\n- {url: 'moqt://b', insecure: true}\nadmin: {listen: ':9', token: 0123456789abcdef}\n")
	for name, c := range map[string]struct {
		args []string
		env  [2]string
		code int
		want []string
	}{
		"good":   {args: []string{"-c", good}, want: []string{good + ": valid\n"}},
		"bad":    {args: []string{"-c", bad}, code: exitFailure, want: []string{"error: " + bad + ":4: retention.time: must not be negative\n", "error: " + bad + `:3: log.level: "loud" is none of debug, info, warn, error` + "\n"}},
		"torn":   {args: []string{"-c", torn}, code: exitFailure, want: []string{"error: " + torn + `:2: "10" is not a time such as 500ms or 10s` + "\n", "error: " + torn + `:3: unknown key "lvl": in log there can be level, format` + "\n"}},
		"files":  {args: []string{"-c", files}, code: exitFailure, want: []string{"error: " + files + ":3: certificate.cert: ", "error: " + files + ":7: upstreams[0].ca: ", "warning: " + files + ":8: upstreams[1].insecure: ", "warning: " + files + ":9: admin.listen: ", "warning: " + files + ": access: everybody who reaches :1 may read"}},
		"some":   {args: []string{"-c", good, bad}, code: exitFailure, want: []string{good + ": valid\n", "error: " + bad + ":4"}},
		"absent": {args: []string{"-c", dir + "/none.yaml"}, code: exitFailure, want: []string{"none.yaml: no such file"}},
		"environment": {args: []string{"-c", good}, env: [2]string{"MOQEDGE_HTTP_LISTEN", "x"}, code: exitFailure,
			want: []string{`error: MOQEDGE_HTTP_LISTEN: http.listen: "x" is not an address`}},
		"no such variable": {args: []string{"-c", good}, env: [2]string{"MOQEDGE_LISTN", "x"}, code: exitFailure,
			want: []string{"error: MOQEDGE_LISTN: there is no such variable: the nearest is MOQEDGE_LISTEN\n"}},
		"no file":       {want: []string{"warning: access: everybody who reaches :4443", "the environment: valid\n"}},
		"by a variable": {env: [2]string{"MOQEDGE_CONFIG", bad}, code: exitFailure, want: []string{bad + ":4"}},
		"wrong flag":    {args: []string{"--nothing"}, code: exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			if c.env[0] != "" {
				t.Setenv(c.env[0], c.env[1])
			}
			code, out, errs := execute(t, append([]string{"check"}, c.args...)...)
			if code != c.code || (errs != "") != (c.code == exitUsage) {
				t.Errorf("code %d, want %d, stderr %q", code, c.code, errs)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("not said: %q in\n%s", want, out)
				}
			}
			if code == exitUsage {
				return
			}
			_, text, _ := execute(t, append([]string{"check", "--json"}, c.args...)...)
			var doc struct {
				Valid bool
				Files []struct {
					File   string
					Valid  bool
					Faults []struct {
						Severity, Key, File, Variable, Text string
						Line                                int
					}
				}
			}
			if err := json.Unmarshal([]byte(text), &doc); err != nil || doc.Valid != (c.code == exitOK) || len(doc.Files) == 0 {
				t.Fatalf("%v\n%s", err, text)
			}
			lines := 0
			for _, f := range doc.Files {
				lines += len(f.Faults)
				if f.Valid {
					lines++
				}
				for _, fault := range f.Faults {
					if fault.Text == "" || fault.Severity == "" || name == "bad" && (fault.File != bad || fault.Line < 3) || name == "environment" && fault.Variable == "" {
						t.Errorf("%+v", fault)
					}
				}
			}
			if n := strings.Count(out, "\n"); n != lines {
				t.Errorf("%d lines, %d of JSON", n, lines)
			}
		})
	}
}

// serve shows what it would run with, and runs nothing.
func TestPrintConfig(t *testing.T) {
	file := written(t, t.TempDir(), "c.yaml", "listen: 127.0.0.1:0\nbridge: {srt: {listen: '127.0.0.1:0', passphrase: correct horse}}\n")
	t.Setenv("MOQEDGE_NAME", "fra-1")
	code, out, errs := execute(t, "serve", "-c", file, "--print-config", "--admin", "127.0.0.1:0", "--log-level", "error")
	if code != exitOK || errs != "" {
		t.Fatalf("code %d, %s", code, errs)
	}
	for _, want := range []string{"name: fra-1 ", "# environment: MOQEDGE_NAME\n", "# file, line 1\n", "# flag: --admin\n", "level: error ", `passphrase: "***"`, "groups: 3 "} {
		if !strings.Contains(out, want) {
			t.Errorf("not printed: %q\n%s", want, out)
		}
	}
	code, out, _ = execute(t, "serve", "-c", file, "--print-config", "--json")
	var values []struct{ Key, Value, Variable, From string }
	if err := json.Unmarshal([]byte(out), &values); err != nil || code != exitOK || len(values) < 30 || values[0].From != "environment: MOQEDGE_NAME" {
		t.Errorf("code %d, %v, %+v", code, err, values)
	}
}
