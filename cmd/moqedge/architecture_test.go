package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// rules say what packages must not depend on, directly or through others. A
// path stands for itself and all below it, with a "$" at its end for itself
// alone; "$outside" for all modules but this one and the standard library.
var rules = []struct {
	packages string
	never    []string
}{
	{"moqedge/moq/wire", []string{"moqedge", "$outside"}},
	{"moqedge/moq", []string{"moqedge/relay", "moqedge/bridge", "moqedge/web", "moqedge/bench", "moqedge/cmd", "moqedge/certs"}},
	{"moqedge/moq/transport", []string{"moqedge/moq/live", "moqedge/moq/deliver", "moqedge/moq$"}},
	{"moqedge/relay", []string{"moqedge/bridge", "moqedge/moq/loc", "moqedge/moq/cmaf", "moqedge/moq/msf", "moqedge/web", "moqedge/bench", "moqedge/cmd"}},
	{"moqedge/relay$", []string{"moqedge/relay/cluster", "moqedge/relay/auth", "moqedge/relay/meter", "moqedge/relay/trace", "github.com/nats-io", "github.com/prometheus", "go.opentelemetry.io"}},
	{"moqedge/relay/auth$", []string{"moqedge/relay/cluster", "moqedge/relay/auth/token", "moqedge/relay/auth/cat", "github.com/golang-jwt", "github.com/fxamacker"}},
	{"moqedge/relay/meter", []string{"moqedge/relay/cluster", "moqedge/relay/auth"}},
	{"moqedge/relay/trace", []string{"moqedge/relay/cluster", "moqedge/relay/auth", "moqedge/relay/meter", "github.com/prometheus"}},
	{"moqedge/relay/cache", []string{"moqedge/moq$", "moqedge/moq/deliver", "moqedge/moq/transport", "moqedge/relay$", "$outside"}},
	{"moqedge/relay/limit", []string{"moqedge/relay$", "moqedge/relay/cache", "moqedge/relay/auth", "moqedge/moq$"}},
	{"moqedge/relay/admin", []string{"moqedge/relay/auth", "moqedge/relay/cluster"}},
	{"moqedge/relay/collector", []string{"moqedge", "$outside"}},
	{"moqedge/relay/topology", []string{"moqedge/moq$", "moqedge/moq/live", "moqedge/moq/transport", "moqedge/relay$", "$outside"}},
	{"moqedge/bridge", []string{"moqedge/relay", "moqedge/web", "moqedge/bench", "moqedge/cmd"}},
	{"moqedge/web", []string{"moqedge/moq", "moqedge/relay", "moqedge/bridge", "moqedge/certs", "moqedge/bench", "moqedge/cmd"}},
	{"moqedge/bench", []string{"moqedge/cmd"}},
	{"moqedge/bench/lab", []string{"moqedge/bench/report"}},
	{"moqedge/bench/media", []string{"moqedge/relay", "moqedge/web", "moqedge/cmd", "moqedge/bench/tally"}},
	{"moqedge/bench/tally", []string{"moqedge/relay", "moqedge/web", "moqedge/cmd", "moqedge/bench/process"}},
	{"moqedge/certs$", []string{"moqedge", "$outside"}},
	{"moqedge/certs/acme", []string{"moqedge/moq", "moqedge/relay", "moqedge/bridge", "moqedge/web", "moqedge/bench", "moqedge/cmd"}},
	{"moqedge/bridge/signalling", []string{"moqedge", "$outside"}},
	{"moqedge/bench/sfu", []string{"moqedge/moq", "moqedge/relay", "moqedge/bridge$", "moqedge/bridge/codec", "moqedge/bridge/file", "moqedge/bridge/srt", "moqedge/bridge/whip", "moqedge/web", "moqedge/certs", "moqedge/bench", "moqedge/cmd"}},
	{"moqedge/bench/rtc", []string{"moqedge/moq$", "moqedge/moq/transport", "moqedge/relay", "moqedge/web", "moqedge/bench/lab", "moqedge/bench/moqt", "moqedge/cmd"}},
	{"moqedge/bench/link", []string{"moqedge", "github.com"}},
	{"moqedge/bench/bare", []string{"moqedge/moq$", "moqedge/moq/live", "moqedge/moq/deliver", "moqedge/relay", "moqedge/bridge", "moqedge/web", "moqedge/bench", "moqedge/cmd", "github.com/pion"}},
	{"moqedge/bench/glass", []string{"moqedge/cmd"}},
	{"moqedge/cmd/moqedge/notify", []string{"moqedge"}},
	{"moqedge/cmd/moqedge/build", []string{"moqedge", "$outside"}},
}

// Arrows go down only (the linter holds the same rules for direct imports).
func TestArchitecture(t *testing.T) {
	imports := listImports(t)
	for _, r := range rules {
		checked := 0
		for pkg := range imports {
			if !covers(r.packages, pkg) {
				continue
			}
			checked++
			path := findForbidden(imports, pkg, r.never)
			if path != nil {
				t.Errorf("%s must not depend on %s: %s", pkg, path[len(path)-1], strings.Join(path, " > "))
			}
		}
		if checked == 0 {
			t.Errorf("no package is %s: a rule for nothing", r.packages)
		}
	}
}

// The rules find what they are for.
func TestArchitectureNegative(t *testing.T) {
	imports := map[string][]string{
		"moqedge/a": {"moqedge/b"}, "moqedge/b": {"moqedge/c/d"}, "moqedge/c/d": {"example.org/x", "fmt"},
	}
	for _, c := range []struct {
		never string
		found bool
	}{{"moqedge/c", true}, {"moqedge/c$", false}, {"moqedge/e", false}, {"$outside", true}, {"moqedge", true}} {
		if got := findForbidden(imports, "moqedge/a", []string{c.never}) != nil; got != c.found {
			t.Errorf("%s: found %v", c.never, got)
		}
	}
}

// findForbidden returns the way from a package to one it must not depend on.
func findForbidden(imports map[string][]string, pkg string, never []string) []string {
	seen := map[string]bool{pkg: true}
	for queue := [][]string{{pkg}}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		for _, next := range imports[path[len(path)-1]] {
			if seen[next] {
				continue
			}
			seen[next] = true
			longer := append(append([]string(nil), path...), next)
			for _, n := range never {
				if covers(n, next) {
					return longer
				}
			}
			queue = append(queue, longer)
		}
	}
	return nil
}

// covers reports whether a rule's path stands for a package.
func covers(path, pkg string) bool {
	switch {
	case path == "$outside":
		domain, _, _ := strings.Cut(pkg, "/")
		return strings.Contains(domain, ".")
	case strings.HasSuffix(path, "$"):
		return pkg == strings.TrimSuffix(path, "$")
	}
	return pkg == path || strings.HasPrefix(pkg, path+"/")
}

// listImports returns the imports of every package of the module, without tests.
func listImports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "moqedge/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	imports := make(map[string][]string)
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return imports
		} else if err != nil {
			t.Fatal(err)
		}
		imports[p.ImportPath] = p.Imports
	}
}
