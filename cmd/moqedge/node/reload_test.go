package node

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
)

// What can change changes, what can not waits for a restart, and is told of until the
// configuration is as it was.
func TestApply(t *testing.T) {
	n := start(t, everything())
	before := n.Fingerprint()
	next := everything()
	next.Certificate.Hosts = []string{"media.example"}
	next.Drain.Timeout = time.Minute
	next.HTTP.TLS = true
	change, err := n.Apply(next)
	if err != nil {
		t.Fatal(err)
	}
	if got := change.Keys(); !slices.Equal(got, []string{"certificate.hosts", "http.tls", "drain.timeout"}) {
		t.Errorf("changed %q", got)
	}
	if got := n.Config(); got.Drain.Timeout != time.Minute || got.HTTP.TLS || got.Retention.Groups != 3 {
		t.Errorf("in effect: %+v", got)
	}
	if got := n.Pending().Keys(); !slices.Equal(got, []string{"http.tls"}) {
		t.Errorf("pending %q", got)
	}
	if n.Fingerprint() == before {
		t.Error("the certificate is that of before")
	}
	if _, text := get(t, "http://"+n.Addresses().HTTP+"/certificate.sha256", nil); text != n.Fingerprint() {
		t.Errorf("told %q, shown %q", text, n.Fingerprint())
	}
	if _, err := n.Apply(everything()); err != nil || len(n.Pending()) != 0 || n.Config().Drain.Timeout != 10*time.Second {
		t.Errorf("%v, pending %q, %+v", err, n.Pending().Keys(), n.Config().Drain)
	}
}

// A certificate of files takes the place of a development one, and back.
func TestApplyCertificateFiles(t *testing.T) {
	_, cert, key := clientCertificate(t)
	n := start(t, everything())
	next := everything()
	next.Certificate.Cert, next.Certificate.Key = cert, key
	if _, err := n.Apply(next); err != nil {
		t.Fatal(err)
	}
	want, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := n.certificate.GetCertificate(nil)
	if err != nil || !slices.Equal(shown.Leaf.Raw, want.Leaf.Raw) {
		t.Errorf("the node does not show the certificate of the files: %v", err)
	}
	if rsp, _ := get(t, "http://"+n.Addresses().HTTP+"/certificate.sha256", nil); rsp.StatusCode != 404 {
		t.Errorf("status %d for a fingerprint that nobody needs", rsp.StatusCode)
	}
}

// All is changed, or nothing: what can not be is found before anything is.
func TestApplyFails(t *testing.T) {
	n := start(t, everything())
	canceled, committed := 0, 0
	n.OnApply(func(config.Config) (Step, error) {
		return Step{Commit: func() { committed++ }, Cancel: func() { canceled++ }}, nil
	}, "drain")
	refuse := errors.New("log.level: not today")
	var last config.Config
	n.OnApply(func(next config.Config) (Step, error) {
		last = next
		return Step{}, refuse
	}, "log")
	before := n.Fingerprint()
	for name, c := range map[string]struct {
		change         func(*config.Config)
		want           string
		canceled, done int
	}{
		"not valid":     {func(c *config.Config) { c.Drain.Timeout = -1 }, "drain.timeout: must not be negative", 0, 0},
		"no file":       {func(c *config.Config) { c.Certificate.Cert, c.Certificate.Key = "none.pem", "none.pem" }, "none.pem", 0, 0},
		"another part":  {func(c *config.Config) { c.Drain.Timeout, c.Log.Level = time.Second, "warn" }, "log.level: not today", 1, 0},
		"only together": {func(c *config.Config) { c.HTTP, c.Bridge = nil, nil }, "", 0, 0},
		"alone":         {func(c *config.Config) { c.Drain.Timeout = time.Second }, "", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			canceled, committed = 0, 0
			next := everything()
			c.change(&next)
			_, err := n.Apply(next)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if canceled != c.canceled || committed != c.done {
				t.Errorf("canceled %d, committed %d", canceled, committed)
			}
			if (n.LastReload().Err == nil) != (err == nil) || n.LastReload().At.IsZero() {
				t.Errorf("told of %+v", n.LastReload())
			}
			if c.want != "" && (len(n.Pending()) > 0 || n.Config().Log.Level != "info" || n.Fingerprint() != before) {
				t.Errorf("something changed: %+v, pending %q", n.Config(), n.Pending().Keys())
			}
			if _, err := n.Apply(everything()); err != nil {
				t.Fatal(err)
			}
		})
	}
	if last.Retention.Groups != 3 {
		t.Errorf("defaults are not filled in: %+v", last.Retention)
	}
}

