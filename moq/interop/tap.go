package interop

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// TAP reports in version 14 of the Test Anything Protocol, as the public
// runner reads it: one test point per case, each as soon as the case is over.
type TAP struct {
	// Out gets the report. Errors of writing to it are not looked at: who reads
	// it notices that the plan is not fulfilled.
	Out io.Writer
	// Client is the name and version of this client, shown in a comment.
	Client string

	number int // of the test point written last
}

// Begin implements Report.
func (t *TAP) Begin(c *Config, planned int) {
	t.line("TAP version 14")
	t.comment(t.Client)
	t.comment("Relay: " + c.URL)
	if len(c.Dial.Versions) > 0 {
		t.comment("Draft: " + strings.Join(c.Dial.Versions, ", "))
	}
	t.line(fmt.Sprintf("1..%d", planned))
}

// Step implements Report.
func (t *TAP) Step(name, text string) { t.comment(name + ": " + text) }

// Result implements Report.
func (t *TAP) Result(r Result) {
	t.number++
	status, directive := "ok", ""
	switch r.Outcome {
	case Failed:
		status = "not ok"
	case Skipped:
		directive = " # SKIP " + oneLine(r.Message)
	}
	t.line(fmt.Sprintf("%s %d - %s%s", status, t.number, description(r.Name), directive))
	if r.Outcome == Skipped {
		return
	}
	t.line("  ---")
	t.line(fmt.Sprintf("  duration_ms: %d", milliseconds(r.Duration)))
	for _, field := range []struct{ key, value string }{
		{"message", r.Message}, {"expected", r.Expected}, {"received", r.Received}, {"draft", r.Draft}, {"transport", r.Transport},
	} {
		if field.value != "" {
			t.line("  " + field.key + ": " + scalar(field.value))
		}
	}
	for _, c := range r.Connections {
		t.line("  " + connectionKey(c.Role) + ": " + scalar(c.ID))
	}
	if len(r.Differences) > 0 {
		t.line("  differences:")
		for _, d := range r.Differences {
			t.line("    - " + scalar(d))
		}
	}
	t.line("  ...")
}

// Bail implements Report.
func (t *TAP) Bail(reason string) { t.line("Bail out! " + oneLine(reason)) }

func (t *TAP) line(text string) { fmt.Fprintln(t.Out, text) }

func (t *TAP) comment(text string) { t.line("# " + oneLine(text)) }

// connectionKey names a connection as the runner's specification does.
func connectionKey(role string) string {
	if role == "" {
		return "connection_id"
	}
	return role + "_connection_id"
}

func milliseconds(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }

// oneLine keeps words of the relay from beginning a line of their own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}

// description escapes what would begin a directive (a name from the command
// line may hold anything).
func description(s string) string {
	return strings.NewReplacer(`\`, `\\`, `#`, `\#`).Replace(oneLine(s))
}

// scalar writes a YAML scalar: plain if that cannot be read as anything but
// this string, else in double quotes, in which YAML takes what JSON writes.
func scalar(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// plain reports whether s is a word, or a connection ID in hex, that YAML reads
// as a string.
func plain(s string) bool {
	if hexID := strings.Trim(s, "0123456789abcdef") == "" && strings.ContainsAny(s, "abcdf"); hexID {
		return true // with no letter but e it might be a number
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	switch strings.ToLower(s) {
	case "", "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return false
	}
	return true
}
