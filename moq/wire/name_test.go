package wire

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func readName(v Version, b []byte) (FullTrackName, error) {
	d := decoder{draft: v.draft(), b: b}
	f := d.fullTrackName()
	if d.err == nil && len(d.b) > 0 {
		d.err = errors.New("bytes after the name")
	}
	return f, d.err
}

func writeName(v Version, f FullTrackName) []byte {
	e := encoder{draft: v.draft()}
	e.fullTrackName(f)
	if e.err != nil {
		return nil
	}
	return e.b
}

func TestNames(t *testing.T) {
	each(nameTables, func(v Version, c nameCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			got, err := readName(v, c.in)
			if err != nil || !reflect.DeepEqual(got, c.value) {
				t.Fatalf("read %+v (%v), want %+v", got, err, c.value)
			}
			if b := writeName(v, c.value); !bytes.Equal(b, c.in) {
				t.Fatalf("wrote %x, want %x", b, c.in)
			}
			if s := c.value.String(); s != c.text {
				t.Fatalf("printed as %q, want %q", s, c.text)
			}
			if parsed, err := ParseFullTrackName(c.text); err != nil || !parsed.Equal(c.value) {
				t.Fatalf("parsed as %+v (%v)", parsed, err)
			}
			for i := range c.in {
				if _, err := readName(v, c.in[:i]); !errors.Is(err, ErrShort) {
					t.Fatalf("cut at %d: %v", i, err)
				}
			}
			namespace := strings.TrimSuffix(c.text[:strings.Index(c.text, "--")], "--")
			if n, err := ParseNamespace(namespace); err != nil || !n.Equal(c.value.Namespace) || n.String() != namespace {
				t.Fatalf("namespace %q parsed as %q (%v)", namespace, n, err)
			}
		})
	})
}

func TestBadNames(t *testing.T) {
	each(badNameTables, func(v Version, c badCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			_, err := readName(v, c.in)
			wantError(t, err, c.code)
		})
	})
	for _, text := range badNameTexts {
		if f, err := ParseFullTrackName(text); err == nil {
			t.Errorf("%.60q parsed as %v", text, f)
		}
	}
	for _, text := range []string{"-", "a-", "-a", "a--b", ".61", ".2E", "a.", strings.Repeat("a", 4097)} {
		if n, err := ParseNamespace(text); err == nil {
			t.Errorf("%.60q parsed as %v", text, n)
		}
	}
}

func TestNamespacePrefixes(t *testing.T) {
	ab := Namespace{"a", "b"}
	for _, c := range []struct {
		n, prefix Namespace
		want      bool
		suffix    Namespace
	}{
		{ab, nil, true, ab},
		{ab, Namespace{"a"}, true, Namespace{"b"}},
		{ab, ab, true, Namespace{}},
		{ab, Namespace{"a", "b", "c"}, false, nil},
		{ab, Namespace{"b"}, false, nil},
		{Namespace{"ab"}, Namespace{"a"}, false, nil}, // fields, not characters
		{nil, nil, true, nil},
	} {
		if got := c.n.HasPrefix(c.prefix); got != c.want {
			t.Errorf("%q has prefix %q: %v", c.n, c.prefix, got)
		}
		if got := c.n.Suffix(c.prefix); !got.Equal(c.suffix) {
			t.Errorf("%q after %q: %q", c.n, c.prefix, got)
		}
	}
}

func TestNameKeysDiffer(t *testing.T) {
	names := []FullTrackName{
		{}, {Name: "a"}, {Namespace: Namespace{"a"}}, {Namespace: Namespace{"a"}, Name: "b"},
		{Namespace: Namespace{"a", "b"}}, {Namespace: Namespace{"ab"}}, {Name: "ab"},
		{Namespace: Namespace{"a\x01b"}}, {Namespace: Namespace{"a"}, Name: "\x01b"}, {Name: "\x01a"},
		{Namespace: Namespace{"\x01a"}}, {Name: "\x01\x01a"}, {Name: "\x00"},
	}
	tracks, namespaces := map[string]FullTrackName{}, map[string]Namespace{}
	for _, f := range names {
		if other, ok := tracks[f.Key()]; ok {
			t.Errorf("%q and %q have the same key", f, other)
		}
		tracks[f.Key()] = f
		if other, ok := namespaces[f.Namespace.Key()]; ok && !other.Equal(f.Namespace) {
			t.Errorf("%q and %q have the same key", f.Namespace, other)
		}
		namespaces[f.Namespace.Key()] = f.Namespace
	}
}
