package deploy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const adminToken = "0123456789abcdef0123456789abcdef"

// running is a process of the binary.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner // of stdout
	errs  *lockedBuffer
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

// run starts a command line, which ends with the test at the latest.
func run(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env = env
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, cmd: cmd, lines: bufio.NewScanner(out), errs: &lockedBuffer{}}
	r.lines.Buffer(nil, 1<<20)
	cmd.Stderr = r.errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it was killed
	return r
}

// json reads the next line of stdout.
func (r *running) json(into any) {
	r.t.Helper()
	if !r.lines.Scan() {
		r.t.Fatalf("stdout ended (%v), stderr: %s", r.lines.Err(), r.errs)
	}
	if err := json.Unmarshal(r.lines.Bytes(), into); err != nil {
		r.t.Fatalf("%v: %s", err, r.lines.Text())
	}
}

// node is one that runs.
type node struct {
	*running
	Relay, HTTP, Admin, Fingerprint string
}

// here are the variables that have a node of a file listen on free ports of this machine.
func here(t *testing.T, name string, more ...string) []string {
	return environ(append([]string{
		"MOQEDGE_LISTEN=127.0.0.1:0", "MOQEDGE_HTTP_LISTEN=127.0.0.1:0", "MOQEDGE_ADMIN_LISTEN=127.0.0.1:0",
		"MOQEDGE_ADMIN_TOKEN=" + adminToken, "MOQEDGE_CERTIFICATE_DIR=" + t.TempDir(), "MOQEDGE_NAME=" + name,
	}, more...)...)
}

// below are the variables that have the upstream of a file be another node.
func below(above node) []string {
	return []string{"MOQEDGE_UPSTREAM_URL=moqt://" + above.Relay, "MOQEDGE_UPSTREAM_FINGERPRINT_URL=http://" + above.HTTP + "/certificate.sha256"}
}

func serve(t *testing.T, file string, env []string) node {
	t.Helper()
	args := []string{"serve", "--json", "--log-level", "warn"}
	if file != "" {
		args = append(args, "-c", file)
	}
	n := node{running: run(t, env, args...)}
	n.json(&n)
	return n
}

// get asks the admin address of a node.
func (n node) get(path, token string) (int, string) {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, "http://"+n.Admin+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rsp, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer rsp.Body.Close()
	body, err := io.ReadAll(rsp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return rsp.StatusCode, string(body)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !met(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// tree runs the nodes of compose.yaml on this machine, in their order: each is started
// when that before is healthy, as depends_on has it.
func tree(t *testing.T) (origin, shield, edge node) {
	t.Helper()
	origin = serve(t, "compose/origin.yaml", here(t, "origin", "MOQEDGE_BRIDGE_SRT_LISTEN=127.0.0.1:0", "MOQEDGE_BRIDGE_WHIP_ICE=127.0.0.1:0"))
	origin.healthy()
	shield = serve(t, "compose/shield.yaml", here(t, "shield", below(origin)...))
	shield.healthy()
	logs := t.TempDir()
	edge = serve(t, "compose/edge.yaml", here(t, "edge", append(below(shield), "MOQEDGE_ACCESS_LOG_FILE="+filepath.Join(logs, "access.log"), "MOQEDGE_QLOG_DIR="+logs, "MOQEDGE_QLOG_SAMPLE=1")...))
	edge.healthy()
	return origin, shield, edge
}

// healthy waits until the health check of compose.yaml passes.
func (n node) healthy() {
	n.t.Helper()
	eventually(n.t, "a healthy node", func() bool {
		_, code := moqedge(n.t, environ(), "health", "--admin", "http://"+n.Admin)
		return code == 0
	})
}

// watch subscribes at a node until so many objects are there, and returns what it said.
func watch(t *testing.T, at node, name string, objects string) (string, int) {
	t.Helper()
	return moqedge(t, environ(), "sub", "https://"+at.Relay+"/live", name, "--count", objects, "--json", "--fingerprint", at.Fingerprint)
}

// The tree of compose.yaml, as processes: an object that is published to the origin
// comes to a viewer of the edge, over the shield; nobody publishes at the edge; and the
// admin address is for who has the token.
func TestTree(t *testing.T) {
	t.Parallel()
	origin, shield, edge := tree(t)
	run(t, environ(), "pub", "--json", "moqt://"+origin.Relay, "cam1", "--fingerprint", origin.Fingerprint)
	text, code := watch(t, edge, "cam1", "50")
	if code != 0 {
		t.Fatalf("code %d: %s\n%s", code, text, edge.errs)
	}
	for _, n := range []node{origin, shield, edge} {
		if code, _ := n.get("/metrics", ""); code != http.StatusUnauthorized {
			t.Errorf("metrics without a token: %d", code)
		}
		code, text := n.get("/stats", adminToken)
		var s struct{ BytesIn, BytesOut uint64 }
		if err := json.Unmarshal([]byte(text), &s); err != nil || code != http.StatusOK || s.BytesIn == 0 || s.BytesOut == 0 {
			t.Errorf("%v, %d: %s", err, code, text)
		}
	}
	pub := run(t, environ(), "pub", "--json", "moqt://"+edge.Relay, "cam2", "--fingerprint", edge.Fingerprint, "--log-level", "info")
	eventually(t, "a publisher that is refused at the edge", func() bool {
		_, metrics := edge.get("/metrics", adminToken)
		return strings.Contains(metrics, `moqedge_request_errors_total{code="UNAUTHORIZED"`)
	})
	_ = pub.cmd.Process.Signal(os.Interrupt) // it may have ended
}

// Every file of a node passes `moqedge check`, with nothing to warn of but what the place
// makes up for.
func TestCheck(t *testing.T) {
	for file, warnings := range map[string]int{
		"docker/node.yaml":    1, // everybody may publish: it is for a first look
		"compose/origin.yaml": 2, // that, as the ports are those of loopback; and the token in the clear, in a network of the tree alone
		"compose/shield.yaml": 1,
		"compose/edge.yaml":   1,
	} {
		text, code := moqedge(t, environ("MOQEDGE_ADMIN_TOKEN="+adminToken), "check", file)
		if code != 0 || strings.Count(text, "warning:") != warnings {
			t.Errorf("%s: code %d, want %d warnings:\n%s", file, code, warnings, text)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte(read(t, "compose/edge.yaml")+"\nviewers: 10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, code := moqedge(t, environ("MOQEDGE_ADMIN_TOKEN="+adminToken), "check", bad); code != 1 || !strings.Contains(text, `unknown key "viewers"`) {
		t.Errorf("an unknown key: code %d: %s", code, text)
	}
}
