package glass

import "math"

// The clip: its pictures are so many, and so many of them make a second.
const (
	clipPictures = 300
	clipRate     = 30
	clipSeconds  = clipPictures / clipRate
)

// row says where the cells of the clip's clock lie, in shares of the picture, as look.js
// takes it. The cells are 32 of 640 pixels wide and begin at 64; of their height,
// from 16 to 48 of 360 pixels, the middle half is looked at.
type row struct {
	X        float64 `json:"x"`
	Y        float64 `json:"y"`
	Width    float64 `json:"width"`
	Height   float64 `json:"height"`
	Cells    int     `json:"cells"`
	Contrast int     `json:"contrast"`
	Target   int64   `json:"target"` // ms that the player is to aim at; 0: what it does by itself
}

const (
	clipCells = 16
	// contrast between black and white, of 255, below which there is no clock.
	contrast = 80
	// margin around the middle between black and white, in which a cell is neither.
	margin = 0.15
)

func clipRow() row {
	return row{X: 64. / 640, Y: 24. / 360, Width: clipCells * 32. / 640, Height: 16. / 360, Cells: clipCells, Contrast: contrast}
}

// readCells returns the number of a picture of the clip, 0 to 299, from the
// brightness of its cells: white, black, and the number as a Gray code of 14 bits.
func readCells(levels []float64) (n int, ok bool) {
	if len(levels) != clipCells || levels[0]-levels[1] < contrast {
		return 0, false
	}
	bit := 0
	for _, level := range levels[2:] {
		share := (level - levels[1]) / (levels[0] - levels[1])
		if math.Abs(share-0.5) < margin {
			return 0, false
		}
		if share > 0.5 {
			bit ^= 1
		}
		n = n<<1 | bit
	}
	return n, n < clipPictures
}

// nearest returns the number of a picture since the Unix epoch, of those whose
// number in the clip is n the one that was sent nearest to a time (ms).
func nearest(n int, at int64) int64 {
	const loop = clipSeconds * 1000
	loops := math.Round((float64(at) - float64(n)*1000/clipRate) / loop)
	return int64(loops)*clipPictures + int64(n)
}

// sent is when a picture was, in ms since the Unix epoch.
func sent(picture int64) float64 { return float64(picture) * 1000 / clipRate }
