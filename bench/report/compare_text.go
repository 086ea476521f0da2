package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/link"
)

// Text is the report of a comparison for a terminal.
func Text(x lab.Result, s Style) string {
	var out strings.Builder
	for _, p := range append(MeasuredText(x), machineOf(x)) {
		writeLines(&out, wrap(p, s.width(), "  "))
	}
	if x.Interrupted {
		out.WriteString(s.paint(bold, interruptedText(x)) + "\n")
	}
	out.WriteString("\n" + CompareTable(x, true).Text(s) + "\n")
	verdictText(&out, Verdicts(x), s)
	troubleText(&out, x, s)
	return strings.TrimRight(out.String(), "\n")
}

// troubleText says in which rounds viewers were lost, and which count for nothing.
func troubleText(out *strings.Builder, x lab.Result, s Style) {
	for _, part := range []struct {
		title string
		lines []string
	}{
		{"Rounds that count, in which viewers were lost", lostRounds(x)}, {"Rounds that do not count", invalidRounds(x)},
	} {
		if len(part.lines) == 0 {
			continue
		}
		out.WriteString("\n" + s.paint(bold, part.title) + "\n")
		for _, line := range part.lines {
			writeLines(out, wrap("  "+line, s.width(), "    "))
		}
	}
}

// interruptedText says that a result is not all that was wanted.
func interruptedText(x lab.Result) string {
	return fmt.Sprintf("Interrupted: this is from the %s that had ended, of %d.", many(len(x.Rounds), "round"), x.Plan.Rounds*len(x.Plan.Systems))
}

// MeasuredText says what was measured, in a paragraph or two.
func MeasuredText(x lab.Result) []string {
	p := x.Plan
	what := "frames of the profile " + p.Profile
	if p.Input != "" {
		what = "frames of the recording " + filepath.Base(p.Input)
	}
	if x.Bitrate > 0 {
		what += " (" + Format(x.Bitrate, lab.BitRate) + ")"
	}
	var systems []string
	for _, s := range p.Systems {
		systems = append(systems, NameOf(s))
	}
	if p.Target != nil {
		return targetText(x, what)
	}
	spoken := ""
	if d := drafts(x); d != "" {
		spoken = "; MOQT is" + d
	}
	return []string{clean(fmt.Sprintf("Each system, by turns, brings %s to %s over %s: %s of %s. Line of each viewer: %s. Seed %d.",
		what, many(p.Viewers, "viewer"), servers(p), many(p.Rounds, "round"), exactly(p.Duration), LineText(x.Link), p.Seed)),
		"Systems: " + strings.Join(systems, ", ") + spoken + "."}
}

// targetText is MeasuredText of a server that was there already.
func targetText(x lab.Result, what string) []string {
	p := x.Plan
	published := ""
	if p.Target.Publish.URL != p.Target.View.URL {
		published = ", published at " + p.Target.Publish.URL
	}
	return []string{clean(fmt.Sprintf("%s to %s of %s%s; %s of %s. Line of each viewer: %s. Seed %d.",
		capital(what), many(p.Viewers, "viewer"), p.Target.View.URL, published, many(p.Rounds, "round"), exactly(p.Duration), LineText(x.Link), p.Seed)),
		"Spoken: " + NameOf(p.Systems[0]) + drafts(x) + "."}
}

// servers says what lies between publisher and viewers.
func servers(p lab.Plan) string {
	switch {
	case p.Target != nil && p.Target.View.URL != p.Target.Publish.URL:
		return p.Target.Publish.URL + " and " + p.Target.View.URL
	case p.Target != nil:
		return p.Target.View.URL
	case p.Hops <= 1:
		return "one server"
	}
	return fmt.Sprintf("a chain of %d relays", p.Hops)
}

