package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func TestFetchStreams(t *testing.T) {
	for _, c := range fetchStreamCases {
		t.Run(c.name, func(t *testing.T) {
			got, err := readFetch(c.in, c.descending)
			if err != nil || !reflect.DeepEqual(got, c.value) {
				t.Fatalf("read\n%+v (%v), want\n%+v", got, err, c.value)
			}
			if b := writeFetch(&c.value, c.descending); !c.decodeOnly && !bytes.Equal(b, c.in) {
				t.Fatalf("wrote\n%x, want\n%x", b, c.in)
			}
			err = truncated(c.in, func(b []byte) ([]byte, error) {
				s, err := readFetch(b, c.descending)
				if c.decodeOnly || err != nil {
					return nil, err
				}
				return writeFetch(&s, c.descending), nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestFetchHeaderIsNoOther(t *testing.T) {
	_, _, err := ParseFetchHeader(Draft18, unhex("14 00 00 00 00"))
	wantError(t, err, SessionProtocolViolation)
	_, _, err = ParseSubgroupHeader(Draft18, unhex("05 00 00 00 00"))
	wantError(t, err, SessionProtocolViolation)
}

func TestBadFetchStreams(t *testing.T) {
	for _, c := range badFetchStreams {
		t.Run(c.name, func(t *testing.T) {
			_, err := readFetch(c.in, false)
			wantError(t, err, c.code)
		})
	}
	for _, c := range badDescendingFetches {
		t.Run(c.name, func(t *testing.T) {
			_, err := readFetch(c.in, true)
			wantError(t, err, c.code)
		})
	}
}

// moqt-18 §11.4.4: flags below 128, 0x8C and 0x10C.
func TestFetchFlags(t *testing.T) {
	for flags := range uint64(1 << 12) {
		c := FetchCursor{started: true, group: 4, id: 4, hasPriority: true, priority: 1, hasSubgroup: true, subgroup: 9}
		before := c
		in := append(AppendVarint(nil, flags), bytes.Repeat([]byte{1}, 16)...)
		_, n, err := ParseFetchObject(Draft18, &c, in)
		if flags < 0x80 || flags == 0x8C || flags == 0x10C {
			if err != nil {
				t.Errorf("flags %#x: %v", flags, err)
			}
			continue
		}
		wantError(t, err, SessionProtocolViolation)
		if n != 0 || c != before {
			t.Errorf("flags %#x: %d bytes taken, cursor %+v", flags, n, c)
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

func TestFetchDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 128)
	allocs := testing.AllocsPerRun(100, func() {
		b := AppendFetchHeader(buf[:0], Draft18, &FetchHeader{RequestID: 4})
		var w, r FetchCursor
		b = AppendFetchObject(b, Draft18, &w, &FetchObject{Group: 1 << 40, ID: 3, Priority: 1, PayloadLen: 5})
		b = AppendFetchObject(b, Draft18, &w, &FetchObject{Kind: FetchItemEndUnknown, Group: 1 << 40, ID: 9})
		_, n, err := ParseFetchHeader(Draft18, b)
		if err != nil {
			t.Fatal(err)
		}
		for b = b[n:]; len(b) > 0; b = b[n:] {
			if _, n, err = ParseFetchObject(Draft18, &r, b); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
