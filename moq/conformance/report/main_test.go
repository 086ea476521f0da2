package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"moqedge/moq/conformance"
)

// TestReport: the three forms hold every rule and the totals.
func TestReport(t *testing.T) {
	totals := conformance.Total(conformance.Rules()).String()
	for _, form := range []string{"", "--json", "--markdown"} {
		t.Run("form "+form, func(t *testing.T) {
			args := []string{"--no-run"}
			if form != "" {
				args = append(args, form)
			}
			var out, progress bytes.Buffer
			ok, err := run(t.Context(), args, &out, &progress)
			if err != nil || !ok || progress.Len() > 0 {
				t.Fatalf("ok %v, error %v, said %q", ok, err, progress.String())
			}
			if form == "--json" {
				var got struct {
					Rules                                []line
					Total, Tested, NotApplicable, Failed int
				}
				if err := json.Unmarshal(out.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				if got.Total != conformance.Count || len(got.Rules) != conformance.Count || got.Rules[3].Number != 4 || got.Tested == 0 {
					t.Errorf("got %d rules of %d, %d tested", len(got.Rules), got.Total, got.Tested)
				}
				return
			}
			if !strings.Contains(out.String(), totals) {
				t.Errorf("the totals are missing: %s", totals)
			}
			if lines := strings.Count(out.String(), "\n"); lines < conformance.Count {
				t.Errorf("%d lines for %d rules", lines, conformance.Count)
			}
		})
	}
}

// TestRun: the tests of one rule are run, and counted.
func TestRun(t *testing.T) {
	var out, progress bytes.Buffer
	ok, err := run(t.Context(), []string{"14"}, &out, &progress)
	if err != nil || !ok {
		t.Fatalf("ok %v, error %v: %s", ok, err, progress.String())
	}
	if !strings.Contains(out.String(), "passed") || !strings.Contains(progress.String(), "moq/wire: 1 tests, 0 failed") {
		t.Errorf("printed %s and said %s", out.String(), progress.String())
	}
}

func TestUnknownRule(t *testing.T) {
	var out bytes.Buffer
	if _, err := run(t.Context(), []string{"219"}, &out, &out); err == nil || !strings.Contains(err.Error(), "1 to 218") {
		t.Errorf("got %v", err)
	}
}
