package live

import (
	"bytes"
	"testing"

	"moqedge/moq/wire"
)

// An object that arrives on a stream lies behind the header that subscribers get,
// so that both are written as one; where they get another one, nothing is joined.
func TestJoined(t *testing.T) {
	for _, c := range []struct {
		name       string
		size       int
		properties wire.Properties
		version    wire.Version
		alone      bool // the subscriber did not get the object before
		joined     bool
	}{
		{"of an even size", 12_500, nil, wire.Draft18, false, true},
		{"small", 120, nil, wire.Draft22, false, true},
		{"with properties", 12_500, wire.Properties{2, 1}, wire.Draft18, false, true},
		{"in several segments", 2*segmentSize + 1, nil, wire.Draft18, false, false},
		{"that would take more memory", 16 << 10, nil, wire.Draft18, false, false},
		{"in the form of draft 16", 12_500, nil, wire.Draft16, false, false},
		{"after another object", 12_500, nil, wire.Draft18, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			track := NewTrack(wire.FullTrackName{Name: "t"}, Options{})
			w, err := track.OpenSubgroup(SubgroupInfo{HasProperties: c.properties != nil, FirstObject: true})
			if err != nil {
				t.Fatal(err)
			}
			var o *Object
			for id := range uint64(2) {
				if err := w.Begin(ObjectHeader{ID: id, Properties: c.properties, Size: uint64(c.size)}); err != nil {
					t.Fatal(err)
				}
				for b := w.Buffer(); len(b) > 0; b = w.Buffer() {
					w.Commit(min(len(b), 5000))
				}
				o, _, _ = w.subgroup.Next(id)
			}
			var cursor wire.ObjectCursor
			if !c.alone {
				cursor = wire.CursorAfter(0)
			}
			header := o.Framing(c.version, &cursor, c.properties != nil)
			if cap(header) != len(header) {
				t.Error("who appends to the header writes into the payload")
			}
			piece := o.Bytes(0)
			whole := o.Joined(header, piece)
			if (whole != nil) != c.joined {
				t.Fatalf("joined: %v, want %v", whole != nil, c.joined)
			}
			if c.joined && !bytes.Equal(whole, append(bytes.Clone(header), piece...)) {
				t.Error("what is joined is not header and payload")
			}
			if part := o.Joined(header, o.Bytes(1)); part != nil {
				t.Error("joined with a piece from the middle")
			}
			if part := o.Joined(header[1:], piece); part != nil {
				t.Error("joined with a part of the header")
			}
			if n := testing.AllocsPerRun(10, func() { o.Joined(header, piece) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
