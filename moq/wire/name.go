package wire

import (
	"fmt"
	"slices"
)

// Limits of names (moqt-18 §2.4.1).
const (
	MaxNamespaceFields = 32
	MaxFullTrackName   = 4096 // bytes in all fields and the name together
)

// Namespace is a Track Namespace, a prefix or a suffix of one: 0 to 32 fields of
// arbitrary bytes, none of them empty (moqt-18 §2.4.1). In draft 16 a whole Track
// Namespace has at least one (moqt-16 §2.4.1). Treat it as immutable.
type Namespace []string

// HasPrefix reports whether the first fields of n are those of p.
func (n Namespace) HasPrefix(p Namespace) bool {
	return len(n) >= len(p) && slices.Equal(n[:len(p)], p)
}

// Equal reports whether both have the same fields.
func (n Namespace) Equal(o Namespace) bool { return slices.Equal(n, o) }

// Suffix returns the fields of n after the prefix p, sharing memory with n. If p
// is not a prefix of n the result is nil.
func (n Namespace) Suffix(p Namespace) Namespace {
	if !n.HasPrefix(p) {
		return nil
	}
	return n[len(p):]
}

// Key returns a string that differs between any two different namespaces. It is
// for maps, not for people.
func (n Namespace) Key() string {
	return string(n.appendKey(nil))
}

func (n Namespace) appendKey(b []byte) []byte {
	b = AppendVarint(b, uint64(len(n)))
	for _, f := range n {
		b = AppendVarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}

// size is the length of a namespace as moqt-18 §2.4.1 counts it.
func (n Namespace) size() int {
	size := 0
	for _, f := range n {
		size += len(f)
	}
	return size
}

// check returns what makes n impossible to send, next to a name of nameLen bytes.
func (n Namespace) check(nameLen int) error {
	if len(n) > MaxNamespaceFields {
		return fmt.Errorf("namespace has %d fields, the limit is %d", len(n), MaxNamespaceFields)
	}
	if slices.Contains(n, "") {
		return fmt.Errorf("namespace has an empty field")
	}
	if size := n.size() + nameLen; size > MaxFullTrackName {
		return fmt.Errorf("track name has %d bytes, the limit is %d", size, MaxFullTrackName)
	}
	return nil
}

// FullTrackName identifies a Track within a scope (moqt-18 §2.4.1). Either part may
// be empty, except that draft 16 has no Tracks without a Namespace.
type FullTrackName struct {
	Namespace Namespace
	Name      string // arbitrary bytes
}

// Equal reports whether both name the same Track.
func (f FullTrackName) Equal(o FullTrackName) bool {
	return f.Name == o.Name && f.Namespace.Equal(o.Namespace)
}

// Key returns a string that differs between any two different names. It is for
// maps, not for people.
func (f FullTrackName) Key() string {
	return string(append(f.Namespace.appendKey(nil), f.Name...))
}
