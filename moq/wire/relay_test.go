package wire

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Between relays ROUTE and RELAY_PATH are written and read in every draft; without
// that they are refused as anything else that is unknown.
func TestBetweenRelays(t *testing.T) {
	for _, v := range everyDraft {
		for _, m := range relayMessages() {
			b, err := AppendMessage(nil, v.BetweenRelays(), m)
			if err != nil {
				t.Fatalf("%v: %v: %v", v, m.Type(), err)
			}
			got, n, err := DecodeMessage(v.BetweenRelays(), b)
			if err != nil || n != len(b) || !reflect.DeepEqual(got, m) {
				t.Errorf("%v: read %+v of %+v, %v", v, got, m, err)
			}
			if _, _, err := DecodeMessage(v, b); err == nil {
				t.Errorf("%v: %v of relays is read by others", v, m.Type())
			} else {
				wantError(t, err, SessionProtocolViolation)
			}
			b, err = AppendMessage(nil, v, m)
			if m.Type() == MsgRoute || m.Type() == MsgSupply {
				if err == nil {
					t.Errorf("%v: %v is sent to others", v, m.Type())
				}
				continue
			}
			paramsOf(m).RelayPath = Option[[]string]{}
			if want, e := AppendMessage(nil, v, m); err != nil || e != nil || !bytes.Equal(b, want) {
				t.Errorf("%v: %v to others: %x, %v, want %x", v, m.Type(), b, err, want)
			}
		}
		// All the rest is the same.
		m := &Subscribe{RequestID: 4, Track: liveVideo}
		one, _ := AppendMessage(nil, v, m)
		if two, err := AppendMessage(nil, v.BetweenRelays(), m); err != nil || !bytes.Equal(one, two) {
			t.Errorf("%v: a message without a path differs between relays: %x, %x, %v", v, one, two, err)
		}
		if _, err := AppendMessage(nil, v.BetweenRelays(), &PublishNamespace{Namespace: Namespace{"x"}, Params: Parameters{RelayPath: Some([]string{"a"})}}); err == nil {
			t.Errorf("%v: RELAY_PATH in PUBLISH_NAMESPACE", v)
		}
	}
	if versions := Versions(); slices.ContainsFunc(versions, func(v Version) bool { return v&betweenRelays != 0 }) {
		t.Errorf("%v is negotiated", versions)
	}
}

// relayMessages are what relays alone say to each other.
func relayMessages() []Message {
	path := Some([]string{"a", "bc"})
	return []Message{
		&Route{Suffix: Namespace{"x", "y"}, Cost: 300, Hops: []string{"edge", "origin"}},
		&Route{Cost: 1, Hops: []string{"edge"}, Held: true, Hidden: true, Foreign: true},
		&Supply{Stranded: true},
		&Supply{},
		&Subscribe{RequestID: 4, Track: liveVideo, Params: Parameters{RelayPath: path}},
		&TrackStatus{RequestID: 4, Track: liveVideo, Params: Parameters{RelayPath: path}},
		&Fetch{RequestID: 4, Kind: FetchStandalone, Track: liveVideo, Params: Parameters{
			RelayPath: path, Filter: Some(Filter{Type: FilterAbsoluteRange, EndGroup: 1}),
		}},
	}
}

func TestBadRoutes(t *testing.T) {
	many := make([]string, MaxHops+1)
	for i := range many {
		many[i] = "x"
	}
	for name, hops := range map[string][]string{"none": nil, "too many": many, "empty": {""}, "long": {strings.Repeat("x", MaxRelayID+1)}} {
		if _, err := AppendMessage(nil, Draft18.BetweenRelays(), &Route{Hops: hops}); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
	for name, payload := range map[string]string{
		"no hops": "00 00 01 00", "too many": "00 00 01 21", "empty ID": "00 00 01 01 00", "flags": "00 08 01 01 01 61",
		"cut": "00 00 01 02 01 61", "long ID": "00 00 01 01 41 61",
	} {
		b := slices.Concat(AppendVarint(nil, uint64(MsgRoute)), []byte{0, byte(len(unhex(payload)))}, unhex(payload))
		_, _, err := DecodeMessage(Draft18.BetweenRelays(), b)
		if err == nil {
			t.Errorf("%s: read", name)
			continue
		}
		wantError(t, err, SessionProtocolViolation)
	}
}

// The Setup Option survives every draft; one that cannot be read makes no relay.
func TestRelayOption(t *testing.T) {
	for _, want := range []RelayOption{{ID: "fra-1", Cost: 700}, {ID: "fra-1", Region: "eu"}} {
		for _, v := range everyDraft {
			b, err := AppendMessage(nil, v, &Setup{Unknown: want.Options()})
			if err != nil {
				t.Fatal(err)
			}
			m, _, err := DecodeMessage(v, b)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := m.(*Setup).Relay(); !ok || got != want {
				t.Errorf("%v: %+v, %v", v, got, ok)
			}
		}
	}
	for name, value := range map[string][]byte{"empty": nil, "no ID": {5}, "cut": {0x80}, "long": append([]byte{0}, strings.Repeat("x", MaxRelayID+1)...)} {
		m := &Setup{Unknown: []KeyValue{{Type: setupRelay, Bytes: value}}}
		if got, ok := m.Relay(); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
	long := RelayOption{ID: "x", Region: strings.Repeat("x", MaxRegion+1)}
	if got := long.Options(); len(got) != 1 {
		t.Errorf("a region that is too long is told: %v", got)
	}
	for name, m := range map[string]*Setup{
		"too long":         {Unknown: append(RelayOption{ID: "x"}.Options(), KeyValue{Type: setupRegion, Bytes: []byte(long.Region)})},
		"before the relay": {Unknown: append([]KeyValue{{Type: setupRegion, Bytes: nil}}, RelayOption{ID: "x"}.Options()...)},
	} {
		if got, ok := m.Relay(); !ok || got != (RelayOption{ID: "x"}) {
			t.Errorf("a region %s: %+v, %v", name, got, ok)
		}
	}
	if _, ok := (&Setup{Unknown: []KeyValue{{Type: setupRegion, Bytes: []byte("eu")}}}).Relay(); ok {
		t.Error("a region makes a relay")
	}
	for _, option := range []uint64{setupRelay, setupRegion} {
		if (option-0x9D)%0x7F == 0 || option%2 == 0 {
			t.Error("the option is grease, or a number")
		}
	}
}
