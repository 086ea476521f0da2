package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moqedge/certs"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq"
	"moqedge/moq/transport"
)

const anyPort = "127.0.0.1:0"

// everything is a node with all its servers, on free ports.
func everything() config.Config {
	return config.Config{
		Name: "test", Listen: anyPort, HTTP: &config.HTTP{Listen: anyPort}, Admin: &config.Admin{Listen: anyPort},
		Bridge: &config.Bridge{SRT: &config.SRT{Listen: anyPort}, WHIP: config.WHIP{Enabled: true}},
	}
}

func start(t *testing.T, c config.Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// eventually waits for a condition; the bound only ends a hopeless test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// sessions waits until a node has as many.
func sessions(t *testing.T, n *Node, count int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d sessions", count), func() bool { return n.Stats().Sessions >= count })
}

// get reads a page over a connection of its own, so that none is left.
func get(t *testing.T, url string, secure *tls.Config) (*http.Response, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: secure}}
	rsp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()
	body, err := io.ReadAll(rsp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rsp, string(body)
}

// Pages and statistics tell where things are, with the ports in use.
func TestServers(t *testing.T) {
	n := start(t, everything())
	a := n.Addresses()
	_, text := get(t, "http://"+a.HTTP+"/config.json", nil)
	var page struct {
		Relay, Fingerprint, WHIP string
		SRTPort                  int
	}
	if err := json.Unmarshal([]byte(text), &page); err != nil {
		t.Fatal(err)
	}
	_, relayPort, _ := net.SplitHostPort(a.Relay)
	_, srtPort, _ := net.SplitHostPort(a.SRT)
	if page.Relay != "https://{host}:"+relayPort+"/live" || page.Fingerprint == "" || page.WHIP == "" || srtPort != jsonNumber(page.SRTPort) {
		t.Errorf("config.json: %s", text)
	}
	if _, text := get(t, "http://"+a.HTTP+"/certificate.sha256", nil); strings.TrimSpace(text) != n.Fingerprint() {
		t.Errorf("fingerprint %q, want %s", text, n.Fingerprint())
	}
	if rsp, _ := get(t, "http://"+a.HTTP+"/whip/cam1", nil); rsp.StatusCode == http.StatusNotFound || rsp.StatusCode == http.StatusOK {
		t.Errorf("GET of WHIP: %s", rsp.Status)
	}
	if rsp, text := get(t, "http://"+a.Admin+"/healthz", nil); rsp.StatusCode != http.StatusOK || !strings.Contains(text, `"ok"`) {
		t.Errorf("healthz: %s %q", rsp.Status, text)
	}
	_, text = get(t, "http://"+a.Admin+"/stats", nil)
	var stats map[string]any
	if err := json.Unmarshal([]byte(text), &stats); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"name", "uptimeSeconds", "sessions", "tracks", "bytesIn", "bytesOut", "perTrack", "ingests"} {
		if _, ok := stats[key]; !ok {
			t.Errorf("no %q in %s", key, text)
		}
	}
}

