package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each key has a variable of its own, which leads back to it.
func TestVariables(t *testing.T) {
	seen := map[string]string{}
	walk(reflect.TypeFor[Config](), "", func(path string, _ member) {
		key := strings.ReplaceAll(path, "[]", "[7]")
		v := Variable(key)
		if other, taken := seen[v]; taken {
			t.Errorf("%s is the variable of %s and %s", v, key, other)
		}
		seen[v] = key
		if got, ok := keyOfVariable(v); !ok || got != key {
			t.Errorf("%s: %q, %v, want %s", v, got, ok, key)
		}
	})
	for key, want := range map[string]string{
		"http.listen": "MOQEDGE_HTTP_LISTEN", "upstreams[0].url": "MOQEDGE_UPSTREAMS_0_URL",
		"upstreams[12].fingerprintURL": "MOQEDGE_UPSTREAMS_12_FINGERPRINT_URL", "bridge.whip.publicIPs": "MOQEDGE_BRIDGE_WHIP_PUBLIC_IPS",
		"retention.cacheBytes": "MOQEDGE_RETENTION_CACHE_BYTES", "cluster.natsCA": "MOQEDGE_CLUSTER_NATS_CA",
	} {
		if got := Variable(key); got != want || seen[strings.ReplaceAll(got, "_0_", "_7_")] == "" && !strings.Contains(got, "_12_") {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

// Every field that is written as a text can be set by its variable.
func TestEveryFieldByVariable(t *testing.T) {
	walk(reflect.TypeFor[Config](), "", func(path string, m member) {
		key := strings.ReplaceAll(path, "[]", "[0]")
		var text string
		switch {
		case m.kind == section || m.kind == sections:
			return
		case m.kind == mapping:
			text = "a=b"
		default:
			text = sampleText(t, m.field.Type)
		}
		s := &Settings{origins: map[string]Origin{}}
		faults := s.environment([]string{Variable(key) + "=" + text}, nil)
		if len(faults) > 0 {
			t.Errorf("%s: %v", key, faults)
			return
		}
		v, m, err := reach(reflect.ValueOf(&s.Config).Elem(), key)
		if got := s.Origin(key); err != nil || v.IsZero() || got.Kind != FromEnvironment || got.Name != Variable(key) {
			t.Errorf("%s: %v, %v of %+v", key, err, v, got)
		}
	})
}

// sampleText is something that can be written for a scalar, or a list of them.
func sampleText(t *testing.T, at reflect.Type) string {
	t.Helper()
	if kindOf(at) == scalars {
		return sampleText(t, at.Elem())
	}
	for _, text := range []string{"7s", "7", "7%", "true", "10.0.0.0/8"} {
		if at.Kind() == reflect.String || setText(reflect.New(at).Elem(), text) == nil {
			return text
		}
	}
	t.Errorf("no value for %v", at)
	return ""
}

func TestSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	const text = `listen: :1
upstreams:
- {url: 'moqt://a', prefixes: [x]}
http:
  listen: :2
retention: {groups: 4, time: 1m}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		environ []string
		flags   []Flag
		alone   bool // without the file
		want    func(*Settings) (got, want any)
		err     string
	}{
		"file": {want: func(s *Settings) (any, any) { return s.Retention, Retention{Groups: 4, Time: time.Minute} }},
		"variable before file": {environ: []string{"MOQEDGE_RETENTION_GROUPS=5"},
			want: func(s *Settings) (any, any) { return s.Retention, Retention{Groups: 5, Time: time.Minute} }},
		"flag before variable": {environ: []string{"MOQEDGE_LISTEN=:5"}, flags: []Flag{{"--listen", "listen", ":6"}},
			want: func(s *Settings) (any, any) { return s.Listen, ":6" }},
		"no flag": {flags: []Flag{{"--listen", "listen", ""}}, want: func(s *Settings) (any, any) { return s.Listen, ":1" }},
		"variable before default": {alone: true, environ: []string{"MOQEDGE_LISTEN=:5"},
			want: func(s *Settings) (any, any) {
				d := Default()
				d.Listen = ":5"
				return s.Config, d
			}},
		"a section comes": {environ: []string{"MOQEDGE_BRIDGE_SRT_LATENCY=50ms"},
			want: func(s *Settings) (any, any) { return s.Bridge, &Bridge{SRT: &SRT{Latency: 50 * time.Millisecond}} }},
		"a switch": {environ: []string{"MOQEDGE_BRIDGE_WHIP=true"}, want: func(s *Settings) (any, any) { return s.Bridge.WHIP, WHIP{Enabled: true} }},
		"below a switch": {environ: []string{"MOQEDGE_BRIDGE_WHIP_MAX_SESSIONS=3"},
			want: func(s *Settings) (any, any) { return s.Bridge.WHIP, WHIP{Enabled: true, MaxSessions: 3} }},
		"section off": {environ: []string{"MOQEDGE_HTTP=off"}, want: func(s *Settings) (any, any) { return s.HTTP == nil, true }},
		"list off":    {environ: []string{"MOQEDGE_UPSTREAMS=off"}, want: func(s *Settings) (any, any) { return len(s.Upstreams), 0 }},
		"list anew": {environ: []string{"MOQEDGE_UPSTREAMS_0_URL=moqt://z", "MOQEDGE_UPSTREAMS=off"},
			want: func(s *Settings) (any, any) {
				return []any{len(s.Upstreams), s.Upstreams[0].Prefixes == nil}, []any{1, true}
			}},
		"entry changed": {environ: []string{"MOQEDGE_UPSTREAMS_0_COST=3"},
			want: func(s *Settings) (any, any) {
				return []any{s.Upstreams[0].URL, s.Upstreams[0].Cost}, []any{"moqt://a", uint32(3)}
			}},
		"entries come in order": {environ: elevenUpstreams(),
			want: func(s *Settings) (any, any) { return s.Upstreams[10].URL, "moqt://h10" }},
		"a list": {environ: []string{"MOQEDGE_CERTIFICATE_HOSTS=a, b"}, want: func(s *Settings) (any, any) { return s.Certificate.Hosts, []string{"a", "b"} }},
		"empty":  {environ: []string{"MOQEDGE_LISTEN=", "MOQEDGE_NO="}, want: func(s *Settings) (any, any) { return s.Listen, ":1" }},
		"not ours": {environ: []string{"PATH=/bin", "MOQEDGE_SERVICE_HOST=10.0.0.1", "MOQEDGE_PORT=tcp://10.0.0.1:80", "MOQEDGE_PORT_443_UDP_ADDR=10.0.0.1",
			"MOQEDGE_EDGE_SERVICE_PORT_QUIC=443", "MOQEDGE_CONFIG=x"}, want: func(s *Settings) (any, any) { return s.Listen, ":1" }},

		"unknown":          {environ: []string{"MOQEDGE_HTTP_LISEN=:1"}, err: "MOQEDGE_HTTP_LISEN: there is no such variable: the nearest is MOQEDGE_HTTP_LISTEN"},
		"unknown in list":  {environ: []string{"MOQEDGE_UPSTREAMS_3_URI=x"}, err: "MOQEDGE_UPSTREAMS_3_URI: there is no such variable: the nearest is MOQEDGE_UPSTREAMS_0_URL"},
		"unknown other":    {environ: []string{"MOQEDGE_CONFIGS=x"}, err: "MOQEDGE_CONFIGS: there is no such variable: the nearest is MOQEDGE_CONFIG"},
		"wrong kind":       {environ: []string{"MOQEDGE_RETENTION_GROUPS=many"}, err: `MOQEDGE_RETENTION_GROUPS: "many" is not a number that fits here`},
		"wrong unit":       {environ: []string{"MOQEDGE_RETENTION_TIME=10"}, err: `MOQEDGE_RETENTION_TIME: "10" is not a time such as 500ms or 10s`},
		"wrong size":       {environ: []string{"MOQEDGE_RETENTION_CACHE_BYTES=5 apples"}, err: `MOQEDGE_RETENTION_CACHE_BYTES: "5 apples" is not a size such as 512MiB or 64MB`},
		"not on or off":    {environ: []string{"MOQEDGE_HTTP=on"}, err: `MOQEDGE_HTTP: "on": here can be off, which leaves it out; else give its keys: MOQEDGE_HTTP_...`},
		"never off":        {environ: []string{"MOQEDGE_RETENTION=off"}, err: `MOQEDGE_RETENTION: off: this section can not be left out`},
		"a gap":            {environ: []string{"MOQEDGE_UPSTREAMS_3_URL=moqt://x"}, err: "MOQEDGE_UPSTREAMS_3_URL: upstreams has 1 entries: the next is MOQEDGE_UPSTREAMS_1"},
		"a secret":         {environ: []string{"MOQEDGE_CLUSTER_PASSWORD=***"}, err: `MOQEDGE_CLUSTER_PASSWORD: "***" is what is shown instead of a secret`},
		"found later":      {environ: []string{"MOQEDGE_HTTP_LISTEN=4443"}, err: `MOQEDGE_HTTP_LISTEN: http.listen: "4443" is not an address`},
		"by a flag":        {flags: []Flag{{"--listen", "listen", "4443"}}, err: `--listen: listen: "4443" is not an address`},
		"a prefix alone":   {environ: []string{"MOQEDGE_UPSTREAMS_1_PREFIXES=a,b"}, err: `MOQEDGE_UPSTREAMS_1_PREFIXES: upstreams[1].prefixes: a, b is asked of nobody: give the url`},
		"several":          {environ: []string{"MOQEDGE_X=1", "MOQEDGE_LOG_LEVEL=1", "MOQEDGE_DRAIN_TIMEOUT=1"}, err: "MOQEDGE_DRAIN_TIMEOUT: \"1\" is not a time such as 500ms or 10s\nMOQEDGE_X: there is no such variable"},
		"several of rules": {environ: []string{"MOQEDGE_LOG_LEVEL=1", "MOQEDGE_DRAIN_TIMEOUT=-1s"}, err: "MOQEDGE_DRAIN_TIMEOUT: drain.timeout: must not be negative\nMOQEDGE_LOG_LEVEL: log.level: \"1\" is none of"},
	} {
		t.Run(name, func(t *testing.T) {
			sources := Sources{File: file, Environ: c.environ, Flags: c.flags, Others: []string{"MOQEDGE_CONFIG"}}
			if c.alone {
				sources.File = ""
			}
			s, err := sources.Read()
			if c.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), c.err) {
					t.Errorf("error %v\nwant  %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := c.want(s); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// elevenUpstreams are out of order, as the environment may be.
func elevenUpstreams() []string {
	all := []string{"MOQEDGE_UPSTREAMS=off"}
	for _, n := range []string{"10", "9", "1", "0", "2", "8", "3", "7", "4", "6", "5"} {
		all = append(all, "MOQEDGE_UPSTREAMS_"+n+"_URL=moqt://h"+n)
	}
	return all
}

// Where a value comes from is known, also of those that are found wrong later.
func TestOrigins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("listen: :1\nhttp:\n  listen: :2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Sources{File: file, Environ: []string{"MOQEDGE_NAME=x"}, Flags: []Flag{{"--drain-uri", "drain.uri", "moqt://a"}}}.Read()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]Origin{
		"listen": {FromFile, file, 1}, "http": {FromFile, file, 2}, "http.listen": {FromFile, file, 3}, "http.tls": {FromFile, file, 2},
		"name": {FromEnvironment, "MOQEDGE_NAME", 0}, "drain.uri": {FromFlag, "--drain-uri", 0}, "drain.timeout": {}, "upstreams[0].url": {},
	} {
		if got := s.Origin(key); got != want {
			t.Errorf("%s: %+v, want %+v", key, got, want)
		}
	}
}

// All faults of a file are told, each with its line.
func TestAllFaults(t *testing.T) {
	_, err := Parse("c.yaml", []byte(`lisen: :1
retention:
  time: 10
  cacheBytes: 5 apples
upstreams:
- {url: 'moqt://a', cost: many, prefix: x}
http: 7
`))
	want := []string{
		`c.yaml:1: unknown key "lisen"`, `c.yaml:3: "10" is not a time`, `c.yaml:4: "5 apples" is not a size`,
		`c.yaml:6: "many" is not a number`, `c.yaml:6: unknown key "prefix"`, `c.yaml:7: this is not a mapping: in http there can be listen, tls, relay`,
	}
	if err == nil {
		t.Fatal("no error")
	}
	if got := strings.Split(err.Error(), "\n"); !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got %q", got)
	}
	_, err = Parse("c.yaml", []byte("listen: x\nlog:\n  level: loud\ndrain: {timeout: -1s}\n"))
	want = []string{`c.yaml:1: listen: "x"`, `c.yaml:4: drain.timeout: must`, `c.yaml:3: log.level: "loud"`}
	if got := strings.Split(err.Error(), "\n"); !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got %q", got)
	}
}

// What is wrong with secrets is told without them.
func TestFaultsWithoutSecrets(t *testing.T) {
	for _, c := range []struct{ text, variable string }{
		{"listen: :1\nbridge: {srt: {passphrases: hidden.hidden}}\n", ""}, {"listen: :1\nbridge: {srt: {passphrases: [hidden.hidden]}}\n", ""},
		{"listen: :1\n", "MOQEDGE_BRIDGE_SRT_PASSPHRASES=cam:hidden.hidden"},
	} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Sources{File: file, Environ: []string{c.variable}}.Read()
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q, %q: %v", c.text, c.variable, err)
		}
	}
}

// What aliases multiply is bounded, and those that lead nowhere are told.
func TestAliases(t *testing.T) {
	hosts := "listen: :1\ncertificate: {hosts: &h [" + strings.TrimSuffix(strings.Repeat("a, ", 1000), ", ") + "]}\n"
	for name, c := range map[string]struct{ text, want string }{
		"used":     {"listen: &l ':1'\nhttp: {listen: *l}\n", ""},
		"nowhere":  {"listen: *l\n", `c.yaml:1: there is no anchor "l" before`},
		"too many": {hosts + "upstreams:\n" + strings.Repeat("- {url: 'moqt://x', prefixes: *h}\n", 200), "more than 100000 values"},
	} {
		_, err := Parse("c.yaml", []byte(c.text))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.200v, want %q", name, err, c.want)
		}
	}
}

func valueOf(v any) reflect.Value { return reflect.ValueOf(v) }
