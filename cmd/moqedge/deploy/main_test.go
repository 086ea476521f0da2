package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// root is the folder of the product's module.
const root = "../../.."

func TestMain(m *testing.M) {
	code := m.Run()
	removeBuilt()
	os.Exit(code)
}

// output runs a program and returns what it writes to stdout; it has to succeed.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, errs.String(), out.String())
	}
	return out.String()
}

// environ is that of this process without variables of nodes, and some more.
func environ(more ...string) []string {
	var all []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MOQEDGE_") && !strings.HasPrefix(v, "MOQT_") {
			all = append(all, v)
		}
	}
	return append(all, more...)
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