// drafts names the draft that MOQT was spoken in.
func drafts(x lab.Result) string {
	var all []string
	for _, r := range x.Rounds {
		if r.Draft != "" && !slices.Contains(all, r.Draft) {
			all = append(all, r.Draft)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " " + clean(strings.Join(all, ", "))
}

// LineText describes a line in words.
func LineText(l link.Link) string {
	if l.Clean() {
		return "clean (loopback, nothing emulated)"
	}
	var parts []string
	add := func(format string, a ...any) { parts = append(parts, fmt.Sprintf(format, a...)) }
	if l.Delay > 0 {
		add("round trip %s", exactly(l.RTT()))
	}
	if l.Jitter > 0 {
		add("jitter up to %s", exactly(l.Jitter))
	}
	if l.Loss > 0 {
		add("%s of packets lost each way", Exact(l.Loss, lab.Share))
	}
	if l.Rate > 0 {
		add("%s to the viewer", Exact(l.Rate, lab.BitRate))
	}
	if l.Up > 0 {
		add("%s from the viewer", Exact(l.Up, lab.BitRate))
	}
	if l.Queue > 0 {
		add("queue of %s", exactly(l.Queue))
	}
	for _, c := range l.Changes {
		switch {
		case c.Down:
			add("nothing gets through from %s on", exactly(c.At))
		case c.Rate > 0:
			add("%s from %s on", Exact(c.Rate, lab.BitRate), exactly(c.At))
		default:
			add("as before from %s on", exactly(c.At))
		}
	}
	text := strings.Join(parts, ", ")
	if name := clean(l.Name); name != "" {
		return name + " (" + text + ")"
	}
	return text
}

// exactly writes a time that people have chosen.
func exactly(d time.Duration) string {
	if d < time.Minute {
		return Exact(d.Seconds(), lab.Seconds)
	}
	return duration(d)
}

// MachineText says what it was measured on.
func MachineText(m lab.Machine) string { return machineText(m, "servers and load share it") }

// foreignMachineText is of measurements of servers that were there already.
func foreignMachineText(m lab.Machine) string {
	return machineText(m, "the load ran there, the server where it is")
}

func machineOf(x lab.Result) string {
	if x.Plan.Target != nil {
		return foreignMachineText(x.Machine)
	}
	return MachineText(x.Machine)
}

func machineText(m lab.Machine, whose string) string {
	parts := []string{many(m.Cores, "core")}
	if m.Processor != "" {
		parts = append([]string{m.Processor}, parts...)
	}
	if m.Memory > 0 {
		parts = append(parts, Format(float64(m.Memory), lab.Bytes))
	}
	for _, p := range []string{m.System, m.Kernel, m.Go} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return clean("On " + strings.Join(parts, ", ") + "; " + whose + ".")
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// CompareTable has a row for each figure. With fold, rows whose figures are the
// same for all systems are one row.
func CompareTable(x lab.Result, fold bool) Table {
	t := Table{Caption: "Median of the rounds that count, and from the least to the largest.", Head: []string{""}}
	base, ok := baseline(x)
	if !ok {
		t.Notes = []string{"No round has ended."}
		return t
	}
	if !slices.ContainsFunc(x.Systems, func(s lab.Summary) bool { return len(s.Figures) > 0 }) {
		t.Notes = []string{"No round counts. Each says below why: where the load came late or short, end what else runs on this machine, or try fewer viewers."}
		return t
	}
	for _, s := range x.Systems {
		t.Head = append(t.Head, NameOf(s.System))
	}
	known, compared := figuresByName(), false
	for _, topic := range topicsOf(x) {
		g := Group{Title: strings.Replace(topic.title, "Latency,", "Latency of "+pictures(x.Systems)+",", 1)}
		var same folded
		for _, f := range topic.figures {
			row := Row{Name: f.label}
			for _, s := range x.Systems {
				row.Cells = append(row.Cells, cellOf(known[f.name], s, base))
				compared = compared || row.Cells[len(row.Cells)-1].Note != ""
			}
			if text, all := sameForAll(row); fold && all && len(x.Systems) > 1 {
				same.add(f.label, text)
				continue
			}
			g.Rows = append(g.Rows, row)
		}
		g.Title += same.text(len(g.Rows) == 0)
		t.Groups = append(t.Groups, g)
	}
	if compared {
		t.Notes = []string{fmt.Sprintf("0.50x: half of what %s has, in the same rounds. + better, - worse, = the same, ~ unclear: rounds overlap, or there is one alone.", NameOf(base.System))}
	}
	return t
}

// folded are the rows of a group that say the same of all systems: their names, by
// what they say.
type folded struct {
	texts []string
	names map[string][]string
}

func (f *folded) add(name, text string) {
	if f.names == nil {
		f.names = map[string][]string{}
	}
	if f.names[text] == nil {
		f.texts = append(f.texts, text)
	}
	f.names[text] = append(f.names[text], name)
}

// text is what a title goes on with; all says that the group has no other rows.
func (f folded) text(all bool) string {
	if len(f.texts) == 0 {
		return ""
	}
	if all && len(f.texts) == 1 && len(f.names[f.texts[0]]) > 1 {
		return ": " + f.texts[0] + " in each row, for all"
	}
	var parts []string
	for _, t := range f.texts {
		parts = append(parts, t+" ("+strings.Join(f.names[t], "; ")+")")
	}
	return ". The same for all: " + strings.Join(parts, ", ")
}

// sameForAll says what all cells of a row say, if they do.
func sameForAll(r Row) (string, bool) {
	if len(r.Cells) == 0 || r.Cells[0].Span != "" {
		return "", false
	}
	for _, c := range r.Cells {
		if c.Text != r.Cells[0].Text || c.Span != "" {
			return "", false
		}
	}
	return r.Cells[0].Text, true
}

func cellOf(f lab.Figure, s, base lab.Summary) Cell {
	v, ok := s.Figures[f.Name]
	if !ok {
		return Cell{Text: "none"}
	}
	c := Cell{}
	c.Text, c.Span = FormatSpread(v, f.Unit)
	other, ok := base.Figures[f.Name]
	if !ok || s.System == base.System {
		return c
	}
	c.Mark = Judge(v, s.Valid, other, base.Valid, f.Less)
	if r, ok := s.Ratios[f.Name]; ok {
		c.Note = Ratio(r.Median)
	}
	return c
}

// lostRounds says in which rounds that count a system lost viewers.
func lostRounds(x lab.Result) []string {
	var all []string
	for _, r := range x.Rounds {
		if len(r.Lost) > 0 && len(r.Invalid) == 0 {
			all = append(all, fmt.Sprintf("%s, round %d: %s", NameOf(r.System), r.Number, clean(strings.Join(r.Lost, "; "))))
		}
	}
	return all
}

// invalidRounds says which rounds count for nothing, and why.
func invalidRounds(x lab.Result) []string {
	var all []string
	for _, r := range x.Rounds {
		if len(r.Invalid) > 0 {
			all = append(all, fmt.Sprintf("%s, round %d: %s", NameOf(r.System), r.Number, clean(strings.Join(r.Invalid, "; "))))
		}
	}
	return all
}

// CommandText is a command line that can be used again.
func CommandText(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if i == 0 {
			a = filepath.Base(a)
		}
		if a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !strings.ContainsRune("-_./:=,%+@", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		quoted[i] = a
	}
	return clean(strings.Join(quoted, " "))
}

// when writes a time for people.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
