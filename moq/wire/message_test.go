package wire

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
)

// eachMessage runs f for every case in every draft it belongs to.
func eachMessage(t *testing.T, f func(t *testing.T, v Version, c messageCase)) {
	each(messageTables, func(v Version, c messageCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) { f(t, v, c) })
	})
}

// plain makes the reason of an invalid filter comparable: its words are free.
func plain(m Message) Message {
	if f := reflect.ValueOf(m).Elem().FieldByName("Params"); f.IsValid() {
		if p := f.Addr().Interface().(*Parameters); p.InvalidFilter != "" {
			p.InvalidFilter = "true"
		}
	}
	return m
}

func TestMessages(t *testing.T) {
	seen := map[Version]map[MessageType]bool{}
	eachMessage(t, func(t *testing.T, v Version, c messageCase) {
		m, n, err := DecodeMessage(v, append(slices.Clone(c.in), 0xff))
		if err != nil || n != len(c.in) {
			t.Fatalf("decoded %d of %d bytes, error %v", n, len(c.in), err)
		}
		if !reflect.DeepEqual(plain(m), c.msg) {
			t.Fatalf("decoded\n%+v\nwant\n%+v", m, c.msg)
		}
		if seen[v] == nil {
			seen[v] = map[MessageType]bool{}
		}
		seen[v][v.draft().number(m)] = true
		if c.decodeOnly {
			return
		}
		b, err := AppendMessage([]byte("x"), v, c.msg)
		if err != nil {
			t.Fatal(err)
		}
		if want := append([]byte("x"), c.in...); !bytes.Equal(b, want) {
			t.Fatalf("encoded\n%x\nwant\n%x", b, want)
		}
	})
	for _, d := range drafts {
		for typ := range d.messages {
			if !seen[d.version][typ] {
				t.Errorf("no case for %v of %v", typ, d.version)
			}
		}
	}
}

func TestBadMessages(t *testing.T) {
	each(badMessageTables, func(v Version, c badCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			_, _, err := DecodeMessage(v, c.in)
			wantError(t, err, c.code)
		})
	})
}

// endsAnywhere reports whether a message may be cut and still be a message: its
// last field is optional or a sequence bounded by the payload.
func endsAnywhere(v Version, m Message) bool {
	switch m.(type) {
	case *Publish, *SubscribeOK, *FetchOK:
		return true
	case *Setup, *RequestOK:
		return v != Draft16
	case *Goaway:
		return v == Draft18
	}
	return false
}

// typeLen returns how many bytes the type of a frame takes.
func typeLen(v Version, in []byte) int {
	d := decoder{draft: v.draft(), b: in}
	d.varint()
	return len(in) - len(d.b)
}

// withPayload returns the frame of a type and a payload.
func withPayload(typ, payload []byte) []byte {
	in := append(slices.Clone(typ), byte(len(payload)>>8), byte(len(payload)))
	return append(in, payload...)
}

func TestTruncatedMessages(t *testing.T) {
	eachMessage(t, func(t *testing.T, v Version, c messageCase) {
		for i := range c.in {
			if m, n, err := DecodeMessage(v, c.in[:i]); !errors.Is(err, ErrShort) || m != nil || n != 0 {
				t.Fatalf("frame cut at %d: got %v, %d, %v, want ErrShort", i, m, n, err)
			}
		}
		n := typeLen(v, c.in)
		payload := c.in[n+2:]
		for i := range payload {
			in := withPayload(c.in[:n], payload[:i])
			m, _, err := DecodeMessage(v, in)
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || m != nil {
					t.Fatalf("payload cut at %d: got %v, %v, want an *Error", i, m, err)
				}
				continue
			}
			if !endsAnywhere(v, c.msg) {
				t.Fatalf("payload cut at %d: got %+v, want an error", i, m)
			}
			again, err := AppendMessage(nil, v, m)
			if err != nil || !c.decodeOnly && !bytes.Equal(again, in) {
				t.Fatalf("payload cut at %d: got %+v, which is not what was there (%v)", i, m, err)
			}
		}
	})
}

func TestTrailingByte(t *testing.T) {
	eachMessage(t, func(t *testing.T, v Version, c messageCase) {
		if endsAnywhere(v, c.msg) {
			return
		}
		n := typeLen(v, c.in)
		_, _, err := DecodeMessage(v, withPayload(c.in[:n], append(slices.Clone(c.in[n+2:]), 0)))
		wantError(t, err, SessionProtocolViolation)
	})
}

func TestMessageKeepsNoPayload(t *testing.T) {
	eachMessage(t, func(t *testing.T, v Version, c messageCase) {
		in := slices.Clone(c.in)
		m, _, err := DecodeMessage(v, in)
		if err != nil {
			t.Fatal(err)
		}
		clear(in)
		if !reflect.DeepEqual(plain(m), c.msg) {
			t.Errorf("message changed with the buffer it was read from")
		}
	})
}

func TestUnknownVersion(t *testing.T) {
	const none = Version(1)
	if _, err := AppendMessage(nil, none, &Goaway{}); err == nil {
		t.Error("a message was written in an unknown draft")
	}
	_, _, err := DecodeMessage(none, frame("10", "00 00"))
	wantError(t, err, SessionProtocolViolation)
	_, _, err = ParseStreamType(none, unhex("05"))
	wantError(t, err, SessionProtocolViolation)
	_, _, err = ParseSubgroupHeader(none, unhex("14 02 00 00 00"))
	wantError(t, err, SessionProtocolViolation)
	for _, in := range []string{"00 00 00 00 00", "f0132b3e29"} {
		_, _, err = ParseDatagram(none, unhex(in))
		wantError(t, err, SessionProtocolViolation)
	}
}

func TestVersions(t *testing.T) {
	if got := Draft18.String(); got != "moqt-18" {
		t.Errorf("token %q", got)
	}
	if want := []Version{Draft18, Draft16, Draft22, Draft21, Draft20, Draft19}; !slices.Equal(Versions(), want) {
		t.Errorf("preferred are %v, want %v", Versions(), want)
	}
	for _, v := range Versions() {
		if got, ok := ParseVersion(v.String()); !ok || got != v {
			t.Errorf("ParseVersion(%q) = %v, %v", v, got, ok)
		}
	}
	for _, token := range []string{"", "moqt-17", "moqt-018", "moq-00", "MOQT-18"} {
		if _, ok := ParseVersion(token); ok {
			t.Errorf("ParseVersion(%q) succeeded", token)
		}
	}
}
