package topology

import (
	"fmt"
	"html"
	"strings"
)

// style has the colours for light and dark pages. Class names: n node, o where
// publishers are, x external, bad and weak for what Check found.
const style = `
svg{background:#fff;color:#1b1f24;font:13px system-ui,-apple-system,"Segoe UI",sans-serif}
text{fill:currentColor}.h{font-size:17px;font-weight:600}.name{font-weight:600;font-size:14px}.dim{fill:#59636e}
.n{fill:#f3f5f8;stroke:#8a94a0}.o{fill:#e3f1e6;stroke:#2f7d43}.x{fill:none;stroke:#8a94a0;stroke-dasharray:5 4}
.weak{stroke:#b26a00;stroke-width:2.5}.bad{stroke:#c9252d;stroke-width:2.5}
.l{fill:none;stroke:#6e7781;stroke-width:1.6}.second{stroke-dasharray:7 5}.peer{stroke-dasharray:2 4}.ring{stroke:#c9252d;stroke-width:2.4}
.te{fill:#c9252d}.tw{fill:#96590a}.tn{fill:#59636e}
@media (prefers-color-scheme:dark){
svg{background:#14181d;color:#e6eaef}.dim,.tn{fill:#9aa5b1}
.n{fill:#232a32;stroke:#6b7785}.o{fill:#1d3325;stroke:#56b370}.x{stroke:#6b7785}
.weak{stroke:#e0a030}.bad{stroke:#ff6b6b}.l{stroke:#8792a0}.ring{stroke:#ff6b6b}.te{fill:#ff8080}.tw{fill:#e8b04a}
}
`

// SVG draws the tree as a picture that stands for itself, with what Check found
// below it.
func (g *Graph) SVG() string {
	return g.draw(fmt.Sprintf("A tree of %d relays", len(g.nodes)), g.Check(), 3*boxWidth)
}

// Picture is SVG with another title, as narrow as its boxes, and without what Check
// finds: of a tree that runs not all nodes are known.
func (g *Graph) Picture(title string) string { return g.draw(title, nil, widestEntry) }

// draw draws the tree, at least so many pixels wide beside the margins.
func (g *Graph) draw(title string, found []Finding, least int) string {
	title = html.EscapeString(title)
	boxes, width, height := g.layout(least)
	var body strings.Builder
	of := map[*vertex]*box{}
	for _, b := range boxes {
		of[b.vertex] = b
	}
	for _, l := range g.links {
		drawLink(&body, l, of[l.from], of[l.to])
	}
	marks := marksOf(found)
	for _, b := range boxes {
		drawBox(&body, b, marks[b.Name])
	}
	y := legend(&body, height, width-2*margin)
	if len(found) > 0 {
		y += 2 * lineSize
	}
	for _, f := range found {
		for i, line := range wrap(f.Severity.String()+": "+f.Text, max(noteChars, (width-2*margin)/7)) {
			y += lineSize
			if i > 0 {
				line = "    " + line
			}
			fmt.Fprintf(&body, "<text class=\"t%c\" xml:space=\"preserve\" x=\"%d\" y=\"%d\">%s</text>\n", f.Severity.String()[0], margin, y, html.EscapeString(line))
			width = max(width, 2*margin+len([]rune(line))*7)
		}
	}
	height = y + margin
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>%s</title>\n<style>%s</style>\n"+
		"<text class=\"h\" x=\"%d\" y=\"%d\">%s</text>\n%s</svg>\n", width, height, width, height, title, style, margin, margin+12, title, body.String())
}

// marksOf is the class that a finding gives to the node it is about first.
func marksOf(found []Finding) map[string]string {
	marks := map[string]string{}
	for _, f := range found {
		switch {
		case f.Severity == Error:
			for _, n := range f.Nodes {
				marks[n] = "bad"
			}
		case f.Severity == Warning && marks[f.Nodes[0]] == "":
			marks[f.Nodes[0]] = "weak"
		}
	}
	return marks
}

func drawBox(w *strings.Builder, b *box, mark string) {
	class := "n"
	switch {
	case b.external:
		class = "x"
	case b.source():
		class = "o"
	}
	fmt.Fprintf(w, "<g><rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n",
		strings.TrimSpace(class+" "+mark), b.x, b.y, b.width, b.height)
	text := func(class string, line int, s string) {
		fmt.Fprintf(w, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, b.x+12, b.y+21+line*lineSize, html.EscapeString(s))
	}
	text("name", 0, cut(b.Name, maxChars-4))
	text("dim", 1, cut(subtitle(b.vertex), maxChars))
	for i, line := range b.lines {
		text("", 2+i, line)
	}
	w.WriteString("</g>\n")
}

// subtitle says what a node is.
func subtitle(v *vertex) string {
	var parts []string
	if v.Region != "" {
		parts = append(parts, v.Region)
	}
	switch {
	case v.external:
		parts = append(parts, "external")
	case v.Ingest:
		parts = append(parts, "takes publications")
	case v.source():
		parts = append(parts, "top")
	case len(v.down) == 0:
		parts = append(parts, "edge")
	default:
		parts = append(parts, "relay")
	}
	return strings.Join(parts, ", ")
}

// drawLink draws the way from a node up to its upstream, or below both of them
// when that is not above it. Boxes are drawn over it.
func drawLink(w *strings.Builder, l *link, from, to *box) {
	class := "l"
	switch {
	case l.ring, l.Broken:
		class += " ring"
	case l.Peer:
		class += " peer"
	case first(l.from) != l:
		class += " second"
	}
	x1, y1 := port(from, l.from.up, l), from.y
	x2, y2 := port(to, l.to.down, l), to.y+to.height
	if to.y >= from.y { // beside it, or a way back
		y1 = from.y + from.height
		low := max(y1, y2) + gapY/2
		fmt.Fprintf(w, "<path class=\"%s\" d=\"M%d %dC%d %d %d %d %d %d\"/>\n", class, x1, y1, x1, low, x2, low, x2, y2)
		return
	}
	middle := (y1 + y2) / 2
	fmt.Fprintf(w, "<path class=\"%s\" d=\"M%d %dC%d %d %d %d %d %d\"/>\n", class, x1, y1, x1, middle, x2, middle, x2, y2)
}

// port is where one of several links meets a box.
func port(b *box, all []*link, l *link) int {
	for i, x := range all {
		if x == l {
			return b.x + b.width*(i+1)/(len(all)+1)
		}
	}
	return b.x + b.width/2
}

// widestEntry is the width of the widest entry of the legend.
const widestEntry = 300

// legend says what the lines mean, in as many rows as the width needs, and returns where
// the last one is.
func legend(w *strings.Builder, y, width int) int {
	x := margin
	for _, e := range []struct {
		class, text string
		width       int
	}{{"l", "asked first", 130}, {"l second", "asked when that fails, or for a part", 282}, {"l peer", "beside it: asked for what it announced", widestEntry}} {
		if x > margin && x+e.width > margin+width {
			x, y = margin, y+lineSize+4
		}
		fmt.Fprintf(w, "<path class=\"%s\" d=\"M%d %dh36\"/><text class=\"dim\" x=\"%d\" y=\"%d\">%s</text>\n", e.class, x, y, x+44, y+4, e.text)
		x += e.width
	}
	return y
}

// wrap breaks a text into lines at spaces.
func wrap(text string, n int) (lines []string) {
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last < 0 || len([]rune(lines[last]))+1+len([]rune(word)) > n {
			lines = append(lines, word)
			continue
		}
		lines[last] += " " + word
	}
	return lines
}
