package report

import (
	"fmt"
	"math"
	"strings"

	"moqedge/bench/lab"
)

// Lines is a plot of curves.
type Lines struct {
	Title string
	Text  string // what it shows and how to read it
	X, Y  Axis
	// Series are the curves.
	Series []Series
	// Bands are parts of the X axis of which something is to be said.
	Bands []Band
	// Table is what is behind it, as far as people want to read it.
	Table Table
}

// Series is a curve.
type Series struct {
	Name   string
	Slot   Slot
	Points []Point // ascending by X
}

// Point is a place of a curve. Y is NaN where the curve has a gap.
type Point struct{ X, Y float64 }

// Band is a part of the X axis.
type Band struct {
	From, To float64
	Name     string
}

func (l Lines) about() (title, text string) { return l.Title, l.Text }

func (l Lines) behind() Table { return l.Table }

func (l Lines) legend() []key {
	var all []key
	for _, s := range l.Series {
		all = append(all, key{clean(s.Name), s.Slot.class(), true})
	}
	return all
}

func (l Lines) draw(c *canvas) {
	var xs, ys []float64
	for _, s := range l.Series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	for _, b := range l.Bands {
		xs = append(xs, b.From, b.To)
	}
	x, y := l.X.ruler(xs), l.Y.ruler(ys)
	for _, b := range l.Bands {
		from, _ := x.part(b.From)
		to, _ := x.part(b.To)
		c.tag(`<rect class="band" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, c.x(from), c.top, math.Max(c.x(to)-c.x(from), 0), c.plotHeight())
		c.text((c.x(from)+c.x(to))/2, c.top+14, "tick mid", b.Name)
	}
	c.axes(x, y)
	for i, s := range l.Series {
		c.curve(s, i, x, y)
	}
	l.tips(c, x, y)
}

// curve draws a series. Marks are spread over its length, at other places for each
// series, so that curves on top of each other can be told apart.
func (c *canvas) curve(s Series, place int, x, y *ruler) {
	class := s.Slot.class()
	var path strings.Builder
	var marks []Point
	pen, lastX, lastY := false, math.Inf(-1), 0.0
	var end Point
	for _, p := range s.Points {
		px, okX := x.part(p.X)
		py, okY := y.part(p.Y)
		if !okX || !okY {
			pen = false
			continue
		}
		at := Point{c.x(px), c.y(py)}
		if pen && at.X-lastX < 0.5 && math.Abs(at.Y-lastY) < 0.5 {
			continue // it cannot be seen
		}
		letter := "L"
		if !pen {
			letter = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", letter, at.X, at.Y)
		pen, lastX, lastY = true, at.X, at.Y
		far := len(marks) == 0 && at.X >= c.left+float64(place)*c.plotWidth()/24
		if n := len(marks); n > 0 {
			far = at.X-marks[n-1].X > c.plotWidth()/8 || math.Abs(at.Y-marks[n-1].Y) > c.plotHeight()/4
		}
		if far {
			marks = append(marks, at)
		}
		end = at
	}
	if len(marks) == 0 {
		marks = []Point{end}
	}
	if path.Len() == 0 {
		return
	}
	c.tag(`<path class="line %s" d="%s"/>`, class, path.String())
	for _, m := range marks {
		c.tag(`<path class="mark %s" d="%s"/>`, class, s.Slot.mark(m.X, m.Y))
	}
}

// mark is the shape of a look.
func (s Slot) mark(x, y float64) string {
	switch s.look() {
	case 0: // circle
		return fmt.Sprintf("M%.1f %.1fa4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", x-4, y)
	case 1: // square
		return fmt.Sprintf("M%.1f %.1fh7v7h-7z", x-3.5, y-3.5)
	case 2: // triangle
		return fmt.Sprintf("M%.1f %.1fl4.5 8h-9z", x, y-4.5)
	case 3: // diamond
		return fmt.Sprintf("M%.1f %.1fl5 5l-5 5l-5 -5z", x, y-5)
	case 4: // cross
		return fmt.Sprintf("M%.1f %.1fl8 8m0 -8l-8 8", x-4, y-4)
	case 5: // plus
		return fmt.Sprintf("M%.1f %.1fh8m-4 -4v8", x-4, y)
	case 6: // triangle that stands on its head
		return fmt.Sprintf("M%.1f %.1fl4.5 -8h-9z", x, y+4.5)
	}
	return fmt.Sprintf("M%.1f %.1fh8v3h-8z", x-4, y-1.5) // bar
}

// tips say what the curves are where one points at, in strips over the X axis.
func (l Lines) tips(c *canvas, x, y *ruler) {
	const strips = 48
	for i := range strips {
		part := (float64(i) + 0.5) / strips
		var said []string
		for _, s := range l.Series {
			if v, ok := s.at(part, x); ok {
				said = append(said, clean(s.Name)+" "+Format(v, y.Unit))
			}
		}
		if len(said) > 0 {
			head := Format(x.value(part), x.Unit)
			c.tip(c.x(float64(i)/strips), c.top, c.plotWidth()/strips, c.plotHeight(), head+"\n"+strings.Join(said, "\n"))
		}
	}
}

// at is the value of a curve at a part of the X axis: that of the last point
// before.
func (s Series) at(part float64, x *ruler) (v float64, ok bool) {
	for i, p := range s.Points {
		at, good := x.part(p.X)
		if !good {
			continue
		}
		if at > part {
			break
		}
		// A curve that has ended says nothing of what comes later.
		v, ok = p.Y, !bad(p.Y) && (i < len(s.Points)-1 || part-at < 0.02 || p.Y >= 1 && x.Scale == Log)
	}
	return v, ok
}

// value is what is at a part of an axis.
func (r *ruler) value(part float64) float64 {
	v := r.from + part*(r.to-r.from)
	switch r.Scale {
	case Log:
		return math.Pow(10, v)
	case Nines:
		return 1 - math.Pow(10, -v)
	}
	return v
}

// secondsAxis is one of times.
func secondsAxis(title string, s Scale) Axis { return Axis{Title: title, Unit: lab.Seconds, Scale: s} }
