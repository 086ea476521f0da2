package live

import (
	"testing"

	"moqedge/moq/wire"
)

// TestFraming: the header of an object is encoded once for all sessions of the
// drafts that write it alike.
func TestFraming(t *testing.T) {
	o := &Object{ID: 70, Size: 300}
	shared := map[uint8]*byte{}
	for _, v := range []wire.Version{wire.Draft18, wire.Draft16, wire.Draft22, wire.Draft19} {
		c := wire.CursorAfter(1)
		b := o.Framing(v, &c, false)
		if have := shared[v.FramingClass()]; have == nil {
			shared[v.FramingClass()] = &b[0]
		} else if have != &b[0] {
			t.Errorf("%v does not share the bytes of its class", v)
		}
		if c != wire.CursorAfter(70) {
			t.Errorf("%v: the cursor is at %v", v, c)
		}
		allocs := testing.AllocsPerRun(10, func() {
			c := wire.CursorAfter(1)
			o.Framing(v, &c, false)
		})
		if allocs != 0 {
			t.Errorf("%v: %v allocations", v, allocs)
		}
		other := wire.CursorAfter(2)
		if d := o.Framing(v, &other, false); &d[0] == &b[0] {
			t.Error("the bytes are those behind another object")
		}
	}
}
