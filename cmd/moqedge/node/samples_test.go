package node

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	acmeserver "moqedge/certs/acme/authority"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
)

// The sample files are run as trees, with free ports of this machine in place of theirs:
// each node starts, and is connected to those above it that a file of its tree describes.
func TestSamplesRun(t *testing.T) {
	const samples, trees = "../config/testdata/", "../testdata/topology/"
	for name, files := range map[string][]string{
		"single node":       {samples + "single.yaml"},
		"origin and edge":   {samples + "origin.yaml", samples + "edge.yaml"},
		"production":        {samples + "production.yaml"},
		"ACME":              {samples + "acme.yaml"},
		"two upstreams":     {samples + "two-upstreams.yaml"},
		"topology, single":  {trees + "single/*.yaml"},
		"topology, two":     {trees + "two-upstreams/*.yaml"},
		"topology, regions": {trees + "regions/*.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			var all []*sample
			for _, pattern := range files {
				found, err := filepath.Glob(pattern)
				if err != nil || len(found) == 0 {
					t.Fatalf("%s: %v", pattern, err)
				}
				for _, file := range found {
					all = append(all, runSample(t, file))
				}
			}
			for _, s := range all {
				s.connect(t, all)
			}
			if name == "topology, regions" {
				if n := len(all); n != 8 {
					t.Errorf("%d nodes", n)
				}
			}
		})
	}
}

// sample is a file that is run.
type sample struct {
	file  config.Config // as it is
	local config.Config // on this machine
	node  *Node
}

func runSample(t *testing.T, file string) *sample {
	t.Helper()
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &sample{file: c, local: c.Clone()}
	l := &s.local
	l.Listen = anyPort
	if l.HTTP != nil {
		l.HTTP.Listen = anyPort
	}
	if l.Admin != nil {
		l.Admin.Listen = anyPort
	}
	if l.Bridge != nil {
		if l.Bridge.SRT != nil {
			l.Bridge.SRT.Listen = anyPort
		}
		if l.Bridge.WHIP.ICE != "" {
			l.Bridge.WHIP.ICE = anyPort
		}
	}
	if l.Certificate.Files() {
		_, l.Certificate.Cert, l.Certificate.Key = clientCertificate(t)
	}
	if l.Certificate.ACME != nil { // an authority on this machine gives it
		address, port := freePort(t)
		l.HTTP.Listen = address
		from := asking(t, acmeserver.Start(t, port, port, 0), config.Config{}).Certificate.ACME
		l.Certificate.ACME.Directory, l.Certificate.ACME.CA, l.Certificate.ACME.Storage = from.Directory, from.CA, from.Storage
	}
	if l.Certificate.Dir != "" {
		l.Certificate.Dir = t.TempDir()
	}
	if l.Upstream != nil {
		l.Upstreams, l.Upstream = []config.Upstream{*l.Upstream}, nil
	}
	for i := range l.Upstreams { // nobody is there
		l.Upstreams[i].Config = peer.Config{URL: fmt.Sprintf("moqt://127.0.0.1:9/%d", i), Timeout: time.Second}
	}
	s.node = start(t, *l)
	if from := l.Certificate.ACME; from != nil {
		if got := s.node.Certificates(); len(got) != 1 || !slices.Equal(got[0].Names, from.Domains) {
			t.Errorf("%s shows %+v", file, got)
		}
	}
	return s
}

// at reports whether a sample is the node that a URL of another file leads to.
func (s *sample) at(t *testing.T, address string) bool {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.file.Listen)
	if err != nil {
		t.Fatal(err)
	}
	label, _, _ := strings.Cut(u.Hostname(), ".")
	return port == u.Port() && (label == s.file.Name || u.Hostname() == "127.0.0.1")
}

// connect has the node reach those above it.
func (s *sample) connect(t *testing.T, all []*sample) {
	t.Helper()
	next := s.local.Clone()
	connected := map[string]bool{}
	for i, u := range s.file.AllUpstreams() {
		at := slices.IndexFunc(all, func(x *sample) bool { return x.at(t, u.URL) })
		if at < 0 {
			continue // no file describes it
		}
		above := all[at].node
		next.Upstreams[i].Config = peer.Config{URL: "moqt://" + above.Addresses().Relay, Fingerprint: above.Fingerprint()}
		if !u.OnDemand {
			connected[next.Upstreams[i].URL] = true
		}
	}
	if _, err := s.node.Apply(next); err != nil || len(s.node.Pending()) > 0 {
		t.Fatalf("%s: %v, pending %q", s.file.Name, err, s.node.Pending().Keys())
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		missing := len(connected)
		for _, l := range s.node.relay.Links() {
			if l.State == "connected" && connected[l.URL] {
				missing--
			}
		}
		if missing == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d upstreams are not connected: %+v", s.file.Name, missing, s.node.relay.Links())
		}
	}
}
