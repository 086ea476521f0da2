package wire

import (
	"cmp"
	"math"
	"strconv"
)

// Location identifies an Object in a Group of a Track (moqt-18 §1.4.2).
type Location struct{ Group, Object uint64 }

// Compare returns -1, 0 or 1 as l is before, at or after o.
func (l Location) Compare(o Location) int {
	return cmp.Or(cmp.Compare(l.Group, o.Group), cmp.Compare(l.Object, o.Object))
}

// Less reports whether l is before o.
func (l Location) Less(o Location) bool { return l.Compare(o) < 0 }

// Next returns the smallest Location after l: the next Object ID, or the start
// of the next Group after the largest Object ID. The largest Location of all is
// its own successor.
func (l Location) Next() Location {
	switch {
	case l.Object < math.MaxUint64:
		l.Object++
	case l.Group < math.MaxUint64:
		l = Location{Group: l.Group + 1}
	}
	return l
}

// String returns "group/object".
func (l Location) String() string {
	return strconv.FormatUint(l.Group, 10) + "/" + strconv.FormatUint(l.Object, 10)
}