// folders are what comes before the name of a file.
var folders = regexp.MustCompile(`/[^ "]*/`)

// What came of a reload is logged, with the place of each fault.
func TestReloadLogs(t *testing.T) {
	var text bytes.Buffer
	n, err := Start(t.Context(), everything(), slog.New(slog.NewTextHandler(&text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	read := func(yaml string) error {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		return n.Reload(func() (*config.Settings, error) { return config.Sources{File: file}.Read() })
	}
	if err := read("listen: 127.0.0.1:0\ndrain:\n  timeout: soon\nlog: {level: loud}\nhttp: {port: 1}\n"); err == nil {
		t.Error("no error")
	}
	if err := read("name: test\nlisten: 127.0.0.1:0\ncertificate:\n  cert: none.pem\n  key: none.pem\n"); err == nil {
		t.Error("no error")
	}
	if err := read("name: test\nlisten: 127.0.0.1:0\ndrain: {timeout: 1s}\n"); err != nil {
		t.Error(err)
	}
	n.Close()
	for _, want := range []string{
		`level=ERROR msg="configuration not applied, that of before stays" node=test error="c.yaml:3: certificate: certs: `,
		`level=ERROR msg="configuration not applied, that of before stays" node=test error="c.yaml:3: \"soon\" is not a time such as 500ms or 10s"`,
		`error="c.yaml:5: unknown key \"port\": in http there can be listen, tls, relay"`,
		`level=INFO msg="configuration changed" node=test key=drain.timeout from=10s to=1s`,
		`level=WARN msg="configuration change waits for a restart" node=test key=http from="" to=""`,
		`msg="configuration read again" node=test applied=1 pending=3`,
	} {
		if logged := folders.ReplaceAllString(text.String(), ""); !strings.Contains(logged, want) {
			t.Errorf("not logged: %s\n%s", want, logged)
		}
	}
}

// Whatever the schema says needs no restart is taken by a part of the node, or read
// when it is used.
func TestEveryLiveFieldHasAPart(t *testing.T) {
	c := everything()
	c.Access = config.Access{Anonymous: &config.Anonymous{Get: []string{"a"}}}
	c.Tracing.Endpoint = "http://127.0.0.1:1" // nothing is sent that nobody asked for
	n := start(t, c)
	n.OnApply(readWhenUsed, "log") // as serve does
	for _, f := range config.Fields() {
		if f.Class != config.Restart && !n.reloading.takes(f.Key) {
			t.Errorf("%s is %s, and nothing in the node takes its change: OnApply", f.Key, f.Class)
		}
	}
}

// A change that no part of this node takes waits for a restart, whatever the schema says.
func TestApplyWithoutAPart(t *testing.T) {
	n := start(t, everything())
	next := everything()
	next.Log.Level = "debug" // which is for serve
	change, err := n.Apply(next)
	if err != nil || len(change) != 1 || change[0].Class != config.Restart || !slices.Equal(n.Pending().Keys(), []string{"log.level"}) || n.Config().Log.Level != "info" {
		t.Errorf("%v, %+v, pending %+v", err, change, n.Pending())
	}
}

// An upstream comes, and what is kept changes, while the node runs.
func TestApplyUpstreamsAndRetention(t *testing.T) {
	origin := start(t, config.Config{Listen: anyPort})
	n := start(t, config.Config{Listen: anyPort})
	next := config.Config{Listen: anyPort, Retention: config.Retention{CacheBytes: 7 << 20}}
	next.Upstreams = []config.Upstream{{Config: peer.Config{URL: "moqt://" + origin.Addresses().Relay, Fingerprint: origin.Fingerprint()}}}
	change, err := n.Apply(next)
	if err != nil || len(n.Pending()) > 0 {
		t.Fatal(err, n.Pending())
	}
	if got := change.Keys(); !slices.Equal(got, []string{"upstreams[0]", "retention.cacheBytes"}) {
		t.Errorf("changed %q", got)
	}
	for deadline := time.Now().Add(10 * time.Second); !n.Stats().Connected; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the upstream is not connected")
		}
	}
	if got := n.Stats().Cache.Budget; got != 7<<20 {
		t.Errorf("budget %d", got)
	}
	next.Upstreams[0].CA = "none.pem"
	next.Upstreams[0].Fingerprint = ""
	if _, err := n.Apply(next); err == nil || !strings.HasPrefix(err.Error(), "upstreams: ") {
		t.Errorf("error %v", err)
	}
	if _, err := n.Apply(config.Config{Listen: anyPort}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); len(n.relay.Links()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the upstream is still there")
		}
	}
}
