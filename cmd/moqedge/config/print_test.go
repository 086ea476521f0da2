package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func printed(t *testing.T, s *Settings) string {
	t.Helper()
	var out bytes.Buffer
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What is printed is a configuration that means the same.
func TestPrintedIsRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "") {
		s, err := Sources{File: file}.Read()
		if err != nil {
			t.Fatal(err)
		}
		if s.Bridge != nil && s.Bridge.SRT != nil {
			s.Bridge.SRT.Passphrase = "" // a secret is not printed
		}
		text := printed(t, s)
		again, err := Parse("printed", []byte(text))
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, text)
			continue
		}
		if diff := Diff(s.Config, again); len(diff) > 0 {
			t.Errorf("%s: %+v\n%s", file, diff, text)
		}
	}
}

// Whatever a text is, it is read as it was.
func TestPrintedTexts(t *testing.T) {
	for _, text := range []string{"a", "null", "~", "true", "1", "0x1", " a", "a ", "a: b", "a #b", "#", "- a", "-", "*a", "&a", "!a", "%a", "@a", "`a`", "'a'", `"a"`, "a\nb", "é", "\x01", ":4443", "a:", "[a]", "{a}", "a,b", ">", "|", "?", "moqt://h:1/x?y#z"} {
		c := Config{Listen: ":1", Name: text, Certificate: Certificate{Hosts: []string{text, "b"}}}
		out := printed(t, &Settings{Config: c})
		got, err := Parse("printed", []byte(out))
		if err != nil || got.Name != text || len(got.Certificate.Hosts) != 2 || got.Certificate.Hosts[0] != text {
			t.Errorf("%q: %q, %q, %v", text, got.Name, got.Certificate.Hosts, err)
		}
	}
}

func TestPrint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	const text = `listen: :1
upstreams:
- {url: 'moqt://a', prefixes: [x, y]}
http:
  listen: :2
bridge: {srt: {passphrase: correct horse}}
cluster: {url: 'moqt://me', nats: 'nats://joe:secret@n:4222,nats://m'}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Sources{File: file, Environ: []string{"MOQEDGE_RETENTION_TIME=2m", "MOQEDGE_BRIDGE_SRT_LATENCY=90ms"}, Flags: []Flag{{"--name", "name", "fra-1"}}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	out := printed(t, s)
	for _, want := range []string{
		"name: fra-1                              # flag: --name\n",
		"listen: :1                               # file, line 1\n",
		"  - name: \"\"                             # default: its URL\n    url: moqt://a                        # file, line 3\n",
		"    prefixes: [x, \"y\"]                   # file, line 3\n",
		"    cost: 1                              # default\n",
		"    passphrase: \"***\"                    # file, line 6\n",
		"    latency: 90ms                        # environment: MOQEDGE_BRIDGE_SRT_LATENCY\n",
		"  whip: false                            # default: false\n",
		"  nats: \"nats://joe:***@n:4222,nats://m\" # file, line 7\n",
		"http:                                    # file, line 4\n  listen: :2 ",
		"admin: null                              # default: none\n",
		"retention:\n  cacheBytes: 0 ",
		"  time: 2m                               # environment: MOQEDGE_RETENTION_TIME\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not printed: %q", want)
		}
	}
	if strings.Contains(out, "correct horse") || strings.Contains(out, "joe:secret") {
		t.Error("a secret is printed")
	}
	if t.Failed() {
		t.Log(out)
	}
	values := map[string]Value{}
	for _, v := range s.Values() {
		values[v.Key] = v
	}
	for _, want := range []Value{
		{"name", "fra-1", "MOQEDGE_NAME", "flag: --name"},
		{"upstreams[0].prefixes", "x,y", "MOQEDGE_UPSTREAMS_0_PREFIXES", "file, line 3"},
		{"bridge.srt.passphrase", "***", "MOQEDGE_BRIDGE_SRT_PASSPHRASE", "file, line 6"},
		{"retention.groups", "3", "MOQEDGE_RETENTION_GROUPS", "default"},
	} {
		if values[want.Key] != want {
			t.Errorf("%+v, want %+v", values[want.Key], want)
		}
	}
}

// No part of a URL that may be a secret is shown, and what is shown is not taken for one.
func TestURLsAreMasked(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"/etc/keys?.json":                "/etc/keys?.json",
		"https://h/p":                    "https://h/p",
		"nats://a:1,nats://b:2":          "nats://a:1,nats://b:2",
		"a:1,b:2":                        "a:1,b:2",
		"https://u:secret@h/p":           "https://u:***@h/p",
		"https://u:sec@secret@h/p":       "https://u:***@h/p",
		"https://u:sec,secret@h/p":       "***,***",
		"nats://secret@h:1":              "nats://***@h:1",
		"nats://secret@a,nats://u:s@b/":  "nats://***@a,nats://u:***@b/",
		"https://h/p?key=secret,secret":  "https://h/p?***",
		"https://u:secret@h/p?key=a#b?c": "https://u:***@h/p?***",
	} {
		c := Config{Listen: ":1", Access: Access{Hook: &Hook{URL: text}}}
		s := &Settings{Config: c}
		out := printed(t, s)
		if !strings.Contains(out, "url: "+scalarText(want, false)+" ") || strings.Contains(out, "secret") {
			t.Errorf("%s: want %s in\n%s", text, want, out)
		}
		if _, err := Parse("printed", []byte(out)); strings.Contains(want, masked) && (err == nil || !strings.Contains(err.Error(), "give the secret")) {
			t.Errorf("%s is read: %v", want, err)
		}
	}
}

func TestSizeText(t *testing.T) {
	for size, want := range map[Size]string{0: "0", 1: "1", 1024: "1KiB", 512 << 20: "512MiB", 3 << 29: "1536MiB", 1 << 40: "1TiB", 64e6: "62500KiB", 1025: "1025"} {
		if got := textOf(valueOf(size)); got != want {
			t.Errorf("%d: %s, want %s", size, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h", 300 * time.Millisecond: "300ms", 61 * time.Minute: "1h1m"} {
		if got := textOf(valueOf(d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
