package wire

import (
	"bytes"
	"fmt"
	"math"
	"testing"
)

// framings are Objects whose headers differ in every way there is.
var framings = []Object{
	{ID: 0, PayloadLen: 1200},
	{ID: 1, Properties: unhex("3c 02"), PayloadLen: 1},
	{ID: 2, Properties: unhex("0a 85dc 32 02 02 03"), PayloadLen: 64},
	{ID: 3},
	{ID: 70, Properties: unhex("3e 42 01 02 6161"), PayloadLen: 16384},
	{ID: 1 << 40, PayloadLen: 1 << 30},
	{ID: 1<<40 + 1, Status: ObjectEndOfGroup},
	{ID: 1<<62 - 1, Status: ObjectEndOfTrack},
}

// What live keeps of an Object is shared by all drafts of a class.
func TestFramingClass(t *testing.T) {
	var framed [2][]byte
	for _, v := range everyDraft {
		var b []byte
		for _, hasProperties := range []bool{false, true} {
			var c ObjectCursor
			for i := range framings {
				b = AppendSubgroupObject(b, v, &c, hasProperties, &framings[i])
			}
		}
		class := v.FramingClass()
		if framed[class] == nil {
			framed[class] = b
		}
		if !bytes.Equal(b, framed[class]) {
			t.Errorf("%v: wrote\n%x, others of class %d wrote\n%x", v, b, class, framed[class])
		}
	}
	if bytes.Equal(framed[0], framed[1]) {
		t.Error("the classes do not differ")
	}
}

// Draft 16 has no IDs of 2^62 and more: headers with them are not written, not even
// in part, and the cursor stays.
func TestInexpressibleIDs(t *testing.T) {
	const large = MaxQUICVarint + 1
	for _, v := range everyDraft {
		fits := v.MaxInteger() >= large
		var objects ObjectCursor
		var items FetchCursor
		AppendSubgroupObject(nil, v, &objects, false, &Object{ID: large - 1})
		AppendFetchObject(nil, v, &items, &FetchObject{Group: large - 1, ID: large - 1})
		objectsBefore, itemsBefore := objects, items
		for name, b := range map[string][]byte{
			"alias":           AppendSubgroupHeader(nil, v, &SubgroupHeader{TrackAlias: large}),
			"group":           AppendSubgroupHeader(nil, v, &SubgroupHeader{Group: large}),
			"subgroup":        AppendSubgroupHeader(nil, v, &SubgroupHeader{Mode: SubgroupExplicit, Subgroup: large}),
			"object":          AppendSubgroupObject(nil, v, &objects, false, &Object{ID: large}),
			"payload":         AppendSubgroupObject(nil, v, &ObjectCursor{}, false, &Object{PayloadLen: large}),
			"request":         AppendFetchHeader(nil, v, &FetchHeader{RequestID: large}),
			"fetch group":     AppendFetchObject(nil, v, &items, &FetchObject{Group: large, ID: large - 1}),
			"fetch object":    AppendFetchObject(nil, v, &FetchCursor{}, &FetchObject{ID: large}),
			"fetch subgroup":  AppendFetchObject(nil, v, &FetchCursor{}, &FetchObject{Subgroup: large}),
			"datagram alias":  AppendDatagram(nil, v, &Datagram{TrackAlias: large}),
			"datagram group":  AppendDatagram(nil, v, &Datagram{Group: large}),
			"datagram object": AppendDatagram(nil, v, &Datagram{ID: large}),
		} {
			if (len(b) > 0) != fits {
				t.Errorf("%v: %s: wrote %x", v, name, b)
			}
		}
		if moved := objects != objectsBefore || items != itemsBefore; moved != fits {
			t.Errorf("%v: cursors moved: %v", v, moved)
		}
	}
}

// A marker up to the end of a group ends with the largest ID that the draft has.
func TestMarkerWithoutEnd(t *testing.T) {
	for _, v := range everyDraft {
		marker := FetchObject{Kind: FetchItemEndUnknown, Group: 3, ID: math.MaxUint64}
		var wrote, read FetchCursor
		b := AppendFetchObject(nil, v, &wrote, &marker)
		got, n, err := ParseFetchObject(v, &read, b)
		if err != nil || n != len(b) || got.ID != math.MaxUint64 || got.Group != 3 {
			t.Errorf("%v: %x is %+v, error %v", v, b, got, err)
		}
	}
}

// A draft this package does not know has no streams and no markers.
func TestUnknownDraft(t *testing.T) {
	const v = Version(15)
	if _, _, err := ParseSubgroupHeader(v, unhex("14 00 00 00 00")); err == nil {
		t.Error("a subgroup was read")
	}
	if _, _, err := ParseDatagram(v, unhex("0c 01 02")); err == nil {
		t.Error("a datagram was read")
	}
	var c FetchCursor
	if b := AppendFetchObject(nil, v, &c, &FetchObject{Kind: FetchItemEndUnknown}); len(b) != 0 || c != (FetchCursor{}) {
		t.Errorf("wrote the marker %x", b)
	}
}

