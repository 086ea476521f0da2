package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func TestFetchStreams(t *testing.T) {
	each(fetchTables, func(v Version, c fetchCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			got, err := readFetch(v, c.in, c.descending)
			if err != nil || !reflect.DeepEqual(got, c.value) {
				t.Fatalf("read\n%+v (%v), want\n%+v", got, err, c.value)
			}
			if b := writeFetch(v, &c.value, c.descending); !c.decodeOnly && !bytes.Equal(b, c.in) {
				t.Fatalf("wrote\n%x, want\n%x", b, c.in)
			}
			err = truncated(c.in, func(b []byte) ([]byte, error) {
				s, err := readFetch(v, b, c.descending)
				if c.decodeOnly || err != nil {
					return nil, err
				}
				return writeFetch(v, &s, c.descending), nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestFetchHeaderIsNoOther(t *testing.T) {
	_, _, err := ParseFetchHeader(Draft18, unhex("14 00 00 00 00"))
	wantError(t, err, SessionProtocolViolation)
	_, _, err = ParseSubgroupHeader(Draft18, unhex("05 00 00 00 00"))
	wantError(t, err, SessionProtocolViolation)
}

func TestBadFetchStreams(t *testing.T) {
	each(badFetchTables, func(v Version, c badCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			_, err := readFetch(v, c.in, false)
			wantError(t, err, c.code)
		})
	})
	each(descendingBadTable, func(v Version, c badCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			_, err := readFetch(v, c.in, true)
			wantError(t, err, c.code)
		})
	})
}

// moqt-18 §11.4.4: flags below 128, 0x8C and 0x10C; 0x20C in draft 20.
func TestFetchFlags(t *testing.T) {
	for _, v := range everyDraft {
		for flags := range uint64(1 << 12) {
			c := FetchCursor{started: true, group: 4, id: 4, hasPriority: true, priority: 1, hasSubgroup: true, subgroup: 9}
			before := c
			in := append(writeVarint(v, flags), bytes.Repeat([]byte{2}, 16)...)
			_, n, err := ParseFetchObject(v, &c, in)
			if flags < 0x80 || flags == 0x8C || flags == 0x10C || flags == 0x20C && v.Has(FeatureTimedOutRange) {
				if err != nil {
					t.Errorf("%v: flags %#x: %v", v, flags, err)
				}
				continue
			}
			wantError(t, err, SessionProtocolViolation)
			if n != 0 || c != before {
				t.Errorf("%v: flags %#x: %d bytes taken, cursor %+v", v, flags, n, c)
			}
		}
	}
}

// Drafts without the marker are told that the range is unknown.
func TestTimedOutRangeInOlderDrafts(t *testing.T) {
	for _, v := range everyDraft {
		want := FetchItemEndUnknown
		if v.Has(FeatureTimedOutRange) {
			want = FetchItemEndTimedOut
		}
		var w, r FetchCursor
		b := AppendFetchObject(nil, v, &w, &FetchObject{Kind: FetchItemEndTimedOut, Group: 3, ID: 70})
		o, n, err := ParseFetchObject(v, &r, b)
		if err != nil || n != len(b) || !reflect.DeepEqual(o, FetchObject{Kind: want, Group: 3, ID: 70}) {
			t.Errorf("%v: %+v, %v", v, o, err)
		}
	}
}

func TestFetchCursorStaysOnError(t *testing.T) {
	var c FetchCursor
	in := unhex("3f 05 01 03 80 02 3c00 01")
	for i := range in {
		_, n, err := ParseFetchObject(Draft18, &c, in[:i])
		if !errors.Is(err, ErrShort) || n != 0 || c != (FetchCursor{}) {
			t.Fatalf("cut at %d: %d, %v, cursor %+v", i, n, err, c)
		}
	}
}
