package topology

import (
	"cmp"
	"slices"
)

// Sizes of the picture, in pixels.
const (
	boxWidth  = 244
	lineSize  = 17 // of a line of text in a box
	boxBase   = 52 // of a box without upstreams
	gapX      = 24
	gapY      = 74 // between rows, for the links
	margin    = 28
	heading   = 34
	perRow    = 7
	maxChars  = 34 // of a line in a box
	textSize  = 13
	noteChars = 120 // of a line below the picture
)

// box is where a node is drawn.
type box struct {
	*vertex
	x, y, width, height int
	lines               []string // the note, then those of each upstream
}

// layout places all nodes in rows, below those that they ask, without
// overlaps. It returns the size that they need, at least so wide.
func (g *Graph) layout(least int) (boxes []*box, width, height int) {
	ranks := g.ranks()
	var rows [][]*box
	of := map[*vertex]*box{}
	for _, v := range g.nodes {
		for len(rows) <= ranks[v] {
			rows = append(rows, nil)
		}
		b := &box{vertex: v, width: boxWidth}
		if v.Note != "" {
			b.lines = append(b.lines, cut(v.Note, maxChars))
		}
		for _, l := range v.up {
			b.lines = append(b.lines, cut(lineOf(l), maxChars))
			if l.Note != "" {
				b.lines = append(b.lines, cut(l.Note, maxChars))
			}
		}
		b.height = boxBase + lineSize*len(b.lines)
		rows[ranks[v]] = append(rows[ranks[v]], b)
		of[v] = b
		boxes = append(boxes, b)
	}
	var short [][]*box // rows of at most perRow boxes
	place := map[*vertex]float64{}
	for _, row := range rows {
		order(row, place)
		for i, b := range row {
			place[b.vertex] = (float64(i) + 0.5) / float64(len(row))
		}
		parts := (len(row) + perRow - 1) / perRow
		for i := range parts {
			short = append(short, row[i*len(row)/parts:(i+1)*len(row)/parts])
		}
	}
	for _, row := range short {
		width = max(width, len(row)*(boxWidth+gapX)-gapX)
	}
	width = max(width, least)
	y := margin + heading
	for _, row := range short {
		x, tallest := margin+(width-len(row)*(boxWidth+gapX)+gapX)/2, 0
		for _, b := range row {
			b.x, b.y = x, y
			x += boxWidth + gapX
			tallest = max(tallest, b.height)
		}
		y += tallest + gapY
	}
	return boxes, width + 2*margin, y - gapY + gapY/2
}

// ranks says how many nodes are above each at most; links that close a ring, and
// those between peers, do not count.
func (g *Graph) ranks() map[*vertex]int {
	ranks, busy := map[*vertex]int{}, map[*vertex]bool{}
	var rank func(v *vertex) int
	rank = func(v *vertex) int {
		if r, known := ranks[v]; known || busy[v] {
			return r
		}
		busy[v] = true
		r := 0
		for _, l := range v.up {
			if !l.Peer && !busy[l.to] {
				r = max(r, rank(l.to)+1)
			}
		}
		busy[v] = false
		ranks[v] = r
		return r
	}
	for _, v := range g.nodes {
		rank(v)
	}
	return ranks
}

// order puts the boxes of a row below those that they ask, and keeps regions
// together.
func order(row []*box, place map[*vertex]float64) {
	middle := func(b *box) float64 {
		sum, n := 0.0, 0
		for _, l := range b.up {
			if p, known := place[l.to]; known {
				sum += p
				n++
			}
		}
		if n == 0 {
			return 0.5
		}
		return sum / float64(n)
	}
	regions := map[string][]float64{}
	for _, b := range row {
		regions[b.Region] = append(regions[b.Region], middle(b))
	}
	region := func(b *box) float64 {
		sum := 0.0
		for _, m := range regions[b.Region] {
			sum += m
		}
		return sum / float64(len(regions[b.Region]))
	}
	slices.SortStableFunc(row, func(a, b *box) int {
		if a.Region != b.Region {
			return cmp.Or(cmp.Compare(region(a), region(b)), cmp.Compare(a.Region, b.Region))
		}
		return cmp.Compare(middle(a), middle(b))
	})
}

// lineOf is what a box says about an upstream.
func lineOf(l *link) string {
	arrow := "↑ "
	if l.Peer {
		arrow = "↔ "
	}
	text := arrow + l.label()
	for _, c := range conditions(l) {
		if c != "beside it" {
			text += ", " + c
		}
	}
	return text
}

// cut shortens a text to a number of characters.
func cut(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:n-1]) + "…"
}
