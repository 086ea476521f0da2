package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Outcome is how the test of a rule ended.
type Outcome string

// Outcomes. A test that was not run, because its package does not build or it
// is not reached, has failed.
const (
	Passed Outcome = "passed"
	Failed Outcome = "failed"
)

// Results are the outcomes of tests, as Rule.Tests names them.
type Results map[string]Outcome

// Of returns how a rule ended: the worst of its tests, or its status where that
// is not Tested and no test failed.
func (r Results) Of(rule *Rule) string {
	for _, t := range rule.Tests {
		if r[t] != Passed {
			return string(Failed)
		}
	}
	if s := rule.Status(); s != Tested {
		return s.String()
	}
	return string(Passed)
}

// Run runs exactly the tests that the rules name, package after package, in the
// module whose root is dir. Progress, and what failed tests said, is written to
// log, one line per package. It needs the go command.
func Run(ctx context.Context, dir string, rules []Rule, log io.Writer) (Results, error) {
	folders := map[string][]string{}
	for i := range rules {
		for _, name := range rules[i].Tests {
			t, err := ParseTest(name)
			if err != nil {
				return nil, fmt.Errorf("rule %d: %w", rules[i].Number, err)
			}
			folders[t.Folder] = append(folders[t.Folder], name)
		}
	}
	results := Results{}
	for n, folder := range slices.Sorted(maps.Keys(folders)) {
		tests := folders[folder]
		slices.Sort(tests)
		tests = slices.Compact(tests)
		fmt.Fprintf(log, "%d/%d %s: %d tests", n+1, len(folders), folder, len(tests))
		started := time.Now()
		said, err := runFolder(ctx, dir, folder, tests, results)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed := 0
		for _, t := range tests {
			if results[t] != Passed {
				failed++
			}
		}
		fmt.Fprintf(log, ", %d failed, %s\n", failed, time.Since(started).Round(100*time.Millisecond))
		if failed > 0 {
			fmt.Fprintf(log, "%s", said)
			if err != nil {
				fmt.Fprintln(log, err)
			}
		}
	}
	return results, nil
}

// runFolder runs some tests of one package. What it returns is the output of
// those that failed.
func runFolder(ctx context.Context, dir, folder string, tests []string, results Results) ([]byte, error) {
	wanted := map[string][]string{} // by the name the go command gives a test
	for _, name := range tests {
		results[name] = Failed
		t, _ := ParseTest(name)
		wanted[t.reported()] = append(wanted[t.reported()], name)
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-timeout=10m", "-run", pattern(tests), "./"+folder)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	output := map[string][]byte{}
	var said []byte
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue // the go command says something else
		}
		switch e.Action {
		case "output", "build-output":
			output[e.Test] = append(output[e.Test], e.Output...)
		case "pass":
			for _, name := range wanted[e.Test] {
				results[name] = Passed
			}
		case "fail", "skip", "build-fail":
			said = append(said, output[e.Test]...)
		}
	}
	err = cmd.Wait()
	return append(said, stderr.Bytes()...), err
}

// reported is a test's name in the output of the go command.
func (t TestName) reported() string {
	if t.Subtest == "" {
		return t.Function
	}
	return t.Function + "/" + strings.ReplaceAll(t.Subtest, " ", "_")
}

// pattern selects tests of one package for "go test -run", and no others.
func pattern(tests []string) string {
	var parts []string
	for _, name := range tests {
		t, _ := ParseTest(name)
		part := "^" + regexp.QuoteMeta(t.Function) + "$"
		if t.Subtest != "" {
			for _, step := range strings.Split(t.Subtest, "/") {
				part += "/^" + strings.ReplaceAll(regexp.QuoteMeta(step), " ", "_") + "$"
			}
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "|")
}
