package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
)

// What a configuration names is read before a node is started with it.
func TestCheck(t *testing.T) {
	ca, cert, key := clientCertificate(t)
	_, other, _ := clientCertificate(t)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, c := range map[string]struct {
		config config.Config
		at     time.Time
		want   []string // in order; "-" before a warning
	}{
		"nothing":          {config: config.Config{}},
		"default":          {config: config.Default(), want: []string{"-access: everybody who reaches :4443"}},
		"keys of tokens":   {config: config.Config{Access: config.Access{JWT: &config.JWT{Keys: key}}}},
		"no keys":          {config: config.Config{Access: config.Access{JWT: &config.JWT{Keys: "none.jwks"}}}, want: []string{"access.jwt.keys: open none.jwks"}},
		"short secret":     {config: config.Config{Access: config.Access{JWT: &config.JWT{Keys: text}}}, want: []string{"access.jwt.keys: "}},
		"keys of a URL":    {config: config.Config{Access: config.Access{JWT: &config.JWT{Keys: "https://none.example/jwks"}}}},
		"ends soon":        {config: config.Config{Certificate: config.Certificate{Cert: cert, Key: key, ClientCA: ca}}, want: []string{"-certificate.cert: " + cert + " ends at"}},
		"has ended":        {config: config.Config{Certificate: config.Certificate{Cert: cert, Key: key}}, at: now.Add(2 * time.Hour), want: []string{"certificate.cert: " + cert + " has ended at"}},
		"another key":      {config: config.Config{Certificate: config.Certificate{Cert: other, Key: key}}, want: []string{"certificate.cert: tls: private key does not match public key"}},
		"no file":          {config: config.Config{Certificate: config.Certificate{Cert: "none.pem", Key: key}}, want: []string{"certificate.cert: open none.pem"}},
		"no certificate":   {config: config.Config{Certificate: config.Certificate{Cert: text, Key: key}}, want: []string{"certificate.cert: tls: failed to find any PEM data"}},
		"roots of clients": {config: config.Config{Certificate: config.Certificate{ClientCA: text}}, want: []string{"certificate.clientCA: "}},
		"upstream":         {config: config.Config{Upstream: &config.Upstream{Config: peer.Config{CA: text}}}, want: []string{"upstream.ca: "}},
		"upstreams": {config: config.Config{Upstreams: []config.Upstream{{}, {Config: peer.Config{Insecure: true, Cert: "none.pem", Key: key}}}},
			want: []string{"upstreams[1].cert: open none.pem", "-upstreams[1].insecure: "}},
		"cluster": {config: config.Config{Cluster: &config.Cluster{CA: text, NATSCA: text, NATSCert: "none.pem", NATSKey: key, Credentials: "none.creds", NKey: text}},
			want: []string{"cluster.ca: ", "cluster.natsCA: ", "cluster.natsCert: ", "cluster.credentials: "}},
		"bridge":          {config: config.Config{Bridge: &config.Bridge{PublishTo: &peer.Config{CA: "none.pem"}}}, want: []string{"bridge.publishTo.ca: "}},
		"admin":           {config: config.Config{Admin: &config.Admin{Listen: "127.0.0.1:1"}}},
		"admin, everyone": {config: config.Config{Admin: &config.Admin{Listen: ":1"}}, want: []string{"-admin.listen: the token goes to :1"}},
	} {
		t.Run(name, func(t *testing.T) {
			at := c.at
			if c.config.Listen == "" {
				c.config.Listen = anyPort
			}
			if at.IsZero() {
				at = now
			}
			found := Check(c.config, at)
			if len(found) != len(c.want) {
				t.Fatalf("found %v, want %q", found, c.want)
			}
			for i, p := range found {
				want, warning := strings.CutPrefix(c.want[i], "-")
				if !strings.HasPrefix(p.Err.Error(), want) || p.Warning != warning {
					t.Errorf("found %v, want %q", p, c.want[i])
				}
			}
		})
	}
}
