package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func TestSubgroupStreams(t *testing.T) {
	each(subgroupTables, func(v Version, c subgroupCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			want := c.value
			if want.Header.Mode == SubgroupFirstObject && len(want.Objects) > 0 {
				want.Header.Subgroup = want.Objects[0].ID
			}
			got, err := readSubgroup(v, c.in)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("read\n%+v (%v), want\n%+v", got, err, want)
			}
			if b := writeSubgroup(v, &c.value); !c.decodeOnly && !bytes.Equal(b, c.in) {
				t.Fatalf("wrote\n%x, want\n%x", b, c.in)
			}
			err = truncated(c.in, func(b []byte) ([]byte, error) {
				s, err := readSubgroup(v, b)
				if c.decodeOnly || err != nil {
					return nil, err
				}
				return writeSubgroup(v, &s), nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestBadSubgroupStreams(t *testing.T) {
	each(badSubgroupTables, func(v Version, c badCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			_, err := readSubgroup(v, c.in)
			wantError(t, err, c.code)
		})
	})
}

// The cursor of a reader must not move when more bytes are needed, or the object
// read again would be another.
func TestObjectCursorStaysOnError(t *testing.T) {
	var c ObjectCursor
	in := unhex("05 02 3c00 01")
	for i := range in {
		_, n, err := ParseSubgroupObject(Draft18, &c, true, in[:i])
		if !errors.Is(err, ErrShort) || n != 0 || c != (ObjectCursor{}) {
			t.Fatalf("cut at %d: %d, %v, cursor %+v", i, n, err, c)
		}
	}
	if _, _, err := ParseSubgroupObject(Draft18, &c, true, unhex("05 00 00 07")); err == nil || c != (ObjectCursor{}) {
		t.Fatalf("error %v, cursor %+v", err, c)
	}
}

func TestCursorAfter(t *testing.T) {
	var c ObjectCursor
	AppendSubgroupObject(nil, Draft18, &c, false, &Object{ID: 9})
	if got := CursorAfter(9); got != c {
		t.Errorf("%+v, want %+v", got, c)
	}
}

// moqt-18 §11.4.2: 0b0XX1XXXX without mode 0b11; moqt-16 §10.4.2: 0b00X1XXXX.
func TestSubgroupTypes(t *testing.T) {
	for _, v := range everyDraft {
		most := uint64(0x7F)
		if v == Draft16 {
			most = 0x3F
		}
		for typ := range uint64(1 << 12) {
			in := append(writeVarint(v, typ), 1, 2, 3, 4)
			form := typ < 0x80 && typ&0x10 != 0 && typ&0x06 != 0x06
			h, n, err := ParseSubgroupHeader(v, in)
			if StreamType(typ).IsSubgroup() != form {
				t.Errorf("IsSubgroup(%#x) = %v", typ, !form)
			}
			if !form || typ > most {
				wantError(t, err, SessionProtocolViolation)
				continue
			}
			if err != nil {
				t.Errorf("%v: type %#x: %v", v, typ, err)
				continue
			}
			if b := AppendSubgroupHeader(nil, v, &h); !bytes.Equal(b, in[:n]) {
				t.Errorf("%v: type %#x: wrote %x, want %x", v, typ, b, in[:n])
			}
		}
	}
}

// A draft without the bit is not told.
func TestFirstObjectIsLeftOut(t *testing.T) {
	h := SubgroupHeader{TrackAlias: 1, Group: 2, FirstObject: true, EndOfGroup: true}
	if b := AppendSubgroupHeader(nil, Draft16, &h); !bytes.Equal(b, unhex("38 01 02")) {
		t.Errorf("wrote %x", b)
	}
	if b := AppendSubgroupHeader(nil, Draft18, &h); !bytes.Equal(b, unhex("78 01 02")) {
		t.Errorf("wrote %x", b)
	}
}

func TestStreamTypes(t *testing.T) {
	type known struct {
		in   string
		want StreamType
	}
	each([]table[known]{
		{from18, []known{{"05 06", StreamFetch}, {"af00", StreamSetup}, {"f0132b3e28 00", StreamPadding}, {"14 02", 0x14}, {"8014", 0x14}, {"54", 0x54}}},
		{draft16, []known{{"05 06", StreamFetch}, {"14 02", 0x14}, {"4014", 0x14}, {"3d", 0x3D}}},
	}, func(v Version, c known) {
		in := unhex(c.in)
		got, n, err := ParseStreamType(v, in)
		again := writeVarint(v, uint64(c.want))
		if got != c.want || n < len(again) || n > 5 || err != nil {
			t.Errorf("%v: %s: %#x, %d, %v", v, c.in, uint64(got), n, err)
		}
		for i := range n {
			if _, _, err := ParseStreamType(v, in[:i]); !errors.Is(err, ErrShort) {
				t.Errorf("%v: %s cut at %d: %v", v, c.in, i, err)
			}
		}
	})
	each([]table[string]{
		{from18, []string{"00", "04", "06", "16", "8080", "8090", "f0132b3e29", "ffffffffffffffffff"}},
		// What later drafts have: a control stream, padding, FIRST_OBJECT.
		{draft16, []string{"00", "04", "06", "16", "4050", "407d", "4080", "4090", "6f00", "932b3e28", "ffffffffffffffff"}},
	}, func(v Version, in string) {
		_, _, err := ParseStreamType(v, unhex(in))
		wantError(t, err, SessionProtocolViolation)
	})
}
