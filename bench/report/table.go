package report

import "strings"

// Table is figures in rows and columns, of which the first has the names of the
// rows.
type Table struct {
	Caption string
	Head    []string // names of the columns
	Groups  []Group
	Notes   []string // below it
}

// Group is rows that belong together.
type Group struct {
	Title string // "" for none
	Rows  []Row
}

// Row is a line of a table.
type Row struct {
	Name  string
	Cells []Cell // of the columns from the second on; those that are missing are empty
}

// Cell is a figure, with what there is to say about it.
type Cell struct {
	Text string // 12.3 ms
	Span string // 11.9-13.1; "" for none
	Note string // 0.59x; "" for none
	Mark Mark
}

// Mark says how a figure compares with the one that it is held against.
type Mark int

// The marks.
const (
	NoMark  Mark = iota // it is not compared
	Better              // its worst is better than the other's best
	Worse               // its best is worse than the other's worst
	Same                // as far as can be read
	Unclear             // they overlap, or were measured once
)

// Sign is a mark as one character.
func (m Mark) Sign() string {
	if m < NoMark || m > Unclear {
		m = NoMark
	}
	return []string{"", "+", "-", "=", "~"}[m]
}

// String is a mark in words.
func (m Mark) String() string {
	if m < NoMark || m > Unclear {
		m = NoMark
	}
	return []string{"", "better", "worse", "the same", "unclear"}[m]
}

// Style says what text is written for.
type Style struct {
	Width int  // columns; 0: 80
	Color bool // with the escapes of a terminal
}

