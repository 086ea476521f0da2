package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"moqedge/moq/conformance"
)

// line is a rule as it is printed.
type line struct {
	Number  int      `json:"number"`
	Level   string   `json:"level"`
	Role    string   `json:"role"`
	Section string   `json:"section"`
	Drafts  string   `json:"drafts"`
	Text    string   `json:"text"`
	Delta   string   `json:"delta,omitempty"`
	Status  string   `json:"status"` // passed, failed, n.a. or deviates; tested if tests were not run
	Tests   []string `json:"tests,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// describe returns the lines of rules and how many of them failed. Without
// results the statuses are those of the table.
func describe(rules []conformance.Rule, results conformance.Results) (lines []line, failed int) {
	for i := range rules {
		r := &rules[i]
		status := r.Status().String()
		if results != nil {
			status = results.Of(r)
		}
		if status == string(conformance.Failed) {
			failed++
		}
		lines = append(lines, line{
			Number: r.Number, Level: r.Level.String(), Role: string(r.Role), Section: r.Section, Drafts: r.Drafts(),
			Text: r.Text, Delta: r.Delta, Status: status, Tests: r.Tests, Reason: r.Reason(),
		})
	}
	return lines, failed
}

// proof is what the last column says.
func (l line) proof() string {
	if l.Reason != "" {
		return l.Reason
	}
	return strings.Join(l.Tests, ", ")
}

func printText(w io.Writer, lines []line, t conformance.Totals, failed int) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "rule\tlevel\tsection\tdrafts\tstatus\ttest or reason")
	for _, l := range lines {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", l.Number, l.Level, l.Section, l.Drafts, l.Status, l.proof())
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s\n", t, verdict(failed))
	return err
}

func verdict(failed int) string {
	switch failed {
	case 0:
		return "No rule failed."
	case 1:
		return "1 rule failed."
	}
	return fmt.Sprintf("%d rules failed.", failed)
}

func printMarkdown(w io.Writer, lines []line, t conformance.Totals, failed int) error {
	byNumber := map[int]line{}
	for _, l := range lines {
		byNumber[l.Number] = l
	}
	for _, s := range conformance.Sections() {
		started := false
		for i := range s.Rules {
			l, chosen := byNumber[s.Rules[i].Number]
			if !chosen {
				continue
			}
			if !started {
				started = true
				fmt.Fprintf(w, "## %s. %s\n\n| rule | level | section | drafts | demands | status | test or reason |\n|---|---|---|---|---|---|---|\n", s.Letter, s.Title)
			}
			text := l.Text
			if l.Delta != "" {
				text += " (" + l.Delta + ")"
			}
			fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %s | %s |\n", l.Number, l.Level, l.Section, l.Drafts, cell(text), l.Status, cell(l.proof()))
		}
		if started {
			fmt.Fprintln(w)
		}
	}
	_, err := fmt.Fprintf(w, "%s %s\n", t, verdict(failed))
	return err
}

// cell makes text fit for a cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func printJSON(w io.Writer, lines []line, t conformance.Totals, failed int) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Rules         []line `json:"rules"`
		Total         int    `json:"total"`
		Tested        int    `json:"tested"`
		NotApplicable int    `json:"notApplicable"`
		Deviates      int    `json:"deviates"`
		Failed        int    `json:"failed"`
	}{lines, t.Rules, t.Tested, t.NotApplicable, t.Deviates, failed})
}
