package conformance

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// TestTable: the table is whole, and every test that it names exists.
func TestTable(t *testing.T) {
	for _, err := range Check(Rules(), os.DirFS("../..")) {
		t.Error(err)
	}
}

// TestCheck: each kind of fault in a table is found.
func TestCheck(t *testing.T) {
	module := fstest.MapFS{
		"a/a_test.go": {Data: []byte("package a\nfunc TestA(t *testing.T) { t.Run(\"one case\", nil) }\nfunc (x) TestMethod() {}")},
	}
	rule := func(change func(*Rule)) Rule {
		r := Rule{Number: 1, Level: Must, Role: Relay, Section: "1", Text: "text", Tests: []string{"a.TestA/one case"}}
		change(&r)
		return r
	}
	reason := "for a reason that takes ten words or more to be told"
	tests := []struct {
		name   string
		change func(*Rule)
		want   string // empty: no problem with this rule
	}{
		{"good", func(*Rule) {}, ""},
		{"good reason", func(r *Rule) { r.Tests, r.NotApplicable = nil, reason }, ""},
		{"tests of a rule that deviates", func(r *Rule) { r.Deviates = "in part" }, ""},
		{"neither test nor reason", func(r *Rule) { r.Tests = nil }, "neither a test nor a reason"},
		{"test of what does not apply", func(r *Rule) { r.NotApplicable = reason }, "has tests although"},
		{"two statuses", func(r *Rule) { r.NotApplicable, r.Deviates = reason, reason }, "two statuses"},
		{"thin reason", func(r *Rule) { r.Tests, r.NotApplicable = nil, "not here" }, "a better reason"},
		{"no text", func(r *Rule) { r.Text = "" }, "what it demands"},
		{"number out of range", func(r *Rule) { r.Number = Count + 1 }, "there are 218 rules"},
		{"unknown folder", func(r *Rule) { r.Tests = []string{"b.TestA"} }, "no tests in b"},
		{"unknown test", func(r *Rule) { r.Tests = []string{"a.TestB"} }, "no TestB"},
		{"method", func(r *Rule) { r.Tests = []string{"a.TestMethod"} }, "no TestMethod"},
		{"unknown subtest", func(r *Rule) { r.Tests = []string{"a.TestA/two"} }, "no subtest"},
		{"no test name", func(r *Rule) { r.Tests = []string{"a"} }, "is no test"},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			found := ""
			for _, err := range Check([]Rule{rule(x.change)}, module) {
				if !strings.HasSuffix(err.Error(), "is missing") {
					found = err.Error()
				}
			}
			if (x.want == "") != (found == "") || !strings.Contains(found, x.want) {
				t.Errorf("found %q, want %q", found, x.want)
			}
		})
	}
	twice := Check([]Rule{rule(func(*Rule) {}), rule(func(*Rule) {})}, module)
	if len(twice) != Count || !strings.Contains(twice[0].Error(), "is there twice") {
		t.Errorf("a rule given twice: %v", twice[0])
	}
}

// TestSections: rules stand in the order of their numbers, in few lines each.
func TestSections(t *testing.T) {
	last := 0
	for _, s := range Sections() {
		for i := range s.Rules {
			r := &s.Rules[i]
			if r.Number != last+1 {
				t.Errorf("part %s: rule %d follows rule %d", s.Letter, r.Number, last)
			}
			last = r.Number
			if r.Since != 0 && r.Until != 0 && r.Since > r.Until {
				t.Errorf("rule %d is in no draft: %s", r.Number, r.Drafts())
			}
		}
	}
}

// TestReadme: the README says how the table stands.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := Total(Rules()).String(); !strings.Contains(string(readme), want) {
		t.Errorf("the README does not say: %s", want)
	}
}
