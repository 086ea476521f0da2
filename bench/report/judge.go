package report

import (
	"fmt"
	"math"
	"strings"

	"moqedge/bench/lab"
)

// near is how much two medians differ at least to be called different: what is
// less matters to nobody.
const near = 0.02

// Judge says how a figure over n rounds compares with another over m rounds. It
// takes two rounds each to tell a difference from chance: with fewer it is Unclear,
// unless both are the same.
func Judge(x lab.Spread, n int, other lab.Spread, m int, less bool) Mark {
	for _, v := range []float64{x.Median, x.Min, x.Max, other.Median, other.Min, other.Max} {
		if bad(v) {
			return Unclear
		}
	}
	if !less {
		x, other = lab.Spread{Median: -x.Median, Min: -x.Max, Max: -x.Min}, lab.Spread{Median: -other.Median, Min: -other.Max, Max: -other.Min}
	}
	switch {
	case x == other:
		return Same
	case n < 2 || m < 2:
		return Unclear
	case math.Abs(x.Median-other.Median) <= near*math.Abs(other.Median) && overlap(x, other):
		return Same
	case x.Max < other.Min:
		return Better
	case x.Min > other.Max:
		return Worse
	}
	return Unclear
}

func overlap(x, y lab.Spread) bool { return x.Min <= y.Max && y.Min <= x.Max }

// baseline is the system that others are held against: the plan's, else the first.
func baseline(x lab.Result) (lab.Summary, bool) {
	for _, s := range x.Systems {
		if s.System == x.Plan.Baseline {
			return s, true
		}
	}
	return lab.Summary{}, false
}

// Verdict is what figures say of a system and the baseline, in words.
type Verdict struct {
	System, Baseline string
	Lines            []Line
}

// Line is one sentence of a verdict.
type Line struct {
	Mark Mark   // for the system
	Who  string // is better, or what is to be said of the rest
	What []string
}

// Listed says that each part of a sentence is worth a line.
func (l Line) Listed() bool { return l.Mark == Better || l.Mark == Worse }

// Verdicts holds each system against the baseline.
func Verdicts(x lab.Result) []Verdict {
	base, ok := baseline(x)
	if !ok {
		return nil
	}
	known, list := figuresByName(), topicsOf(x)
	var all []Verdict
	for _, s := range x.Systems {
		if s.System == base.System {
			continue
		}
		v := Verdict{System: NameOf(s.System), Baseline: NameOf(base.System)}
		if s.Valid == 0 || base.Valid == 0 {
			who := v.System
			if base.Valid == 0 {
				who = v.Baseline
			}
			v.Lines = []Line{{Unclear, "Nothing can be said", []string{"no round of " + who + " counts"}}}
			all = append(all, v)
			continue
		}
		said := map[Mark][]string{}
		for _, t := range list {
			for _, f := range t.figures {
				a, has := s.Figures[f.name]
				b, had := base.Figures[f.name]
				if f.said == "" || !has || !had {
					continue
				}
				k := known[f.name]
				m := Judge(a, s.Valid, b, base.Valid, k.Less)
				text := f.said
				if m == Better || m == Worse {
					text += " " + instead(a, b, k.Unit, m)
				}
				if m == Same {
					text += " (" + Format(b.Median, k.Unit) + ")"
				}
				said[m] = append(said[m], text)
			}
		}
		add := func(m Mark, who string) {
			if len(said[m]) > 0 {
				v.Lines = append(v.Lines, Line{m, who, said[m]})
			}
		}
		add(Better, v.System+" is better")
		add(Worse, v.Baseline+" is better")
		unclear := "Too close to tell, as rounds overlap"
		if s.Valid < 2 || base.Valid < 2 {
			unclear = "Nothing can be said of what was measured once (--rounds 3)"
		}
		add(Unclear, unclear)
		add(Same, "The same")
		all = append(all, v)
	}
	return all
}

// instead says how much the better one has, and what the other.
func instead(a, b lab.Spread, u lab.Unit, m Mark) string {
	if m == Worse {
		a, b = b, a
	}
	text := Format(a.Median, u) + " instead of " + Format(b.Median, u)
	if a.Median > 0 && b.Median > 0 && u != lab.Share {
		text += fmt.Sprintf(" (%s)", Ratio(a.Median/b.Median))
	}
	return text
}

// verdictText writes verdicts for a terminal.
func verdictText(out *strings.Builder, all []Verdict, s Style) {
	for _, v := range all {
		fmt.Fprintf(out, "\n%s\n", s.paint(bold, v.System+" against "+v.Baseline))
		for _, l := range v.Lines {
			head := l.Who + ":"
			if l.Listed() {
				out.WriteString("  " + s.paint(map[Mark]string{Better: green, Worse: red}[l.Mark], head) + "\n")
				for _, w := range l.What {
					writeLines(out, wrap("    "+w, s.width(), "      "))
				}
				continue
			}
			writeLines(out, wrap("  "+head+" "+strings.Join(l.What, ", ")+".", s.width(), "    "))
		}
	}
}
