package report

import (
	"fmt"
	"html"
	"math"

	"moqedge/bench/lab"
)

// Bars is a plot of figures side by side, with the spread of each.
type Bars struct {
	Title      string
	Text       string // what it shows and how to read it
	Y          Axis
	Categories []string
	Series     []BarSeries
}

// BarSeries is the bars of one look.
type BarSeries struct {
	Name string
	Slot Slot
	// Values are by category; what is not known has a Median that is NaN.
	Values []lab.Spread
}

func (b Bars) about() (title, text string) { return b.Title, b.Text }

func (b Bars) legend() []key {
	var all []key
	for _, s := range b.Series {
		all = append(all, key{clean(s.Name), s.Slot.class(), false})
	}
	return all
}

func (b Bars) behind() Table {
	t := Table{Caption: b.Title, Head: []string{""}}
	for _, s := range b.Series {
		t.Head = append(t.Head, s.Name)
	}
	var g Group
	for i, name := range b.Categories {
		row := Row{Name: name}
		for _, s := range b.Series {
			c := Cell{Text: "none"}
			if i < len(s.Values) && !bad(s.Values[i].Median) {
				c.Text, c.Span = FormatSpread(s.Values[i], b.Y.Unit)
			}
			row.Cells = append(row.Cells, c)
		}
		g.Rows = append(g.Rows, row)
	}
	t.Groups = []Group{g}
	return t
}

func (b Bars) draw(c *canvas) {
	values := []float64{}
	for _, s := range b.Series {
		for _, v := range s.Values {
			values = append(values, v.Median, v.Min, v.Max)
		}
	}
	y := b.Y.ruler(values)
	c.axes(nil, y)
	if len(b.Categories) == 0 || len(b.Series) == 0 {
		return
	}
	room := c.plotWidth() / float64(len(b.Categories))
	each := math.Min(room*0.8/float64(len(b.Series)), 64)
	for i, name := range b.Categories {
		middle := c.left + (float64(i)+0.5)*room
		lines := wrap(name, max(int(room/7), 4), "")
		for k, line := range lines {
			c.text(middle, c.height-c.bottom+17+float64(k)*14, "tick mid", line)
		}
		for k, s := range b.Series {
			if i >= len(s.Values) || bad(s.Values[i].Median) {
				continue
			}
			left := middle + (float64(k)-float64(len(b.Series))/2)*each
			c.bar(left, each, s, s.Values[i], y, name)
		}
	}
}

// bar draws one, the figure above it if there is room, and the spread as a line.
func (c *canvas) bar(left, width float64, s BarSeries, v lab.Spread, y *ruler, category string) {
	zero, _ := y.part(0)
	at, ok := y.part(v.Median)
	if !ok {
		return
	}
	top, bottom := c.y(math.Max(at, zero)), c.y(math.Min(at, zero))
	c.tag(`<rect class="bar %s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, s.Slot.class(), left+1, top, math.Max(width-2, 1), bottom-top)
	highest := top
	if v.Max > v.Min {
		low, okLow := y.part(v.Min)
		high, okHigh := y.part(v.Max)
		if okLow && okHigh {
			x := left + width/2
			c.tag(`<path class="whisker" d="M%.1f %.1fV%.1fm-4 0h8M%.1f %.1fh8"/>`, x, c.y(low), c.y(high), x-4, c.y(low))
			highest = math.Min(highest, c.y(high))
		}
	}
	text, span := FormatSpread(v, y.Unit)
	if label := text; float64(columns(label))*6.2 < width {
		c.tag(`<text x="%.1f" y="%.1f" class="label mid">%s</text>`, left+width/2, math.Max(highest-4, 10), html.EscapeString(label))
	}
	if span != "" {
		text += " (" + span + ")"
	}
	c.tip(left, c.top, width, c.plotHeight(), fmt.Sprintf("%s, %s\n%s", s.Name, category, text))
}
