package cluster

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"moqedge/moq/wire"
	"moqedge/relay"
)

func TestRecords(t *testing.T) {
	n := relay.Node{
		ID: "edge 1/\x00.*>", Region: "eu", Role: relay.RoleShield, URL: "moqt://[::1]:4443/x", Load: 0.25, Cost: 7, Version: "1.2",
		Fingerprints: [][32]byte{{1}, {31: 2}},
	}
	want := lease{node: n, incarnation: "abc", complete: true, bucket: 5}
	got, err := decodeLease(n.ID, want.encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if id, _, isNamespace, err := parseKey(relayKey(n.ID)); err != nil || id != n.ID || isNamespace {
		t.Errorf("key of the relay: %q, %v, %v", id, isNamespace, err)
	}
	for _, ns := range []wire.Namespace{{}, {"a"}, {"a.b", "c-d"}, {"\x00 \xff", "ü"}, {strings.Repeat("x", wire.MaxFullTrackName)}, {strings.Repeat("\x01", wire.MaxFullTrackName)}} {
		key := digestOf(ns)
		text := namespaceKey(n.ID, key)
		if len(text) > 100 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
			t.Errorf("%q is no key for NATS", text)
		}
		if id, d, isNamespace, err := parseKey(text); err != nil || id != n.ID || !isNamespace || d != key {
			t.Errorf("%s: key is read as %q, %v", ns, id, err)
		}
		for _, hidden := range []bool{false, true} {
			if got, err := decodeHolding(key, holding{ns, hidden}.encode()); err != nil || !got.namespace.Equal(ns) || got.hidden != hidden {
				t.Errorf("%.50s, %v: got %.50v, %v", ns, hidden, got, err)
			}
		}
	}
	if _, err := decodeHolding(digestOf(wire.Namespace{"a"}), []byte("b")); err == nil {
		t.Error("a namespace under the key of another was believed")
	}
}

// What is no number is no load.
func TestLoad(t *testing.T) {
	for load, want := range map[float64]float64{math.NaN(): 0, math.Inf(1): 1, -1: 0, 0.501: 0.5, 0.98: 1} {
		l, err := decodeLease("a", lease{node: relay.Node{ID: "a", Role: relay.RoleEdge, URL: "moqt://x", Load: load}}.encode())
		if err != nil || l.node.Load != want {
			t.Errorf("%v: got %v, %v, want %v", load, l.node.Load, err, want)
		}
	}
}

var badLeases = []string{
	``, `x`, `[]`, `{}`,
	`{"id":"b","role":"edge","url":"moqt://x"}`,
	`{"id":"a","role":"king","url":"moqt://x"}`,
	`{"id":"a","role":"edge","url":"nats://x"}`,
	`{"id":"a","role":"edge","url":"moqt://"}`,
	`{"id":"a","role":"edge","url":"moqt://x","cost":-1}`,
	`{"id":"a","role":"edge","url":"moqt://x","fingerprints":["00"]}`,
	`{"id":"a","role":"edge","url":"moqt://x","region":"` + strings.Repeat("x", maxRelayRecord) + `"}`,
	`{"id":"a","role":"edge","url":"moqt://x","fingerprints":["` + strings.Repeat(strings.Repeat("0", 64)+`","`, maxFingerprints) + strings.Repeat("0", 64) + `"]}`,
}

func TestBadRecords(t *testing.T) {
	for _, s := range badLeases {
		if l, err := decodeLease("a", []byte(s)); err == nil {
			t.Errorf("%.80s was read as %+v", s, l)
		}
	}
	for _, key := range []string{"", "r", "r.", "r.!", "n.YQ", "n.YQ.YQ", "x.YQ", "r.YQ.YQ", "r." + strings.Repeat("YQ", maxID)} {
		if id, _, _, err := parseKey(key); err == nil {
			t.Errorf("key %q is that of %q", key, id)
		}
	}
}

func FuzzRecords(f *testing.F) {
	for _, s := range badLeases {
		f.Add("r.YQ", []byte(s))
	}
	f.Add(namespaceKey("a", digestOf(wire.Namespace{"x"})), []byte("x"))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		id, d, isNamespace, err := parseKey(key)
		if err != nil {
			return
		}
		if isNamespace {
			if h, err := decodeHolding(d, value); err == nil && (namespaceKey(id, digestOf(h.namespace)) != key || string(h.encode()) != string(value)) {
				t.Errorf("%q: %q has another key or text", key, value)
			}
			return
		}
		if l, err := decodeLease(id, value); err == nil {
			again, err := decodeLease(id, l.encode())
			if err != nil || !bytes.Equal(again.encode(), l.encode()) {
				t.Errorf("%q is read, but not what it is written as: %v", value, err)
			}
		}
	})
}
