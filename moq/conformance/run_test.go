package conformance

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunTests: passed, failed and skipped tests and packages that do not build
// are told apart, and no other test runs.
func TestRunTests(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"go.mod": "module example\n\ngo 1.26\n",
		"a/a_test.go": `package a
import "testing"
func TestGood(t *testing.T) { t.Run("one case", func(t *testing.T) {}); t.Run("other", func(t *testing.T) { t.Fatal("not asked for") }) }
func TestBad(t *testing.T) { t.Fatal("for a reason") }
func TestSkipped(t *testing.T) { t.Skip("today") }
func TestGoodAsWell(t *testing.T) { t.Fatal("not asked for") }`,
		"b/b_test.go": "package b\nfunc TestBroken(",
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rules := []Rule{
		{Number: 1, Tests: []string{"a.TestGood/one case"}},
		{Number: 2, Tests: []string{"a.TestGood/one case", "a.TestBad"}},
		{Number: 3, Tests: []string{"a.TestSkipped"}},
		{Number: 4, Tests: []string{"b.TestBroken"}},
		{Number: 5, Tests: []string{"a.TestGood/one case"}, Deviates: "in part"},
		{Number: 6, NotApplicable: "because"},
		{Number: 7, Tests: []string{"a.TestBad"}, Deviates: "in part"},
	}
	var log bytes.Buffer
	results, err := Run(t.Context(), dir, rules, &log)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"passed", "failed", "failed", "failed", "deviates", "n.a.", "failed"} {
		if got := results.Of(&rules[i]); got != want {
			t.Errorf("rule %d: %s, want %s", rules[i].Number, got, want)
		}
	}
	if said := log.String(); !strings.Contains(said, "for a reason") || strings.Contains(said, "not asked for") {
		t.Errorf("said %s", said)
	}
	if _, err := Run(t.Context(), dir, []Rule{{Number: 1, Tests: []string{"nonsense"}}}, &log); err == nil {
		t.Error("a test without a name was run")
	}
}
