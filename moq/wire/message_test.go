package wire

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
)

var messageCases = slices.Concat(setupCases, goawayCases, subscribeCases, trackStatusCases, publishCases,
	requestUpdateCases, fetchCases, subscribeOKCases, fetchOKCases, requestOKCases, requestErrCases,
	publishDoneCases, namespaceMessageCases)

var badMessages = slices.Concat(badFrames, badSetups, badGoaways, badSubscribes, badTrackStatuses, badPublishes,
	badRequestUpdates, badFetches, badSubscribeOKs, badFetchOKs, badRequestOKs, badRequestErrs,
	badPublishDones, badNamespaceMessages)

func TestMessages(t *testing.T) {
	seen := map[MessageType]bool{}
	for _, c := range messageCases {
		seen[c.msg.Type()] = true
		t.Run(c.name, func(t *testing.T) {
			m, n, err := DecodeMessage(Draft18, append(slices.Clone(c.in), 0xff))
			if err != nil || n != len(c.in) {
				t.Fatalf("decoded %d of %d bytes, error %v", n, len(c.in), err)
			}
			if !reflect.DeepEqual(m, c.msg) {
				t.Fatalf("decoded\n%+v\nwant\n%+v", m, c.msg)
			}
			if c.decodeOnly {
				return
			}
			b, err := AppendMessage([]byte("x"), Draft18, c.msg)
			if err != nil {
				t.Fatal(err)
			}
			if want := append([]byte("x"), c.in...); !bytes.Equal(b, want) {
				t.Fatalf("encoded\n%x\nwant\n%x", b, want)
			}
		})
	}
	for typ := range messages18 {
		if !seen[typ] {
			t.Errorf("no case for %v", typ)
		}
	}
}

func TestBadMessages(t *testing.T) {
	for _, c := range badMessages {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := DecodeMessage(Draft18, c.in)
			wantError(t, err, c.code)
		})
	}
}

// endsAnywhere reports whether a message may be cut and still be a message: its
// last field is optional or a sequence bounded by the payload.
func endsAnywhere(m Message) bool {
	switch m.(type) {
	case *Setup, *Goaway, *Publish, *SubscribeOK, *FetchOK, *RequestOK:
		return true
	}
	return false
}

// decodePayload decodes a message whose length fits its payload.
func decodePayload(v Version, typ, payload []byte) (Message, error) {
	in := append(slices.Clone(typ), byte(len(payload)>>8), byte(len(payload)))
	m, _, err := DecodeMessage(v, append(in, payload...))
	return m, err
}

func TestTruncatedMessages(t *testing.T) {
	for _, c := range messageCases {
		t.Run(c.name, func(t *testing.T) {
			for i := range c.in {
				if m, n, err := DecodeMessage(Draft18, c.in[:i]); !errors.Is(err, ErrShort) || m != nil || n != 0 {
					t.Fatalf("frame cut at %d: got %v, %d, %v, want ErrShort", i, m, n, err)
				}
			}
			_, typeLen := ParseVarint(c.in)
			payload := c.in[typeLen+2:]
			for i := range payload {
				m, err := decodePayload(Draft18, c.in[:typeLen], payload[:i])
				if err != nil {
					var e *Error
					if !errors.As(err, &e) || m != nil {
						t.Fatalf("payload cut at %d: got %v, %v, want an *Error", i, m, err)
					}
					continue
				}
				if !endsAnywhere(c.msg) {
					t.Fatalf("payload cut at %d: got %+v, want an error", i, m)
				}
				again, err := AppendMessage(nil, Draft18, m)
				if err != nil || !c.decodeOnly && !bytes.Equal(again[typeLen+2:], payload[:i]) {
					t.Fatalf("payload cut at %d: got %+v, which is not what was there (%v)", i, m, err)
				}
			}
		})
	}
}

func TestTrailingByte(t *testing.T) {
	for _, c := range messageCases {
		t.Run(c.name, func(t *testing.T) {
			if endsAnywhere(c.msg) {
				return
			}
			_, typeLen := ParseVarint(c.in)
			_, err := decodePayload(Draft18, c.in[:typeLen], append(slices.Clone(c.in[typeLen+2:]), 0))
			wantError(t, err, SessionProtocolViolation)
		})
	}
}

func TestMessageKeepsNoPayload(t *testing.T) {
	for _, c := range messageCases {
		in := slices.Clone(c.in)
		m, _, err := DecodeMessage(Draft18, in)
		if err != nil {
			t.Fatal(err)
		}
		clear(in)
		if !reflect.DeepEqual(m, c.msg) {
			t.Errorf("%s: message changed with the buffer it was read from", c.name)
		}
	}
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
