package wire

import (
	"fmt"
	"strings"
)

// The printable form of names (moqt-18 §1.5): fields joined by "-", "--" before
// the track name, every byte outside [a-zA-Z0-9_] as a period and two lower case
// hex digits. It is safe in file names, URLs and logs.

// String returns the printable form, for example "example.2enet-team2".
func (n Namespace) String() string { return string(appendNamespaceText(nil, n)) }

// String returns the printable form, for example "example.2enet-team2--report".
func (f FullTrackName) String() string {
	b := appendNamespaceText(nil, f.Namespace)
	b = append(b, "--"...)
	return string(appendNameText(b, f.Name))
}

// ParseNamespace is the inverse of [Namespace.String]. The empty string is the
// namespace without fields. It refuses anything String would not have written
// (moqt-18 §1.5.1) and names beyond the limits.
func ParseNamespace(s string) (Namespace, error) {
	n, err := parseNamespaceText(s)
	if err == nil {
		err = n.check(0)
	}
	if err != nil {
		return nil, fmt.Errorf("namespace %q: %w", s, err)
	}
	return n, nil
}

// ParseFullTrackName is the inverse of [FullTrackName.String].
func ParseFullTrackName(s string) (FullTrackName, error) {
	f, err := parseFullTrackNameText(s)
	if err != nil {
		return FullTrackName{}, fmt.Errorf("track name %q: %w", s, err)
	}
	return f, nil
}

func parseFullTrackNameText(s string) (FullTrackName, error) {
	namespace, name, found := strings.Cut(s, "--")
	if !found {
		return FullTrackName{}, fmt.Errorf(`no "--" before the track name`)
	}
	n, err := parseNamespaceText(namespace)
	if err != nil {
		return FullTrackName{}, err
	}
	raw, err := parseNameText(name)
	if err != nil {
		return FullTrackName{}, err
	}
	return FullTrackName{Namespace: n, Name: raw}, n.check(len(raw))
}

func parseNamespaceText(s string) (Namespace, error) {
	if s == "" {
		return nil, nil
	}
	var n Namespace
	for field := range strings.SplitSeq(s, "-") {
		raw, err := parseNameText(field)
		if err != nil {
			return nil, err
		}
		n = append(n, raw)
	}
	return n, nil
}

func appendNamespaceText(b []byte, n Namespace) []byte {
	for i, f := range n {
		if i > 0 {
			b = append(b, '-')
		}
		b = appendNameText(b, f)
	}
	return b
}

const hexDigits = "0123456789abcdef"

func appendNameText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; literalInName(c) {
			b = append(b, c)
		} else {
			b = append(b, '.', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	return b
}

func parseNameText(s string) (string, error) {
	raw := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if literalInName(s[i]) {
			raw = append(raw, s[i])
			continue
		}
		if s[i] != '.' {
			return "", fmt.Errorf("character %q must be written in hex", s[i])
		}
		if len(s)-i < 3 {
			return "", fmt.Errorf("a period must be followed by two hex digits")
		}
		hi, lo := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if hi < 0 || lo < 0 {
			return "", fmt.Errorf("%q is not two lower case hex digits", s[i+1:i+3])
		}
		c := byte(hi<<4 | lo)
		if literalInName(c) {
			return "", fmt.Errorf("%q must be written as %q", s[i:i+3], c)
		}
		raw = append(raw, c)
		i += 2
	}
	return string(raw), nil
}

func literalInName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}
