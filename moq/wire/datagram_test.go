package wire

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
)

func TestDatagrams(t *testing.T) {
	each(datagramTables, func(v Version, c datagramCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			got, padding, err := ParseDatagram(v, c.in)
			if err != nil || padding || !reflect.DeepEqual(got, c.value) {
				t.Fatalf("read\n%+v (%v, %v), want\n%+v", got, padding, err, c.value)
			}
			if b := AppendDatagram(nil, v, &c.value); !c.decodeOnly && !bytes.Equal(b, c.in) {
				t.Fatalf("wrote\n%x, want\n%x", b, c.in)
			}
			// A datagram is complete: what is cut is wrong, not short, and where
			// the payload is cut it is another datagram.
			for i := range c.in {
				d, _, err := ParseDatagram(v, c.in[:i])
				if err == nil {
					if want := got.Payload[:len(got.Payload)-(len(c.in)-i)]; !bytes.Equal(d.Payload, want) {
						t.Fatalf("cut at %d: payload %x, want %x", i, d.Payload, want)
					}
					continue
				}
				if errors.Is(err, ErrShort) {
					t.Fatalf("cut at %d: a datagram is never short", i)
				}
				wantFault(t, err, "cut")
			}
		})
	})
}

func TestPaddingDatagrams(t *testing.T) {
	each([]table[[]byte]{{from18, paddingDatagrams}}, func(v Version, in []byte) {
		d, padding, err := ParseDatagram(v, in)
		if !padding || err != nil || !reflect.DeepEqual(d, Datagram{}) {
			t.Errorf("%v: %x: %+v, %v, %v", v, in, d, padding, err)
		}
	})
}

func TestBadDatagrams(t *testing.T) {
	each(badDatagramTables, func(v Version, c badCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			_, _, err := ParseDatagram(v, c.in)
			wantError(t, err, c.code)
		})
	})
}

// moqt-18 §11.3.1: 0x00..0x0F, 0x20..0x21, 0x24..0x25, 0x28..0x29, 0x2C..0x2D.
func TestDatagramTypes(t *testing.T) {
	valid := []uint64{0x20, 0x21, 0x24, 0x25, 0x28, 0x29, 0x2C, 0x2D}
	for typ := range uint64(0x10) {
		valid = append(valid, typ)
	}
	for _, v := range everyDraft {
		for typ := range uint64(512) {
			in := writeVarint(v, typ)
			in = append(in, 1, 2) // alias, group
			if typ&0x04 == 0 {
				in = append(in, 3) // object
			}
			if typ&0x08 == 0 {
				in = append(in, 4) // priority
			}
			if typ&0x01 != 0 {
				in = append(in, 2, 0x3c, 1)
			}
			in = append(in, 0) // status Normal, or one byte of payload
			_, padding, err := ParseDatagram(v, in)
			if slices.Contains(valid, typ) {
				if err != nil || padding {
					t.Errorf("%v: type %#x: %v, %v", v, typ, padding, err)
				}
				continue
			}
			wantError(t, err, SessionProtocolViolation)
		}
	}
}

// What a status cannot have is not written.
func TestDatagramStatusStandsAlone(t *testing.T) {
	d := Datagram{TrackAlias: 1, Group: 2, ID: 3, EndOfGroup: true, Status: ObjectEndOfGroup,
		Properties: unhex("3c 01"), Payload: []byte("x")}
	got, _, err := ParseDatagram(Draft18, AppendDatagram(nil, Draft18, &d))
	want := Datagram{TrackAlias: 1, Group: 2, ID: 3, Status: ObjectEndOfGroup}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
}
