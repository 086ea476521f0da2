package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"moqedge/moq/interop"
)

// runnerCertificate writes a certificate as the public interop runner does.
func runnerCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost", "relay"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "priv.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// runnerRelay starts the relay as the runner does: by its environment. As
// there, it listens on all addresses: MOQT_PORT has no place for one.
func runnerRelay(t *testing.T) (relay *process, port, cert string) {
	t.Helper()
	cert, key := runnerCertificate(t)
	for name, value := range map[string]string{"MOQT_ROLE": "relay", "MOQT_PORT": "0", "MOQT_CERT": cert, "MOQT_KEY": key} {
		t.Setenv(name, value)
	}
	p := start(t, "serve", "--json", "--log-level", "error")
	var a struct{ Relay, HTTP, SRT string }
	p.json("addresses", &a)
	if a.HTTP != "" || a.SRT != "" {
		t.Errorf("more than a relay: %+v", a)
	}
	_, port, err := net.SplitHostPort(a.Relay)
	if err != nil {
		t.Fatal(err)
	}
	return p, port, cert
}

// rest reads stdout to its end and returns it with the exit code.
func (p *process) rest() (lines []string, code int) {
	p.t.Helper()
	for p.lines.Scan() {
		lines = append(lines, p.lines.Text())
	}
	_ = p.cmd.Wait() // the code says it
	if text := p.stderr.String(); text != "" {
		p.t.Errorf("stderr: %s", text)
	}
	return lines, p.cmd.ProcessState.ExitCode()
}

// testPoint is one of a TAP report.
type testPoint struct {
	OK              bool
	Name, Directive string
	Diagnostics     map[string]any
}

// parseTAP reads a report in TAP 14, strictly.
func parseTAP(t *testing.T, lines []string) (points []testPoint, bail string) {
	t.Helper()
	if len(lines) == 0 || lines[0] != "TAP version 14" {
		t.Fatalf("no TAP: %q", lines)
	}
	point := regexp.MustCompile(`^(not )?ok ([0-9]+) - (\S+)(?: # (\w+ .*))?$`)
	plan := -1
	for i := 1; i < len(lines); i++ {
		line := lines[i]
		switch m := point.FindStringSubmatch(line); {
		case bail != "":
			t.Errorf("line after Bail out: %q", line)
		case strings.HasPrefix(line, "# "):
		case strings.HasPrefix(line, "1..") && plan < 0:
			n, err := strconv.Atoi(line[3:])
			if err != nil {
				t.Fatal(err)
			}
			plan = n
		case strings.HasPrefix(line, "Bail out! "):
			bail = strings.TrimPrefix(line, "Bail out! ")
		case line == "  ---" && len(points) > 0 && points[len(points)-1].Diagnostics == nil:
			end := slices.Index(lines[i:], "  ...")
			if end < 0 {
				t.Fatalf("YAML without an end: %q", lines[i:])
			}
			block := strings.Join(lines[i+1:i+end], "\n")
			if err := yaml.Unmarshal([]byte(block), &points[len(points)-1].Diagnostics); err != nil {
				t.Fatalf("%v:\n%s", err, block)
			}
			i += end
		case m != nil && plan >= 0:
			if m[2] != strconv.Itoa(len(points)+1) {
				t.Errorf("number out of order: %q", line)
			}
			points = append(points, testPoint{OK: m[1] == "", Name: m[3], Directive: m[4]})
		default:
			t.Errorf("no line of TAP: %q", line)
		}
	}
	if plan != len(points) && bail == "" {
		t.Errorf("%d test points, %d are planned", len(points), plan)
	}
	return points, bail
}

var standard = []string{"setup-only", "announce-only", "publish-namespace-done", "subscribe-error", "announce-subscribe", "subscribe-before-announce"}