// StyleOf returns the style of a console: color for terminals, unless NO_COLOR is
// set or TERM is dumb. getenv looks up a variable, as os.Getenv does.
func StyleOf(c Console, getenv func(string) string) Style {
	return Style{Width: c.Width(), Color: c.Width() > 0 && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

// least and most are the columns for which text is laid out: what is narrower is
// for the terminal to break.
const (
	least      = 40
	usual      = 80
	mostToRead = 140
)

func (s Style) width() int {
	if s.Width == 0 {
		return usual
	}
	return min(max(s.Width, least), mostToRead)
}

// Escapes of a terminal.
const (
	bold  = "\x1b[1m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

func (s Style) paint(escape, text string) string {
	if !s.Color || escape == "" || text == "" {
		return text
	}
	return escape + text + plain
}

// Text lays a table out for a terminal. Where a row does not fit a line the spans
// are below the figures, and long names are broken; where even this is too wide
// each column has a line of its own.
func (t Table) Text(s Style) string {
	g := t.grid(true)
	if g.total() > s.width() {
		g = t.grid(false)
	}
	if over := g.total() - s.width(); over > 0 {
		g.widths[0] = max(g.widths[0]-over, shortest(g.widths[0]))
	}
	var out strings.Builder
	if t.Caption != "" {
		writeLines(&out, wrap(t.Caption, s.width(), ""))
	}
	switch {
	case len(t.Groups) == 0: // heads of nothing
	case g.total() > s.width():
		t.list(&out, s)
	default:
		g.write(&out, s)
	}
	for _, n := range t.Notes {
		writeLines(&out, wrap(n, s.width(), ""))
	}
	return strings.TrimRight(out.String(), "\n")
}

// shortest is what a column of names may be pressed to.
func shortest(width int) int { return min(width, 14) }

// piece is a text that may be colored.
type piece struct{ text, escape string }

// grid is a table in lines.
type grid struct {
	widths []int
	rows   []gridRow
}

// gridRow is a row of a table: its columns, each of some lines.
type gridRow struct {
	title bool // the first column goes across all
	cells [][]piece
}

const gutter = 2

func (g grid) total() int {
	n := -gutter
	for _, w := range g.widths {
		n += w + gutter
	}
	return n
}

// grid puts a table in lines, with the spans beside the figures or below.
func (t Table) grid(beside bool) grid {
	var g grid
	parts := t.parts(beside)
	var head []([]piece)
	for i, n := range t.Head {
		text := clean(n)
		if i > 0 && i <= len(parts) {
			text += strings.Repeat(" ", parts[i-1].after())
		}
		head = append(head, []piece{{text, bold}})
	}
	g.add(gridRow{cells: head})
	for _, group := range t.Groups {
		if group.Title != "" {
			g.add(gridRow{title: true, cells: [][]piece{{{clean(group.Title), bold}}}})
		}
		for _, r := range group.Rows {
			row := gridRow{cells: [][]piece{{{indent(group) + clean(r.Name), ""}}}}
			for i, c := range r.Cells {
				row.cells = append(row.cells, parts[i].lay(c, beside))
			}
			g.add(row)
		}
	}
	return g
}

func indent(g Group) string {
	if g.Title == "" {
		return ""
	}
	return "  "
}

// parts are the widths of what makes up the cells of a column.
type parts struct{ text, span, note int }

func (t Table) parts(beside bool) []parts {
	var all []parts
	for _, group := range t.Groups {
		for _, r := range group.Rows {
			for i, c := range r.Cells {
				if i == len(all) {
					all = append(all, parts{})
				}
				p := &all[i]
				p.text = max(p.text, columns(clean(c.Text)))
				p.note = max(p.note, columns(c.note()))
				if beside {
					p.span = max(p.span, columns(clean(c.Span)))
				} else {
					p.text = max(p.text, columns(clean(c.Span)))
				}
			}
		}
	}
	return all
}

// after is how many columns there are beside the text.
func (p parts) after() int {
	n := 0
	for _, w := range []int{p.span, p.note} {
		if w > 0 {
			n += 1 + w
		}
	}
	return n
}

// lay returns the lines of a cell, the figures of all rows below each other.
func (p parts) lay(c Cell, beside bool) []piece {
	beyond := func(text string, width int) string {
		if width == 0 {
			return ""
		}
		return " " + text + strings.Repeat(" ", width-columns(text))
	}
	span, note := clean(c.Span), beyond(c.note(), p.note)
	inText := func(text string) string { return strings.Repeat(" ", p.text-columns(text)) + text }
	escape := map[Mark]string{Better: green, Worse: red}[c.Mark]
	if beside {
		return []piece{{inText(clean(c.Text)) + beyond(span, p.span) + note, escape}}
	}
	lines := []piece{{inText(clean(c.Text)) + note, escape}}
	if span != "" {
		lines = append(lines, piece{inText(span) + beyond("", p.note), ""})
	}
	return lines
}

// note is what is said beside a figure.
func (c Cell) note() string { return clean(c.Note) + c.Mark.Sign() }

func (g *grid) add(r gridRow) {
	g.rows = append(g.rows, r)
	if r.title {
		return
	}
	for i, c := range r.cells {
		if i == len(g.widths) {
			g.widths = append(g.widths, 0)
		}
		for _, p := range c {
			g.widths[i] = max(g.widths[i], columns(p.text))
		}
	}
}

func (g grid) write(out *strings.Builder, s Style) {
	for _, r := range g.rows {
		if r.title {
			for _, line := range wrap(r.cells[0][0].text, s.width(), "") {
				out.WriteString(s.paint(bold, line) + "\n")
			}
		} else if len(r.cells) > 0 {
			g.writeRow(out, r, s)
		}
	}
}

func (g grid) writeRow(out *strings.Builder, r gridRow, s Style) {
	var names []piece
	for _, line := range wrap(r.cells[0][0].text, g.widths[0], "    ") {
		names = append(names, piece{line, r.cells[0][0].escape})
	}
	cells := append([][]piece{names}, r.cells[1:]...)
	lines := 0
	for _, c := range cells {
		lines = max(lines, len(c))
	}
	for k := range lines {
		var line strings.Builder
		blank := 0 // columns before what comes next
		for i, c := range cells {
			var p piece
			if k < len(c) {
				p = c[k]
			}
			text := strings.TrimRight(p.text, " ")
			room := max(g.widths[i]-columns(p.text), 0)
			if i > 0 { // figures are flush right
				blank += gutter + room
				room = 0
			}
			if text == "" {
				blank += columns(p.text) + room
				continue
			}
			line.WriteString(strings.Repeat(" ", blank) + s.paint(p.escape, text))
			blank = room + columns(p.text) - columns(text)
		}
		out.WriteString(line.String() + "\n")
	}
}

// list writes each figure on a line of its own.
func (t Table) list(out *strings.Builder, s Style) {
	for _, group := range t.Groups {
		if group.Title != "" {
			for _, line := range wrap(clean(group.Title), s.width(), "") {
				out.WriteString(s.paint(bold, line) + "\n")
			}
		}
		for _, r := range group.Rows {
			writeLines(out, wrap(indent(group)+clean(r.Name), s.width(), "    "))
			for i, c := range r.Cells {
				name := ""
				if i+1 < len(t.Head) {
					name = clean(t.Head[i+1]) + ": "
				}
				text := name + clean(c.Text)
				if c.Span != "" {
					text += " (" + clean(c.Span) + ")"
				}
				writeLines(out, wrap("    "+text+" "+c.note(), s.width(), "      "))
			}
		}
	}
}
