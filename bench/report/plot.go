package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"

	"moqedge/bench/lab"
)

// Plot is a drawing of a page: Lines or Bars.
type Plot interface {
	// about is its title, and what it shows in words, figures included.
	about() (title, text string)
	// legend names what is drawn.
	legend() []key
	// draw writes the shapes on a canvas.
	draw(c *canvas)
	// behind is its figures as a table.
	behind() Table
}

// Slot is the look of what is drawn: color, dashes, marks, hatching. A system looks
// the same in all plots.
type Slot int

// slots is how many looks there are; more series look like the first ones again.
const slots = 8

// SlotOf returns the look of a system: one of its own for each that is drawn as a
// curve beside others.
func SlotOf(s lab.System) Slot {
	i := slices.Index([]lab.System{
		lab.QUIC, lab.WebTransport, lab.WebRTC, lab.WebRTCSegments, lab.BareQUIC, lab.BareWebTransport, lab.BareUDPEncrypted, lab.BareUDPSegments,
	}, s)
	if i < 0 {
		return slots - 1
	}
	return Slot(i)
}

// look is which of the looks a slot has.
func (s Slot) look() int { return (int(s)%slots + slots) % slots }

func (s Slot) class() string { return fmt.Sprintf("s%d", s.look()) }

// key is an entry of a legend.
type key struct {
	Name  string
	Class string
	Line  bool // else a bar
}

// canvas is an SVG drawing of some size, in which text has the size of the page's.
type canvas struct {
	width, height            float64
	left, right, top, bottom float64 // margins around the plot
	out                      strings.Builder
}

// The sizes in which each plot is drawn: for screens and for telephones.
func wide() *canvas {
	return &canvas{width: 620, height: 330, left: 70, right: 16, top: 14, bottom: 46}
}
func narrow() *canvas {
	return &canvas{width: 350, height: 300, left: 64, right: 12, top: 14, bottom: 46}
}

func (c *canvas) tag(format string, a ...any) { fmt.Fprintf(&c.out, format, a...) }

func (c *canvas) text(x, y float64, class, text string) {
	c.tag(`<text x="%.1f" y="%.1f" class="%s">%s</text>`, x, y, class, html.EscapeString(clean(text)))
}

// plotWidth and plotHeight are what is between the margins.
func (c *canvas) plotWidth() float64  { return c.width - c.left - c.right }
func (c *canvas) plotHeight() float64 { return c.height - c.top - c.bottom }

// x and y are the places of parts of the plot, 0 to 1, from the lower left.
func (c *canvas) x(part float64) float64 { return c.left + part*c.plotWidth() }
func (c *canvas) y(part float64) float64 { return c.top + (1-part)*c.plotHeight() }

// axes draws lines, numbers and names of two axes; nil for one that has categories.
func (c *canvas) axes(x, y *ruler) {
	for _, t := range y.ticks(c.plotHeight() < 245) {
		at := c.y(t.part)
		c.tag(`<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, c.left, at, c.width-c.right, at)
		c.text(c.left-6, at+4, "tick end", t.text)
	}
	if x != nil {
		for _, t := range x.ticks(c.width < 500) {
			at := c.x(t.part)
			c.tag(`<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, at, c.top, at, c.height-c.bottom)
			c.text(at, c.height-c.bottom+17, "tick mid", t.text)
		}
		c.text(c.x(0.5), c.height-6, "axis mid", x.title)
	}
	c.tag(`<line class="zero" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, c.left, c.y(0), c.width-c.right, c.y(0))
	c.tag(`<text transform="translate(13 %.1f) rotate(-90)" class="axis mid">%s</text>`, c.y(0.5), html.EscapeString(clean(y.title)))
}

// rendered is a plot at one size.
type rendered struct {
	Class string
	SVG   template.HTML
}

// figure is a plot as the page's template needs it.
type figure struct {
	ID, Title, Text string
	Legend          []key
	Drawings        []rendered
	Table           Table
}

func figureOf(p Plot, id string) figure {
	f := figure{ID: id, Legend: p.legend(), Table: p.behind()}
	f.Title, f.Text = p.about()
	for _, size := range []struct {
		class string
		c     *canvas
	}{{"wide", wide()}, {"narrow", narrow()}} {
		c, own := size.c, id+size.class
		c.tag(`<svg viewBox="0 0 %.0f %.0f" role="img" aria-labelledby="%st %sd" class="%s"><title id="%st">%s</title><desc id="%sd">%s</desc>`,
			c.width, c.height, own, own, size.class, own, html.EscapeString(clean(f.Title)), own, html.EscapeString(clean(f.Text)))
		p.draw(c)
		c.tag(`</svg>`)
		f.Drawings = append(f.Drawings, rendered{size.class, template.HTML(c.out.String())}) // #nosec G203 -- all texts in it are escaped above
	}
	return f
}

// tip is a place that says something when it is pointed at.
func (c *canvas) tip(x, y, width, height float64, text string) {
	c.tag(`<rect class="hit" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`,
		x, y, math.Max(width, 0), math.Max(height, 0), html.EscapeString(clean(text)))
}