// The relay and the client are what the public interop runner expects: the
// client's six cases pass at the relay, over both transports.
func TestInteropRunner(t *testing.T) {
	relay, port, cert := runnerRelay(t)
	hexID := regexp.MustCompile(`^[0-9a-f]{16,40}$`)
	for url, trust := range map[string][]string{"https://127.0.0.1:": nil, "moqt://127.0.0.1:": {"--ca", cert}} {
		t.Run(url, func(t *testing.T) {
			t.Setenv("RELAY_URL", url+port)
			t.Setenv("VERBOSE", "1")
			if trust == nil {
				t.Setenv("TLS_DISABLE_VERIFY", "1")
			}
			lines, code := start(t, append([]string{"interop", "--timeout", "30s"}, trust...)...).rest()
			points, bail := parseTAP(t, lines)
			var names []string
			for _, p := range points {
				names = append(names, p.Name)
				ids := []string{"connection_id"}
				if strings.HasSuffix(p.Name, "-subscribe") || strings.HasPrefix(p.Name, "subscribe-before") {
					ids = []string{"publisher_connection_id", "subscriber_connection_id"}
				}
				for _, key := range ids {
					if id, _ := p.Diagnostics[key].(string); !hexID.MatchString(id) {
						t.Errorf("%s: %s is %v", p.Name, key, p.Diagnostics[key])
					}
				}
				if _, ok := p.Diagnostics["duration_ms"].(uint64); !ok || !p.OK {
					t.Errorf("%+v", p)
				}
			}
			if !slices.Equal(names, standard) || bail != "" || code != exitOK {
				t.Errorf("cases %q, bail %q, exit code %d:\n%s", names, bail, code, strings.Join(lines, "\n"))
			}
		})
	}
	t.Run("TESTCASE", func(t *testing.T) {
		t.Setenv("RELAY_URL", "https://127.0.0.1:"+port)
		t.Setenv("TESTCASE", "setup-only")
		t.Setenv("TLS_DISABLE_VERIFY", "true")
		lines, code := start(t, "interop", "--timeout", "30s").rest()
		if points, _ := parseTAP(t, lines); len(points) != 1 || points[0].Name != "setup-only" || !points[0].OK || code != exitOK {
			t.Errorf("exit code %d: %+v", code, points)
		}
		t.Setenv("TESTCASE", "of-tomorrow")
		lines, code = start(t, "interop").rest()
		if points, _ := parseTAP(t, lines); len(points) != 1 || points[0].Directive != "SKIP not supported by this client" || code != exitUnsupported {
			t.Errorf("exit code %d: %+v", code, points)
		}
	})
	t.Run("untrusted", func(t *testing.T) {
		lines, code := start(t, "interop", "--relay", "moqt://127.0.0.1:"+port, "--timeout", "30s").rest()
		points, bail := parseTAP(t, lines)
		if len(points) != 1 || points[0].OK || points[0].Diagnostics["received"] != "no connection" || !strings.Contains(bail, "certificate") || code != exitFailure {
			t.Errorf("exit code %d, bail %q: %+v", code, bail, points)
		}
	})
	relay.interrupt()
}

// The cases beyond those of the runner, by the binary, in each form of report.
func TestInteropObjects(t *testing.T) {
	relay, port, cert := runnerRelay(t)
	lines, code := start(t, "interop", "--relay", "https://localhost:"+port, "--ca", cert, "--test", interop.SelectObjects, "--json", "--draft", "18", "--timeout", "40s").rest()
	var passed []string
	for _, line := range lines {
		var v struct{ Type, Name, Outcome, Draft, Transport string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if v.Type == "result" {
			if v.Outcome != string(interop.Passed) || v.Draft != "moqt-18" || v.Transport != "webtransport" {
				t.Errorf("%s", line)
			}
			passed = append(passed, v.Name)
		}
	}
	if len(passed) != len(interop.Cases())-len(standard) || code != exitOK {
		t.Errorf("exit code %d, passed %q", code, passed)
	}
	relay.interrupt()
}

func TestInteropFlags(t *testing.T) {
	code, out, errs := execute(t, "interop", "--list")
	if names := strings.Fields(out); code != exitOK || errs != "" || len(names) != len(interop.Cases()) || !slices.Equal(names[:len(standard)], standard) {
		t.Errorf("exit code %d: %q %s", code, names, errs)
	}
	if code, out, _ := execute(t, "interop", "--list", "--verbose"); code != exitOK || !strings.Contains(out, "goaway  ") {
		t.Errorf("exit code %d: %s", code, out)
	}
	var listed []struct {
		Name     string
		Standard bool
	}
	code, out, _ = execute(t, "interop", "--list", "--json")
	if err := json.Unmarshal([]byte(out), &listed); err != nil || code != exitOK || !listed[5].Standard || listed[6].Standard {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
	t.Setenv("MOQT_ROLE", "publisher")
	if code, _, errs := execute(t, "serve"); code != exitUnsupported || errs != "moqedge: MOQT_ROLE: this role is not supported: \"publisher\", only relay\n" {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// Ctrl-C ends a case that waits, with a report that is still TAP.
func TestInteropInterrupt(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p := start(t, "interop", "--relay", "moqt://"+silent.LocalAddr().String(), "--timeout", "1h", "--verbose")
	var lines []string
	for lastOf(lines) != "# setup-only: SETUP of the relay" {
		lines = append(lines, p.line())
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	more, code := p.rest()
	points, bail := parseTAP(t, append(lines, more...))
	if len(points) != 0 || bail != "interrupted" || code != exitFailure {
		t.Errorf("exit code %d, bail %q: %+v", code, bail, points)
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, 0); err == nil {
		t.Error("a process is left")
	}
}

func lastOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}
