package deploy

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const dockerfile = "docker/Dockerfile"

// What the tests give to the build, as its arguments.
const (
	testVersion  = "v1.2.3-test"
	testRevision = "0123456789abcdef"
)

// image is what the Dockerfile says.
type image struct {
	stages   []instructions.Stage
	warnings []string // of the linter
}

func parseDockerfile(text string) (image, error) {
	var i image
	tree, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return i, err
	}
	for _, w := range tree.Warnings {
		i.warnings = append(i.warnings, w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, at []parser.Range) {
		i.warnings = append(i.warnings, fmt.Sprintf("%s: %s %v", rule, message, at))
	}})
	i.stages, _, err = instructions.Parse(tree.AST, lint)
	return i, err
}

// stage returns the instructions of a kind of a stage.
func stage[T instructions.Command](s instructions.Stage) (all []T) {
	for _, c := range s.Commands {
		if x, ok := c.(T); ok {
			all = append(all, x)
		}
	}
	return all
}

// buildContext copies the files that Docker would get: those of the work tree that the
// Dockerfile's ignore file lets through.
func buildContext(to string) error {
	f, err := os.Open(dockerfile + ".dockerignore")
	if err != nil {
		return err
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		return err
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		return err
	}
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		if skip, err := ignored.MatchesOrParentMatches(name); err != nil || skip {
			if err != nil {
				return err
			}
			continue
		}
		if err := copyFile(filepath.Join(root, name), filepath.Join(to, name)); err != nil && !os.IsNotExist(err) { // one that is removed, and not yet for git
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

// buildImage runs the Go commands of the Dockerfile in its context, below a folder, and
// returns the binary and the context.
func buildImage(dir string) (binary, context string, err error) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return "", "", err
	}
	i, err := parseDockerfile(string(text))
	if err != nil {
		return "", "", err
	}
	context, out := filepath.Join(dir, "src"), filepath.Join(dir, "out")
	if err := buildContext(context); err != nil {
		return "", "", err
	}
	env := environ("TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, "VERSION="+testVersion, "REVISION="+testRevision, "GOWORK=off")
	ran := 0
	for _, c := range i.stages[0].Commands {
		switch c := c.(type) {
		case *instructions.EnvCommand:
			for _, e := range c.Env {
				env = append(env, e.Key+"="+e.Value)
			}
		case *instructions.RunCommand:
			line := strings.Join(c.CmdLine, " ")
			if !strings.Contains(line, "go build") {
				continue
			}
			cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "/out/", out+"/"))
			cmd.Dir, cmd.Env = context, env
			if said, err := cmd.CombinedOutput(); err != nil {
				return "", "", fmt.Errorf("%s: %w\n%s", line, err, said)
			}
			ran++
		}
	}
	if ran != 1 {
		return "", "", fmt.Errorf("%d commands of %s build something", ran, dockerfile)
	}
	return filepath.Join(out, "moqedge"), context, nil
}

// built is the binary of the Dockerfile, which all tests use.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", builtPrefix)
	if err != nil {
		return "", err
	}
	binary, _, err := buildImage(dir)
	return binary, err
})

var builtPrefix = fmt.Sprintf("moqedge-deploy-%d-", os.Getpid())

func removeBuilt() {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), builtPrefix+"*")) // the pattern is right
	for _, dir := range found {
		os.RemoveAll(dir)
	}
}

func binary(t *testing.T) string {
	t.Helper()
	b, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// moqedge runs a command of the binary, and returns what it wrote and its exit code.
func moqedge(t *testing.T, env []string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env = env
	text, err := cmd.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// The Dockerfile parses without a warning of BuildKit's linter, and ends in an image of
// one static binary that is not root, asks itself how it fares and says where it listens.
func TestDockerfile(t *testing.T) {
	i, err := parseDockerfile(read(t, dockerfile))
	if err != nil || len(i.stages) != 2 || len(i.warnings) > 0 {
		t.Fatalf("%v, %d stages, warnings %q", err, len(i.stages), i.warnings)
	}
	last := i.stages[1]
	if last.BaseName != "scratch" {
		t.Errorf("based on %q", last.BaseName)
	}
	if users := stage[*instructions.UserCommand](last); len(users) != 1 || users[0].User != "65532:65532" {
		t.Errorf("users: %v", users)
	}
	var ports []string
	for _, c := range stage[*instructions.ExposeCommand](last) {
		ports = append(ports, c.Ports...)
	}
	var want []string
	for _, l := range listens(t, environ(), "docker/node.yaml") {
		want = append(want, fmt.Sprintf("%d/%s", l.port, l.protocol))
	}
	slices.Sort(ports)
	slices.Sort(want)
	if !slices.Equal(ports, want) {
		t.Errorf("ports %q, the node has %q", ports, want)
	}
	health := stage[*instructions.HealthCheckCommand](last)
	if len(health) != 1 || !slices.Equal(health[0].Health.Test, []string{"CMD", "/moqedge", "health", "--live"}) {
		t.Errorf("health checks: %v", health)
	}
	labels := map[string]string{}
	for _, c := range stage[*instructions.LabelCommand](last) {
		for _, l := range c.Labels {
			labels[l.Key] = l.Value
		}
	}
	for _, l := range []string{"title", "description", "licenses", "version", "revision"} {
		if labels["org.opencontainers.image."+l] == "" {
			t.Errorf("there is no label %s", l)
		}
	}
	context := t.TempDir()
	if err := buildContext(context); err != nil {
		t.Fatal(err)
	}
	for _, c := range stage[*instructions.CopyCommand](last) {
		for _, from := range c.SourcePaths {
			if _, err := os.Stat(filepath.Join(context, from)); c.From == "" && err != nil {
				t.Errorf("COPY: %v", err)
			}
		}
	}
}

// The linter finds what it is for.
func TestDockerfileNegative(t *testing.T) {
	for _, text := range []string{"FROM scratch as x\n", "FROM scratch\nRUN a \\\n\n b\n", "FROM scratch\nMAINTAINER me\n"} {
		if i, err := parseDockerfile(text); err == nil && len(i.warnings) == 0 {
			t.Errorf("nothing is wrong with %q", text)
		}
	}
}

// What the Dockerfile builds needs no libraries, knows its version, tells nothing of the
// folder it was built in, and is the same when it is built in another one.
func TestBuild(t *testing.T) {
	first := binary(t)
	file, err := elf.Open(first)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	if err != nil || len(libraries) > 0 || slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Errorf("not static: %v, libraries %q", err, libraries)
	}
	said, code := moqedge(t, environ(), "version", "--json")
	var v struct{ Version, Revision string }
	if err := json.Unmarshal([]byte(said), &v); err != nil || code != 0 || v.Version != testVersion || v.Revision != testRevision {
		t.Errorf("%v, code %d: %s", err, code, said)
	}
	again, context, err := buildImage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, b := read(t, first), read(t, again)
	if sha256.Sum256([]byte(a)) != sha256.Sum256([]byte(b)) {
		t.Error("the same source in another folder is another binary")
	}
	if strings.Contains(b, context) {
		t.Error("the folder of the source is in the binary")
	}
	for _, not := range []string{".git", "web/node_modules", "cmd/moqedge/deploy/helm", "docs"} {
		if _, err := os.Stat(filepath.Join(context, not)); err == nil {
			t.Errorf("%s is in the context", not)
		}
	}
}
