package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"moqedge/cmd/moqedge/demo"
)

// process is a moqedge of its own, the test binary in disguise.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  *bufio.Scanner // of stdout
	stderr *lockedBuffer
}

// lockedBuffer is a buffer that a process writes while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a command line until the test ends, at the latest.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := prepare(t, args...)
	p.begin()
	return p
}

// prepare is start before the process begins.
func prepare(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asMoqedge+"=1")
	// A group of its own, so that leftovers can be looked for.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, lines: bufio.NewScanner(out), stderr: &lockedBuffer{}}
	p.lines.Buffer(nil, 1<<20)
	cmd.Stderr = p.stderr
	return p
}

func (p *process) begin() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// line returns the next line of stdout.
func (p *process) line() string {
	p.t.Helper()
	if !p.lines.Scan() {
		_ = p.cmd.Wait()
		p.t.Fatalf("stdout ended (%v), stderr: %s", p.lines.Err(), p.stderr)
	}
	return p.lines.Text()
}

// json reads lines of stdout until one has the wanted type.
func (p *process) json(kind string, into any) {
	p.t.Helper()
	for {
		line := p.line()
		var head struct{ Type string }
		if err := json.Unmarshal([]byte(line), &head); err != nil {
			p.t.Fatalf("%q is no JSON: %v", line, err)
		}
		if head.Type != kind {
			continue
		}
		if err := json.Unmarshal([]byte(line), into); err != nil {
			p.t.Fatal(err)
		}
		return
	}
}

// interrupt presses Ctrl-C and checks that the process ends well, with nothing
// on stderr and nothing left of it.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	for p.lines.Scan() {
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("after Ctrl-C: %v", err)
	}
	if text := p.stderr.String(); text != "" {
		p.t.Errorf("stderr: %s", text)
	}
	p.gone()
}

// gone checks that nothing is left of a process that has ended.
func (p *process) gone() {
	p.t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, 0); err == nil {
		p.t.Error("a process is left")
	}
}

func startDemo(t *testing.T, args ...string) (*process, demo.Addresses) {
	t.Helper()
	p := start(t, append([]string{"demo", "--json", "--http", "127.0.0.1:0", "--edge", "127.0.0.1:0", "--srt", "127.0.0.1:0", "--interval", "50ms"}, args...)...)
	var a demo.Addresses
	p.json("addresses", &a)
	return p, a
}

// The demo prints where everything is, serves pages, plays its clip through
// both relays, and ends on Ctrl-C with every port free again.
func TestDemo(t *testing.T) {
	p, a := startDemo(t)
	rsp, err := http.Get(a.Player)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(rsp.Body)
	rsp.Body.Close()
	if err != nil || rsp.StatusCode != http.StatusOK || !strings.Contains(string(page), "moqedge-player") {
		t.Errorf("player page: %s, %v\n%s", rsp.Status, err, page)
	}
	if !strings.Contains(a.FFmpeg, a.SRT+"?streamid=publish:cam1") {
		t.Errorf("ffmpeg line %q does not go to %s", a.FFmpeg, a.SRT)
	}

	for _, url := range []string{a.Edge, a.EdgeQUIC} {
		code, out, errs := execute(t, "sub", url, "demo", "--count", "100", "--json", "--fingerprint-url", a.FingerprintURL)
		last := out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]
		var total struct {
			Objects uint64
			Latency struct{ P50Ms float64 }
			Tracks  map[string]struct{ Objects uint64 }
		}
		if err := json.Unmarshal([]byte(last), &total); err != nil || code != exitOK {
			t.Fatalf("%s: code %d, %v: %s%s", url, code, err, out, errs)
		}
		if total.Objects != 100 || len(total.Tracks) != 2 {
			t.Errorf("%s: %s", url, last)
		}
	}
	if code, out, errs := execute(t, "ls", a.Edge, "--json", "--fingerprint", a.Fingerprint); code != exitOK || out != `{"namespaces":[["demo.loc"],["demo.msf"]]}`+"\n" {
		t.Errorf("ls: code %d: %s%s", code, out, errs)
	}

	for {
		var s demo.Status
		p.json("status", &s)
		if s.Origin.BytesIn > 0 && s.Edge.BytesOut > 0 && s.Sessions >= 2 && s.Tracks >= 2 && len(s.Live) == 1 {
			break
		}
	}
	p.interrupt()
	for _, address := range []string{strings.TrimPrefix(a.SRT, "srt://"), strings.TrimPrefix(a.EdgeQUIC, "moqt://"), strings.TrimPrefix(a.Origin, "moqt://")} {
		port, err := net.ListenPacket("udp", address)
		if err != nil {
			t.Errorf("not free: %v", err)
			continue
		}
		port.Close()
	}
}

