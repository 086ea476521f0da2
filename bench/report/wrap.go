package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// columns is how many columns of a terminal a text takes.
func columns(text string) int { return utf8.RuneCountInString(text) }

func writeLines(out *strings.Builder, lines []string) {
	for _, l := range lines {
		out.WriteString(l + "\n")
	}
}

// wrap breaks a text into lines of at most width columns, where words allow it. Its
// indentation is kept, lines from the second on begin with further.
func wrap(text string, width int, further string) []string {
	lead := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var lines []string
	line, empty := lead, true
	for _, word := range words(text) {
		switch {
		case empty:
			line += word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), further+word
		}
		empty = false
	}
	return append(lines, line)
}

// words of a text; a number and its unit are one.
func words(text string) []string {
	var all []string
	for _, w := range strings.Fields(text) {
		if n := len(all); n > 0 && isUnit(w) && strings.ContainsAny(all[n-1][len(all[n-1])-1:], "0123456789") {
			all[n-1] += " " + w
			continue
		}
		all = append(all, w)
	}
	return all
}

func isUnit(w string) bool {
	switch strings.TrimRight(w, ",.;:)") {
	case "ms", "s", "µs", "min", "%", "GB", "MB", "kB", "B", "Gbit/s", "Mbit/s", "kbit/s", "bit/s", "/min":
		return true
	}
	return false
}

// clean makes a text that others may have had a hand in fit for a line of a
// terminal: nothing in it moves the cursor.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
