package wire

import (
	"bytes"
	"math"
	"testing"
	"time"
)

func TestVarints(t *testing.T) {
	for _, c := range varintCases {
		in := unhex(c.in)
		v, n := ParseVarint(append(bytes.Clone(in), 0xff))
		if v != c.value || n != len(in) {
			t.Errorf("%s: read %d (%d bytes), want %d", c.in, v, n, c.value)
		}
		for i := range in {
			if v, n := ParseVarint(in[:i]); v != 0 || n != 0 {
				t.Errorf("%s cut at %d: %d, %d", c.in, i, v, n)
			}
		}
		b := AppendVarint([]byte("x"), c.value)
		if VarintLen(c.value) != len(b)-1 {
			t.Errorf("%d: length %d, written as %x", c.value, VarintLen(c.value), b[1:])
		}
		if !c.decodeOnly && !bytes.Equal(b[1:], in) {
			t.Errorf("%d: wrote %x, want %s", c.value, b[1:], c.in)
		}
	}
}

// The boundaries between lengths, and every power of two.
func TestVarintLengths(t *testing.T) {
	for bit := range 64 {
		for _, v := range []uint64{1<<bit - 1, 1 << bit, 1<<bit + 1} {
			b := AppendVarint(nil, v)
			if got, n := ParseVarint(b); got != v || n != len(b) || n != VarintLen(v) {
				t.Errorf("%d: read %d (%d bytes) from %x", v, got, n, b)
			}
		}
	}
}

func TestLocations(t *testing.T) {
	const most = math.MaxUint64
	ordered := []Location{{0, 0}, {0, 1}, {0, most}, {1, 0}, {most, 0}, {most, most}}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := a.Less(b); got != (i < j) {
				t.Errorf("%v < %v: %v", a, b, got)
			}
			if got := a.Compare(b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("compare %v, %v: %d", a, b, got)
			}
		}
	}
	for _, c := range [][2]Location{
		{{3, 4}, {3, 5}}, {{3, most}, {4, 0}}, {{most, 1}, {most, 2}}, {{most, most}, {most, most}},
	} {
		if got := c[0].Next(); got != c[1] {
			t.Errorf("after %v: %v, want %v", c[0], got, c[1])
		}
	}
	if got := (Location{12, 3}).String(); got != "12/3" {
		t.Errorf("printed as %s", got)
	}
}

func TestCodeNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{SessionProtocolViolation.String(), "PROTOCOL_VIOLATION"},
		{SessionMalformedAuthority.String(), "MALFORMED_AUTHORITY"},
		{SessionError(0x9D).String(), "0x9d"},
		{RequestDoesNotExist.String(), "DOES_NOT_EXIST"},
		{RequestInvalidJoiningRequestID.String(), "INVALID_JOINING_REQUEST_ID"},
		{RequestError(7).String(), "0x7"},
		{DoneTooFarBehind.String(), "TOO_FAR_BEHIND"},
		{PublishDoneCode(0x11C).String(), "0x11c"},
		{ResetUnknownObjectStatus.String(), "UNKNOWN_OBJECT_STATUS"},
		{ResetCode(8).String(), "0x8"},
		{MsgSubscribeTracks.String(), "SUBSCRIBE_TRACKS"},
		{MessageType(0x1F).String(), "0x1f"},
		{TokenUseAlias.String(), "USE_ALIAS"},
		{(&Error{SessionInvalidPath, "why"}).Error(), "INVALID_PATH: why"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	if got := Some(uint8(0)).Or(128); got != 0 {
		t.Errorf("set: %d", got)
	}
	if got := (Option[uint8]{}).Or(128); got != 128 {
		t.Errorf("unset: %d", got)
	}
}

// Times on the wire are whole milliseconds: fractions round up, so that they do
// not become the 0 that means "none", and what no Duration holds saturates.
func TestTimes(t *testing.T) {
	const longest = time.Duration(maxMillis) * time.Millisecond
	for _, c := range []struct {
		in, want time.Duration
	}{{0, 0}, {1, ms}, {ms, ms}, {ms + 1, 2 * ms}, {longest, longest}} {
		b, err := AppendMessage(nil, Draft18, &Goaway{Timeout: c.in})
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := DecodeMessage(Draft18, b)
		if err != nil || m.(*Goaway).Timeout != c.want {
			t.Errorf("%v: read %+v (%v), want %v", c.in, m, err, c.want)
		}
	}
	m, _, err := DecodeMessage(Draft18, frame("10", "00 ff ffffffffffffffff"))
	if err != nil || m.(*Goaway).Timeout != longest {
		t.Errorf("largest timeout: read %+v (%v), want %v", m, err, longest)
	}
	m, _, err = DecodeMessage(Draft18, frame("05", "02 ff ffffffffffffffff 00"))
	if err != nil || m.(*RequestErr).RetryInterval != Some(longest) {
		t.Errorf("largest retry interval: read %+v (%v), want %v", m, err, longest)
	}
}
