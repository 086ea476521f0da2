package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRunner(t *testing.T) {
	empty, mounted := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(mounted, "cert.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files := func(cert, key string) func(c *Config) {
		return func(c *Config) { c.Certificate = Certificate{Cert: cert, Key: key} }
	}
	for name, c := range map[string]struct {
		set  map[string]string
		dir  string
		want func(c *Config)
		err  string
	}{
		"nothing":        {nil, empty, func(*Config) {}, ""},
		"port":           {map[string]string{"MOQT_PORT": "5000"}, empty, func(c *Config) { c.Listen = ":5000" }, ""},
		"bad port":       {map[string]string{"MOQT_PORT": "65536"}, empty, nil, `MOQT_PORT: "65536" is not a port`},
		"mounted":        {nil, mounted, files(filepath.Join(mounted, "cert.pem"), filepath.Join(mounted, "priv.key")), ""},
		"other files":    {map[string]string{"MOQT_CERT": "/a", "MOQT_KEY": "/b"}, mounted, files("/a", "/b"), ""},
		"only the chain": {map[string]string{"MOQT_CERT": "/a"}, empty, files("/a", filepath.Join(empty, "priv.key")), ""},
		"only the key":   {map[string]string{"MOQT_KEY": "/b"}, empty, files(filepath.Join(empty, "cert.pem"), "/b"), ""},
		"relay":          {map[string]string{"MOQT_ROLE": "relay"}, empty, func(c *Config) { c.HTTP, c.Bridge = nil, nil }, ""},
		"client":         {map[string]string{"MOQT_ROLE": "client"}, empty, nil, `MOQT_ROLE: this role is not supported: "client"`},
	} {
		t.Run(name, func(t *testing.T) {
			want := Default()
			var environ []string
			for key, value := range c.set {
				environ = append(environ, key+"="+value)
			}
			got, err := Sources{Environ: environ, Mounted: c.dir}.Read()
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || errors.Is(err, ErrRole) != (name == "client") {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			c.want(&want)
			if err != nil || !reflect.DeepEqual(got.Config, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}
