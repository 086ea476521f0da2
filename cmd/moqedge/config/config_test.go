package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"moqedge/cmd/moqedge/peer"
)

// The samples that the documentation shows mean what they say.
func TestSamples(t *testing.T) {
	want := map[string]Config{
		"single.yaml": {
			Name: "solo", Listen: ":4443",
			Certificate: Certificate{Development: true, Dir: "/var/lib/moqedge", Hosts: []string{"media.example"}},
			HTTP:        &HTTP{Listen: ":8080"},
			Bridge: &Bridge{
				SRT:   &SRT{Listen: ":9000", Passphrase: "correct horse", Latency: 120 * time.Millisecond},
				WHIP:  WHIP{Enabled: true, ICE: ":8189"},
				Grace: 10 * time.Second,
			},
			Admin:     &Admin{Listen: "127.0.0.1:9090"},
			Retention: Retention{CacheBytes: 512 << 20, Groups: 3, Time: 90 * time.Second},
			Log:       Log{Level: "info", Format: "text"},
		},
		"origin.yaml": {
			Name: "origin", Listen: ":4443", Certificate: Certificate{Development: true}, HTTP: &HTTP{Listen: ":8080"},
			Bridge: &Bridge{SRT: &SRT{Listen: ":9000"}, WHIP: WHIP{Enabled: true}},
			Admin:  &Admin{Listen: "127.0.0.1:9090"},
		},
		"edge.yaml": {
			Name: "edge-1", Listen: ":4444",
			Upstream:    &Upstream{Config: peer.Config{URL: "moqt://127.0.0.1:4443", FingerprintURL: "http://127.0.0.1:8080/certificate.sha256"}},
			Certificate: Certificate{Development: true}, HTTP: &HTTP{Listen: ":8081"}, Admin: &Admin{Listen: "127.0.0.1:9091"},
		},
		"two-upstreams.yaml": {
			Name: "ams-1", ID: "ams-1", Listen: ":443",
			Upstreams: []Upstream{
				{Name: "shield-a", Config: relays("moqt://shield-a.example:443")},
				{Name: "shield-b", Config: relays("moqt://shield-b.example:443"), Priority: 1},
				{Name: "archive", Config: peer.Config{URL: "moqt://archive.example:443"}, Prefixes: []string{"vod"}, OnDemand: true},
				{Name: "ams-2", Config: peer.Config{URL: "moqt://ams-2.example:443"}, Peer: true, Cost: 5},
			},
			Certificate: Certificate{Cert: "/etc/moqedge/fullchain.pem", Key: "/etc/moqedge/privkey.pem"},
			Drain:       Drain{Timeout: 30 * time.Second, URI: "https://ams-2.example:443/live"},
		},
		"acme.yaml": {
			Name: "edge-1", Listen: ":443", Upstream: &Upstream{Config: peer.Config{URL: "moqt://origin.example:443"}},
			Certificate: Certificate{ACME: &ACME{Domains: []string{"live.example.org"}, Email: "operator@example.org", Agree: true, Storage: "/var/lib/moqedge/acme"}},
			HTTP:        &HTTP{Listen: ":443", TLS: true}, Admin: &Admin{Listen: "127.0.0.1:9090"},
		},
		"production.yaml": {
			Name: "fra-1", Listen: ":443", Upstream: &Upstream{Config: peer.Config{URL: "moqt://origin.example:443"}},
			Certificate: Certificate{Cert: "/etc/moqedge/fullchain.pem", Key: "/etc/moqedge/privkey.pem"},
			HTTP:        &HTTP{Listen: ":443", TLS: true, Relay: "https://{host}:443/live"}, Log: Log{Format: "json"},
		},
	}
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) != len(want) {
		t.Fatalf("samples %v, %v: want %d", files, err, len(want))
	}
	for _, file := range files {
		got, err := Load(file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if w := want[filepath.Base(file)]; !reflect.DeepEqual(got, w) {
			t.Errorf("%s:\n got %+v\nwant %+v", file, got, w)
		}
	}
}