func jsonNumber(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// A node without HTTP, bridge and admin opens one port.
func TestRelayAlone(t *testing.T) {
	n := start(t, config.Config{Listen: anyPort})
	if a := n.Addresses(); a.HTTP != "" || a.Admin != "" || a.SRT != "" || a.Relay == "" {
		t.Errorf("%+v", a)
	}
	if n.Hub() != nil || len(n.Stats().Ingests) != 0 {
		t.Error("there is a bridge")
	}
	connect(t, "moqt://"+n.Addresses().Relay, n.Pins)
}

// connect makes a session and ends it.
func connect(t *testing.T, url string, pins func() [][32]byte) {
	t.Helper()
	c := peer.Config{URL: url, Pins: pins}
	used := false
	err := peer.Keep(t.Context(), c, peer.Options{Logger: slog.New(slog.DiscardHandler)}, func(context.Context, *moq.Session, <-chan struct{}) error {
		used = true
		return nil
	})
	if err != nil || !used {
		t.Errorf("%s: %v", url, err)
	}
}

// PEM files serve the relay and HTTPS, and then no fingerprint is told.
func TestCertificateFiles(t *testing.T) {
	dir := t.TempDir()
	source, err := certs.Development(dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	source.Close()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	n := start(t, config.Config{
		Listen: anyPort, Certificate: config.Certificate{Cert: files[0], Key: files[0]},
		HTTP: &config.HTTP{Listen: anyPort, TLS: true, Relay: "https://{host}:443/live"},
	})
	trust, _, err := certs.Client(files[0], "", false)
	if err != nil {
		t.Fatal(err)
	}
	site := "https://" + n.Addresses().HTTP
	if _, text := get(t, site+"/config.json", trust); !strings.Contains(text, `"relay":"https://{host}:443/live","fingerprint":null`) {
		t.Errorf("config.json: %s", text)
	}
	for _, url := range []string{"moqt://", "https://"} {
		c := peer.Config{URL: url + n.Addresses().Relay, CA: files[0]}
		if err := peer.Keep(t.Context(), c, peer.Options{Logger: slog.New(slog.DiscardHandler)}, func(context.Context, *moq.Session, <-chan struct{}) error { return nil }); err != nil {
			t.Error(err)
		}
	}
}

// What can not be opened is an error, and nothing stays open behind it.
func TestStartErrors(t *testing.T) {
	tcp, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for name, c := range map[string]struct {
		change func(*config.Config)
		want   string
	}{
		"relay":       {func(c *config.Config) { c.Listen = udp.LocalAddr().String() }, "taken by another process"},
		"SRT":         {func(c *config.Config) { c.Bridge.SRT.Listen = udp.LocalAddr().String() }, "SRT address"},
		"WHIP":        {func(c *config.Config) { c.Bridge.WHIP.ICE = udp.LocalAddr().String() }, "WHIP media"},
		"HTTP":        {func(c *config.Config) { c.HTTP.Listen = tcp.Addr().String() }, "HTTP address"},
		"admin":       {func(c *config.Config) { c.Admin.Listen = tcp.Addr().String() }, "admin address"},
		"not valid":   {func(c *config.Config) { c.Listen = "" }, "listen"},
		"certificate": {func(c *config.Config) { c.Certificate = config.Certificate{Cert: "none.pem", Key: "none.pem"} }, "none.pem"},
		"upstream CA": {func(c *config.Config) {
			c.Upstream = &config.Upstream{Config: peer.Config{URL: "moqt://x", CA: "none.pem"}}
		}, "upstreams: moqt://x: certs: the CA file"},
		"publish to": {func(c *config.Config) { c.Bridge.PublishTo = &peer.Config{URL: "moqt://x", CA: "none.pem"} }, "bridge.publishTo: certs: the CA file"},
		"foreign":    {func(c *config.Config) { c.HTTP.Listen = "192.0.2.1:0" }, "HTTP: "},
	} {
		t.Run(name, func(t *testing.T) {
			conf := everything()
			c.change(&conf)
			n, err := Start(t.Context(), conf, slog.New(slog.DiscardHandler))
			if err == nil {
				n.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q, want %q", err, c.want)
			}
		})
	}
}

// Garbage on the UDP port and a client that says nothing disturb nobody.
func TestBadClients(t *testing.T) {
	n := start(t, everything())
	address := n.Addresses().Relay
	udp, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for i := range 50 {
		if _, err := udp.Write(bytes.Repeat([]byte{byte(i * 7)}, 1+i*25)); err != nil {
			t.Fatal(err)
		}
	}
	silent, err := transport.Dial(t.Context(), "moqt://"+address, &transport.DialConfig{Fingerprints: n.Pins()})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.CloseWithError(0, "")
	connect(t, "https://"+address+"/live", n.Pins)
	select {
	case err := <-n.Failed():
		t.Error(err)
	default:
	}
}

// The bridge publishes at its own node, and goes on when it was not there.
func TestPublishTo(t *testing.T) {
	origin := start(t, config.Config{Name: "origin", Listen: anyPort})
	c := everything()
	c.Bridge.PublishTo = &peer.Config{URL: "moqt://" + origin.Addresses().Relay, Pins: origin.Pins}
	for name, n := range map[string]*Node{"own": start(t, everything()), "other": start(t, c)} {
		where := n
		if name == "other" {
			where = origin
		}
		sessions(t, where, 1)
		if n.hub == nil || n.Stats().Ingests == nil {
			t.Errorf("%s: no bridge", name)
		}
	}
}

// The parent relay and the one that gets the tracks are spoken to in the draft
// that is configured for each.
func TestDrafts(t *testing.T) {
	source, err := certs.Development("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	l, err := transport.Listen(&transport.ListenConfig{Addr: anyPort, GetCertificate: source.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := func(draft int) *peer.Config {
		return &peer.Config{URL: "moqt://" + l.Addr().String(), Fingerprint: source.FingerprintHex(), Draft: draft}
	}
	c := everything()
	c.Upstream, c.Bridge.PublishTo = &config.Upstream{Config: *at(16)}, at(22)
	start(t, c)
	got := map[string]bool{}
	for range 2 {
		conn, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseWithError(0, "")
		got[conn.Info().Protocol] = true
	}
	if !got["moqt-16"] || !got["moqt-22"] {
		t.Errorf("connections of %v", got)
	}
}

func TestLocal(t *testing.T) {
	for address, want := range map[string]string{
		":80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "[::1]:80": "[::1]:80", "192.0.2.1:80": "192.0.2.1:80", "x": "x",
	} {
		if got := Local(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestTaken(t *testing.T) {
	if err := taken("HTTP", ":80", os.ErrPermission); !errors.Is(err, os.ErrPermission) || !strings.HasPrefix(err.Error(), "HTTP: ") {
		t.Error(err)
	}
}
