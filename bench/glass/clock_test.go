package glass

import "testing"

// levelsOf is what the cells of a picture look like, as bright as compression leaves
// them.
func levelsOf(n int) []float64 {
	levels := []float64{233, 18}
	gray := n ^ n>>1
	for bit := 13; bit >= 0; bit-- {
		levels = append(levels, 20+float64(gray>>bit&1)*210)
	}
	return levels
}

func TestReadCells(t *testing.T) {
	for n := range clipPictures {
		if got, ok := readCells(levelsOf(n)); !ok || got != n {
			t.Errorf("picture %d is read as %d, %v", n, got, ok)
		}
	}
	grey := levelsOf(7)
	grey[12] = 120
	flat := levelsOf(7)
	flat[0] = 60
	for what, levels := range map[string][]float64{
		"nothing": nil, "too few": levelsOf(7)[:15], "too many": append(levelsOf(7), 20), "a grey cell": grey, "no contrast": flat,
		"a number beyond the clip": levelsOf(300), "black": make([]float64, 16),
	} {
		if n, ok := readCells(levels); ok {
			t.Errorf("%s is read as picture %d", what, n)
		}
	}
}

func TestNearest(t *testing.T) {
	const loop = 1_700_000_000_000 // ms, a whole number of loops
	for _, c := range []struct {
		n      int
		at     int64
		behind float64 // ms
	}{
		{0, loop, 0}, {0, loop + 400, 400}, {299, loop + 100, 100 + 1000./30}, {150, loop + 5000, 0}, {150, loop + 9900, 4900}, {3, loop + 90, -10},
	} {
		picture := nearest(c.n, c.at)
		if behind := float64(c.at) - sent(picture); picture%clipPictures != int64(c.n) || behind-c.behind > 1e-3 || c.behind-behind > 1e-3 {
			t.Errorf("picture %d at %d is taken for one of %.3f ms before, want %.3f", c.n, c.at, behind, c.behind)
		}
	}
}