// relays is how the edge of two-upstreams.yaml connects to its shields.
func relays(url string) peer.Config {
	return peer.Config{URL: url, CA: "/etc/moqedge/relays.pem", Cert: "/etc/moqedge/ams-1.pem", Key: "/etc/moqedge/ams-1.key"}
}

// One upstream is a list of one.
func TestAllUpstreams(t *testing.T) {
	for text, want := range map[string][]string{
		"":                               nil,
		"upstream: {url: 'moqt://a'}":    {"moqt://a"},
		"upstreams: [{url: 'moqt://a'}]": {"moqt://a"},
		"upstreams:\n- url: moqt://b\n- url: moqt://a": {"moqt://b", "moqt://a"},
	} {
		c, err := Parse("c.yaml", []byte("listen: :1\n"+text+"\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		var got []string
		for _, u := range c.AllUpstreams() {
			got = append(got, u.URL)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "512MiB": 512 << 20, "64MB": 64e6, "1.5GiB": 3 << 29, "2 kB": 2000, "10B": 10, "1KiB": 1024, "1TB": 1e12,
	} {
		if got, err := ParseSize(text); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	c, err := Parse("c.yaml", []byte("listen: :1\nretention: {cacheBytes: 1GiB, maxTrackBytes: 1048576}\n"))
	if err != nil || c.Retention.CacheBytes != 1<<30 || c.Retention.MaxTrackBytes != 1<<20 {
		t.Errorf("%+v, %v", c.Retention, err)
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown at the top":    {"listen: :1\nlisen: :2\n", `c.yaml:2: unknown key "lisen": at the top there can be name, listen, id, region, upstream, upstreams, cluster, certificate, http, bridge, access, limits, admin, retention, drain, metrics, accessLog, qlog, tracing, log`},
		"unknown alone":         {"lisen: :2\n", `c.yaml:1: unknown key "lisen": at the top there can be`},
		"unknown below":         {"listen: :1\nbridge:\n  srt:\n    port: 9000\n", `c.yaml:4: unknown key "port": in bridge.srt there can be listen, passphrase, passphrases, latency`},
		"unknown in upstream":   {"listen: :1\nupstream:\n  url: moqt://a\n  cafile: x\n", `c.yaml:4: unknown key "cafile": in upstream there can be name, url, fingerprint, fingerprintURL, ca, cert, key, insecure, timeout, draft, prefixes, priority, cost, peer, onDemand`},
		"hidden field":          {"listen: :1\nupstream:\n  url: moqt://a\n  pins: x\n", `c.yaml:4: unknown key "pins"`},
		"unknown in whip":       {"listen: :1\nhttp: {listen: ':2'}\nbridge:\n  whip:\n    port: 1\n", `c.yaml:5: unknown key "port": in bridge.whip there can be ice, publicIPs, maxSessions`},
		"double key":            {"listen: :1\nlisten: :2\n", `c.yaml:2: `},
		"quoted unknown":        {"listen: :1\n\"lisen\": :2\n", `c.yaml:2: unknown key "lisen"`},
		"unknown by alias":      {"listen: :1\nadmin: &a {listen: ':2'}\nhttp: {<<: *a, tsl: true}\n", `c.yaml:3: unknown key "<<"`},
		"bad YAML":              {"listen: [\n", `c.yaml:1: `},
		"empty":                 {"# nothing\n", `c.yaml: it is empty`},
		"no text":               {"", `c.yaml: it is empty`},
		"two documents":         {"listen: :1\n---\nlisten: :2\n", `c.yaml:2: a second document`},
		"not a mapping":         {"- listen\n", `c.yaml:1: `},
		"wrong type":            {"listen: :1\nretention:\n  groups: many\n", `c.yaml:3: "many" is not a number that fits here`},
		"wrong duration":        {"listen: :1\nretention:\n  time: soon\n", `c.yaml:3: "soon" is not a time such as 500ms or 10s`},
		"number as duration":    {"listen: :1\nretention:\n  time: 10\n", `c.yaml:3: "10" is not a time such as 500ms or 10s`},
		"bool":                  {"listen: :1\nhttp:\n  listen: :2\n  tls: 3\n", `c.yaml:4: "3" is not true or false`},
		"text for mapping":      {"listen: :1\nadmin: here\n", `c.yaml:2: `},
		"no listen":             {"name: x\n", `c.yaml: listen: it is missing`},
		"bad listen":            {"name: x\nlisten: 4443\n", `c.yaml:2: listen: "4443" is not an address`},
		"bad port":              {"listen: :70000\n", `c.yaml:1: listen: ":70000" is not an address`},
		"upstream without URL":  {"listen: :1\nupstream: {insecure: true}\n", `c.yaml:2: upstream: the URL of the server is missing`},
		"upstream scheme":       {"listen: :1\nupstream: {url: 'http://x'}\n", `c.yaml:2: upstream: URL "http://x": want moqt://`},
		"two ways of trust":     {"listen: :1\nupstream: {url: 'moqt://x', insecure: true, ca: a.pem}\n", `c.yaml:2: upstream: give only one of`},
		"bad fingerprint":       {"listen: :1\nupstream: {url: 'moqt://x', fingerprint: abc}\n", `c.yaml:2: upstream: certs: fingerprint "abc" is not 64`},
		"bad fingerprint URL":   {"listen: :1\nupstream: {url: 'moqt://x', fingerprintURL: abc}\n", `c.yaml:2: upstream: fingerprint URL "abc"`},
		"upstream draft":        {"listen: :1\nupstream: {url: 'moqt://x', draft: 17}\n", `c.yaml:2: upstream: draft 17 is not spoken here: there are [moqt-18`},
		"draft in words":        {"listen: :1\nupstream:\n  url: moqt://x\n  draft: newest\n", `c.yaml:4: "newest" is not a number that fits here`},
		"both forms":            {"listen: :1\nupstream: {url: 'moqt://x'}\nupstreams: [{url: 'moqt://y'}]\n", `c.yaml:2: upstream: there are upstreams as well`},
		"unknown in a list":     {"listen: :1\nupstreams:\n- url: moqt://x\n- url: moqt://y\n  prefix: a\n", `c.yaml:5: unknown key "prefix": in upstreams there can be name, url`},
		"wrong in a list":       {"listen: :1\nupstreams:\n- url: moqt://x\n- url: y\n", `c.yaml:4: upstreams[1]: URL "y": want moqt://`},
		"upstreams no list":     {"listen: :1\nupstreams: {url: 'moqt://x'}\n", `c.yaml:2: `},
		"name twice":            {"listen: :1\nupstreams:\n- {name: a, url: 'moqt://x'}\n- {name: a, url: 'moqt://y'}\n", `c.yaml:4: upstreams[1].name: "a" is the name of upstreams[0], too`},
		"URL twice":             {"listen: :1\nupstreams:\n- url: moqt://x\n- url: moqt://x\n", `c.yaml:4: upstreams[1].url: upstreams[0] has the same`},
		"prefix of nobody":      {"listen: :1\nupstreams:\n- name: a\n  prefixes: [vod]\n", `c.yaml:4: upstreams[0].prefixes: vod is asked of nobody: give the url of this upstream, moqt://HOST:PORT or https://HOST:PORT/PATH`},
		"bad prefix":            {"listen: :1\nupstreams:\n- url: moqt://x\n  prefixes: [a//b]\n", `c.yaml:4: upstreams[0].prefixes: namespace "a//b" has an empty field`},
		"negative priority":     {"listen: :1\nupstreams:\n- url: moqt://x\n  priority: -1\n", `c.yaml:4: upstreams[0].priority: must not be negative`},
		"negative cost":         {"listen: :1\nupstreams:\n- url: moqt://x\n  cost: -1\n", `c.yaml:4: `},
		"peer on demand":        {"listen: :1\nupstreams:\n- {url: 'moqt://x', peer: true, onDemand: true}\n", `c.yaml:3: upstreams[0].onDemand: a peer is asked for what it has announced`},
		"half a client":         {"listen: :1\nupstream: {url: 'moqt://x', cert: a.pem}\n", `c.yaml:2: upstream: cert and key belong together`},
		"clients of nobody":     {"listen: :1\ncertificate: {requireClient: true}\n", `c.yaml:2: certificate.requireClient: it needs clientCA`},
		"bad size":              {"listen: :1\nretention:\n  cacheBytes: 5 apples\n", `c.yaml:3: "5 apples" is not a size such as 512MiB or 64MB`},
		"negative size":         {"listen: :1\nretention:\n  cacheBytes: -1MiB\n", `c.yaml:3: "-1MiB" is not a size`},
		"size of nothing":       {"listen: :1\nretention:\n  cacheBytes: MiB\n", `c.yaml:3: "MiB" is not a size`},
		"size too large":        {"listen: :1\nretention:\n  cacheBytes: 99999999TiB\n", `c.yaml:3: "99999999TiB" is not a size`},
		"size as a list":        {"listen: :1\nretention:\n  cacheBytes: [1]\n", `c.yaml:3: `},
		"cluster without URL":   {"listen: :1\ncluster: {role: edge}\n", `c.yaml:2: cluster.url: it is missing`},
		"cluster URL":           {"listen: :1\ncluster: {url: 'nats://x'}\n", `c.yaml:2: cluster: URL "nats://x": want moqt://`},
		"NATS certificate":      {"listen: :1\ncluster:\n  url: moqt://x\n  nats: tls://x\n  natsCert: c.pem\n", `c.yaml:5: cluster.natsCert: cert and key belong together`},
		"NATS CA for nothing":   {"listen: :1\ncluster:\n  url: moqt://x\n  natsCA: c.pem\n", `c.yaml:4: cluster.natsCA: it and natsCert are for a server at cluster.nats`},
		"two NATS identities":   {"listen: :1\ncluster: {url: 'moqt://x', nats: 'tls://x', nkey: a, credentials: b}\n", `c.yaml:2: cluster: NKey: it is for a URL, and instead of Credentials`},
		"cluster role":          {"listen: :1\ncluster:\n  url: moqt://x\n  role: leaf\n", `c.yaml:4: cluster.role: "leaf" is none of edge, shield, origin`},
		"cluster NATS":          {"listen: :1\ncluster: {url: 'moqt://x', nats: 'http://x', lease: 1s}\n", `c.yaml:2: cluster: URL: scheme "http" is neither nats nor tls; Lease: 1s is not`},
		"certificate half":      {"listen: :1\ncertificate: {cert: a.pem}\n", `c.yaml:2: certificate: cert and key belong together`},
		"certificate both":      {"listen: :1\ncertificate: {cert: a.pem, key: b.pem, development: true}\n", `c.yaml:2: certificate: development, dir and hosts`},
		"http without listen":   {"listen: :1\nhttp: {tls: true}\n", `c.yaml:2: http.listen: it is missing`},
		"http relay":            {"listen: :1\nhttp:\n  listen: :2\n  relay: moqt://x\n", `c.yaml:4: http.relay: "moqt://x": browsers need https://`},
		"whip without http":     {"listen: :1\nbridge:\n  whip: true\n", `c.yaml:3: bridge.whip: it is served by HTTP`},
		"bridge of nothing":     {"listen: :1\nbridge: {whip: false}\n", `c.yaml:2: bridge: it takes neither`},
		"whip neither":          {"listen: :1\nhttp: {listen: ':2'}\nbridge: {whip: maybe}\n", `c.yaml:3: `},
		"passphrase":            {"listen: :1\nbridge:\n  srt:\n    passphrase: short\n", `c.yaml:4: bridge.srt.passphrase: it has 5 characters`},
		"srt latency":           {"listen: :1\nbridge:\n  srt:\n    latency: 1m\n", `c.yaml:4: bridge.srt.latency: 1m0s is not between`},
		"name's passphrase":     {"listen: :1\nbridge:\n  srt:\n    passphrases: {cam: short}\n", `c.yaml:4: bridge.srt.passphrases.cam: it has 5 characters`},
		"keys of nothing":       {"listen: :1\naccess:\n  jwt: {audience: a}\n", `c.yaml:3: access.jwt.keys: it is missing`},
		"keys of no scheme":     {"listen: :1\naccess:\n  jwt:\n    keys: ftp://x/y\n", `c.yaml:4: access.jwt.keys: "ftp://x/y" is neither a file nor`},
		"negative refresh":      {"listen: :1\naccess:\n  jwt:\n    keys: f\n    refresh: -1s\n", `c.yaml:5: access.jwt.refresh: must not be negative`},
		"anonymous prefix":      {"listen: :1\naccess:\n  anonymous:\n    get: [a//b]\n", `c.yaml:4: access.anonymous.get: namespace "a//b" has an empty field`},
		"public IP":             {"listen: :1\nhttp: {listen: ':2'}\nbridge:\n  whip:\n    publicIPs: [here]\n", `c.yaml:5: bridge.whip.publicIPs: "here" is no IP address`},
		"publish to":            {"listen: :1\nbridge:\n  srt: {}\n  publishTo: {url: 'x'}\n", `c.yaml:4: bridge.publishTo: URL "x"`},
		"level":                 {"listen: :1\nlog:\n  level: loud\n", `c.yaml:3: log.level: "loud" is none of debug, info, warn, error`},
		"format":                {"listen: :1\nlog:\n  format: xml\n", `c.yaml:3: log.format: "xml" is none of text, json`},
		"negative retention":    {"listen: :1\nretention: {groups: -1}\n", `c.yaml:2: retention.groups: must not be negative`},
		"negative drain":        {"listen: :1\ndrain: {timeout: -1s}\n", `c.yaml:2: drain.timeout: must not be negative`},
		"drain nowhere":         {"listen: :1\ndrain:\n  uri: edge-2\n", `c.yaml:3: drain.uri: URL "edge-2": want moqt://`},
		"negative track memory": {"listen: :1\nretention:\n  maxTrackBytes: -1\n", `c.yaml:3: `},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(c.text))
			if err == nil {
				t.Fatal("no error")
			}
			if got := err.Error(); !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// The draft that is spoken with a parent relay can be chosen.
func TestUpstreamDraft(t *testing.T) {
	c, err := Parse("c.yaml", []byte("listen: :1\nupstream: {url: 'moqt://x', draft: 16}\n"))
	if err != nil || c.Upstream.Draft != 16 {
		t.Errorf("%+v, %v", c.Upstream, err)
	}
}

func TestLoadErrors(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("large file: %v", err)
	}
}

// FuzzParse: whatever a file holds, the answer is a valid configuration or one line.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("c.yaml", text)
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	})
}

// TestValidateTellsAll: all that is wrong is told, also in one section, and nothing twice.
func TestValidateTellsAll(t *testing.T) {
	_, err := Parse("c.yaml", []byte(`listen: nowhere
upstreams:
  - {url: moqt://a:1, priority: -1, peer: true, onDemand: true}
  - {url: moqt://a:1}
http: {listen: x, relay: y}
bridge:
  grace: -1s
  srt: {passphrase: short, latency: 11s, passphrases: {a: b, c: d}}
access:
  jwt: {refresh: -1s}
  anonymous: {get: ["%"]}
  hook: {url: x, timeout: -1s}
  origins: [x, "https://ok.example", y]
limits: {session: {streams: 5000, bytesInPerSecond: 1}, global: {bitrateOut: 1}}
retention: {groups: -1, linger: -1s}
qlog: {sample: -1, maxFiles: -1}
`))
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	var keys []string
	for _, f := range faults {
		keys = append(keys, f.Key)
	}
	slices.Sort(keys)
	want := []string{
		"access.anonymous.get", "access.hook", "access.hook.url", "access.jwt.keys", "access.jwt.refresh", "access.origins", "access.origins",
		"bridge", "bridge.srt.latency", "bridge.srt.passphrase", "bridge.srt.passphrases.a", "bridge.srt.passphrases.c",
		"http.listen", "http.relay", "limits.global.bitrateOut", "limits.session.bytesInPerSecond", "limits.session.streams", "listen",
		"qlog.maxFiles", "qlog.sample", "retention.groups", "retention.linger",
		"upstreams[0].onDemand", "upstreams[0].priority", "upstreams[1].url",
	}
	if !slices.Equal(keys, want) {
		t.Errorf("told of\n%q, want\n%q", keys, want)
	}
}
