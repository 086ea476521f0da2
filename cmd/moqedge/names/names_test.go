package names

import (
	"slices"
	"strings"
	"testing"

	"moqedge/moq/wire"
)

func TestNamespace(t *testing.T) {
	for _, c := range []struct {
		text string
		want wire.Namespace
	}{
		{"", nil},
		{"demo.loc", wire.Namespace{"demo.loc"}},
		{"live/cam-1.loc", wire.Namespace{"live", "cam-1.loc"}},
		{"a%2Fb/c%25", wire.Namespace{"a/b", "c%"}},
		{"%1B%5B31m", wire.Namespace{"\x1b[31m"}},
		{"%FF", wire.Namespace{"\xff"}},
	} {
		got, err := ParseNamespace(c.text)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %v", c.text, got, err)
		}
		if back := Namespace(c.want); back != c.text {
			t.Errorf("%q is written as %q", c.text, back)
		}
	}
	if got, err := ParseName("cam 1"); err != nil || got != "cam 1" || Name(got) != "cam%201" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNamespaceErrors(t *testing.T) {
	for _, text := range []string{"/", "a//b", "/a", "a/", "a%2", "%zz", strings.Repeat("a/", 32) + "a", strings.Repeat("a", 4097)} {
		if ns, err := ParseNamespace(text); err == nil {
			t.Errorf("%.20q: %q", text, ns)
		}
	}
}

func FuzzNamespace(f *testing.F) {
	for _, text := range []string{"", "a/b", "a%2Fb", "%FF", "a//b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ns, err := ParseNamespace(text)
		if err != nil {
			return
		}
		again, err := ParseNamespace(Namespace(ns))
		if err != nil || !slices.Equal(again, ns) {
			t.Errorf("%q becomes %q and then %q, %v", text, ns, again, err)
		}
	})
}