// codings are the loops that benchmarks time and of which a test says that they do
// not allocate: each writes or reads one header.
type coding struct {
	name           string
	encode, decode func() bool
}

func codings(v Version) []coding {
	buf := make([]byte, 0, 256)
	// Nothing has to be rewritten for draft 16: its publishers use small integers.
	plain := Object{ID: 7, Properties: unhex("3c 02 02 01"), PayloadLen: 1200}
	rewritten := Object{ID: 7, Properties: unhex("0a 85dc 32 02 02 03"), PayloadLen: 1200}
	object := func(name string, o *Object, hasProperties bool) coding {
		start := CursorAfter(6)
		in := AppendSubgroupObject(nil, v, &start, hasProperties, o)
		return coding{name,
			func() bool {
				c := CursorAfter(6)
				return len(AppendSubgroupObject(buf[:0], v, &c, hasProperties, o)) == len(in)
			},
			func() bool {
				c := CursorAfter(6)
				o, n, err := ParseSubgroupObject(v, &c, hasProperties, in)
				return err == nil && n == len(in) && o.ID == 7
			},
		}
	}
	item := FetchObject{Group: 1 << 30, ID: 8, Subgroup: 1, Priority: 3, Properties: plain.Properties, HasProperties: true, PayloadLen: 1200}
	at := FetchCursor{started: true, group: 1 << 30, id: 7, hasPriority: true, priority: 3, hasSubgroup: true, subgroup: 1}
	writer := at
	itemIn := AppendFetchObject(nil, v, &writer, &item)
	datagram := Datagram{TrackAlias: 3, Group: 1 << 30, ID: 9, Priority: Some(uint8(1)), Properties: plain.Properties, Payload: buf[:200]}
	datagramIn := AppendDatagram(nil, v, &datagram)
	big := make([]byte, 0, 512)
	header := SubgroupHeader{TrackAlias: 1000, Group: 1 << 30, Mode: SubgroupExplicit, Subgroup: 2, HasProperties: true, Priority: Some(uint8(3))}
	headerIn := AppendSubgroupHeader(nil, v, &header)
	return []coding{
		object("object", &plain, false),
		object("object with properties", &plain, true),
		object("object with rewritten properties", &rewritten, true),
		{"fetch object",
			func() bool {
				c := at
				return len(AppendFetchObject(buf[:0], v, &c, &item)) == len(itemIn)
			},
			func() bool {
				c := at
				o, n, err := ParseFetchObject(v, &c, itemIn)
				return err == nil && n == len(itemIn) && o.ID == 8
			},
		},
		{"datagram",
			func() bool { return len(AppendDatagram(big[:0], v, &datagram)) == len(datagramIn) },
			func() bool {
				d, _, err := ParseDatagram(v, datagramIn)
				return err == nil && d.ID == 9
			},
		},
		{"subgroup header",
			func() bool { return len(AppendSubgroupHeader(buf[:0], v, &header)) == len(headerIn) },
			func() bool {
				h, n, err := ParseSubgroupHeader(v, headerIn)
				return err == nil && n == len(headerIn) && h == header
			},
		},
	}
}

// A relay does these for every Object. Only reading properties that draft 16 writes
// in another form takes memory, once.
func TestHeadersDoNotAllocate(t *testing.T) {
	for _, v := range everyDraft {
		for _, c := range codings(v) {
			want := 0.0
			if v.FramingClass() == 0 && c.name == "object with rewritten properties" {
				want = 1
			}
			if n := testing.AllocsPerRun(100, func() { mustCode(t, c.encode()) }); n != 0 {
				t.Errorf("%v: writing %s: %v allocations", v, c.name, n)
			}
			if n := testing.AllocsPerRun(100, func() { mustCode(t, c.decode()) }); n != want {
				t.Errorf("%v: reading %s: %v allocations, want %v", v, c.name, n, want)
			}
		}
	}
}

func mustCode(t testing.TB, ok bool) {
	if !ok {
		t.Fatal("an unexpected header")
	}
}

func benchmarkCoding(b *testing.B, name string) {
	for _, v := range everyDraft {
		for _, c := range codings(v) {
			if c.name != name {
				continue
			}
			for _, way := range []struct {
				name string
				run  func() bool
			}{{"encode", c.encode}, {"decode", c.decode}} {
				b.Run(fmt.Sprintf("draft-%d/%s", v, way.name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						mustCode(b, way.run())
					}
				})
			}
		}
	}
}

func BenchmarkSubgroupObject(b *testing.B)           { benchmarkCoding(b, "object") }
func BenchmarkSubgroupObjectProperties(b *testing.B) { benchmarkCoding(b, "object with properties") }
func BenchmarkSubgroupObjectRewritten(b *testing.B) {
	benchmarkCoding(b, "object with rewritten properties")
}
func BenchmarkFetchObject(b *testing.B) { benchmarkCoding(b, "fetch object") }
func BenchmarkDatagram(b *testing.B)    { benchmarkCoding(b, "datagram") }