// Without a terminal and without JSON the addresses and the status are lines.
func TestDemoText(t *testing.T) {
	p := start(t, "demo", "--http", "127.0.0.1:0", "--edge", "127.0.0.1:0", "--srt", "127.0.0.1:0", "--no-clip", "--interval", "10ms")
	var text strings.Builder
	for !strings.HasPrefix(lastLine(text.String()), "up 0:0") {
		text.WriteString(p.line() + "\n")
	}
	p.interrupt()
	for _, want := range []string{
		"watch       http://localhost:", "live now    http://localhost:", "SRT         srt://127.0.0.1:", "WHIP        http://localhost:",
		`ffmpeg -re `, "-tune zerolatency", "streamid=publish:cam1&pkt_size=1316", "sessions", "live: nothing",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in:\n%s", want, text.String())
		}
	}
}

func lastLine(text string) string {
	text = strings.TrimSuffix(text, "\n")
	return text[strings.LastIndex(text, "\n")+1:]
}

// A tree of two nodes from flags: pub to the origin, sub at the edge, which
// finds the origin again when that was restarted with a new certificate. Three
// drafts meet: that of pub, that of the nodes and that of sub.
func TestServePubSub(t *testing.T) {
	var origin, edge struct{ Relay, HTTP, Admin, Fingerprint string }
	serveOrigin := func(relay, web string) *process {
		p := start(t, "serve", "--json", "--name", "origin", "--listen", relay, "--http", web, "--srt", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-level", "error")
		p.json("addresses", &origin)
		return p
	}
	first := serveOrigin("127.0.0.1:0", "127.0.0.1:0")
	pins := "http://" + origin.HTTP + "/certificate.sha256"
	leaf := start(t, "serve", "--json", "--name", "edge", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--upstream", "moqt://"+origin.Relay, "--fingerprint-url", pins, "--log-level", "error")
	leaf.json("addresses", &edge)
	pub := start(t, "pub", "--json", "moqt://"+origin.Relay, "cam1", "--draft", "16", "--fingerprint-url", pins, "--log-level", "error")
	sub := start(t, "sub", "--json", "https://"+edge.Relay+"/live", "cam1", "--draft", "22", "--fingerprint", edge.Fingerprint, "--interval", "50ms", "--log-level", "error")
	flowing := func() {
		t.Helper()
		var s struct{ Tracks map[string]any }
		for len(s.Tracks) < 2 {
			s.Tracks = nil
			sub.json("stats", &s)
		}
	}
	flowing()
	var stats struct {
		Name     string
		PerTrack map[string]int
		BytesOut uint64
		Sessions int
	}
	readJSON(t, "http://"+origin.Admin+"/stats", &stats)
	if stats.Name != "origin" || stats.BytesOut == 0 || stats.Sessions < 2 || len(stats.PerTrack) < 3 {
		t.Errorf("statistics of the origin: %+v", stats)
	}

	relay, web, before := origin.Relay, origin.HTTP, origin.Fingerprint
	first.interrupt()
	again := serveOrigin(relay, web)
	if origin.Fingerprint == before {
		t.Error("the restarted origin has its old certificate: nothing is tested")
	}
	readJSON(t, "http://"+origin.Admin+"/stats", &stats)
	for deadline := time.Now().Add(30 * time.Second); stats.BytesOut == 0; readJSON(t, "http://"+origin.Admin+"/stats", &stats) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing flows through the restarted origin: %+v", stats)
		}
		sub.json("stats", new(any)) // one more interval
	}
	flowing()
	for _, p := range []*process{sub, pub, leaf, again} {
		p.interrupt()
	}
}

func readJSON(t *testing.T, url string, into any) {
	t.Helper()
	rsp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()
	if err := json.NewDecoder(rsp.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// fetch reads a page.
func fetch(t *testing.T, url string) string {
	t.Helper()
	rsp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()
	b, err := io.ReadAll(rsp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ends has a process end by a signal, in order.
func (p *process) ends(signal os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	for p.lines.Scan() {
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%v\n%s", err, p.stderr)
	}
	p.gone()
}
