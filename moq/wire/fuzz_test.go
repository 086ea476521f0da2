package wire

import (
	"reflect"
	"slices"
	"testing"
)

// Every target checks the same things: no panic, every failure is ErrShort or an
// *Error, and what was read can be written and read again with the same result.

func FuzzMessage(f *testing.F) {
	each(messageTables, func(v Version, c messageCase) { f.Add(c.in, draftIndex(v)) })
	each(badMessageTables, func(v Version, c badCase) { f.Add(c.in, draftIndex(v)) })
	f.Fuzz(func(t *testing.T, in []byte, draft byte) {
		fuzzMessage(t, everyDraft[int(draft)%len(everyDraft)], in)
	})
}

func FuzzRelayMessage(f *testing.F) {
	for _, v := range everyDraft {
		for _, m := range relayMessages() {
			b, err := AppendMessage(nil, v.BetweenRelays(), m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, draftIndex(v))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, draft byte) {
		fuzzMessage(t, everyDraft[int(draft)%len(everyDraft)].BetweenRelays(), in)
	})
}

func FuzzTracedMessage(f *testing.F) {
	for _, v := range everyDraft {
		for _, m := range tracedMessages() {
			b, err := AppendMessage(nil, v.BetweenRelays().WithTraceContext(), m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, draftIndex(v))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, draft byte) {
		fuzzMessage(t, everyDraft[int(draft)%len(everyDraft)].BetweenRelays().WithTraceContext(), in)
	})
}

func fuzzMessage(t *testing.T, v Version, in []byte) {
	m, n, err := DecodeMessage(v, in)
	if err != nil {
		wantFault(t, err, "decode")
		return
	}
	if n > len(in) {
		t.Fatalf("took %d of %d bytes", n, len(in))
	}
	if f := reflect.ValueOf(m).Elem().FieldByName("Params"); f.IsValid() && paramsOf(m).InvalidFilter != "" {
		return // nobody sends what must be refused
	}
	b, err := AppendMessage(nil, v, m)
	if err != nil {
		t.Fatalf("%+v cannot be written: %v", m, err)
	}
	again, _, err := DecodeMessage(v, b)
	if err != nil || !reflect.DeepEqual(again, m) {
		t.Fatalf("%+v became %+v, %v", m, again, err)
	}
}

func FuzzNames(f *testing.F) {
	each(nameTables, func(v Version, c nameCase) { f.Add(c.in, draftIndex(v)) })
	each(badNameTables, func(v Version, c badCase) { f.Add(c.in, draftIndex(v)) })
	f.Fuzz(func(t *testing.T, in []byte, draft byte) {
		v := everyDraft[int(draft)%len(everyDraft)]
		d := decoder{draft: v.draft(), b: in}
		name := d.fullTrackName()
		if d.err != nil {
			wantFault(t, d.err, "name")
			return
		}
		if again, err := readName(v, writeName(v, name)); err != nil || !reflect.DeepEqual(again, name) {
			t.Fatalf("%+v became %+v, %v", name, again, err)
		}
		if again, err := ParseFullTrackName(name.String()); err != nil || !again.Equal(name) {
			t.Fatalf("%v became %v, %v", name, again, err)
		}
	})
}

// The printable form is bijective: what parses prints as it was.
func FuzzNameText(f *testing.F) {
	for _, c := range nameCases {
		f.Add(c.text)
	}
	for _, s := range badNameTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name, err := ParseFullTrackName(s); err == nil && name.String() != s {
			t.Fatalf("%q became %q", s, name.String())
		}
		if n, err := ParseNamespace(s); err == nil && n.String() != s {
			t.Fatalf("%q became %q", s, n.String())
		}
	})
}

func draftIndex(v Version) byte { return byte(slices.Index(everyDraft, v)) }
