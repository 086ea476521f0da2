package wire

import (
	"net/url"
	"strings"
)

// checkPath demands path-abempty [ "?" query ] of RFC 3986 (moqt-18 §10.3.1.2).
func checkPath(s string) *Error {
	path, query, _ := strings.Cut(s, "?")
	if path != "" && path[0] != '/' || !uriText(path, ":@/") || !uriText(query, ":@/?") {
		return &Error{Code: SessionMalformedPath, Reason: "not a URI path: " + quoted(s)}
	}
	return nil
}

// checkAuthority demands [ userinfo "@" ] host [ ":" port ] of RFC 3986 with a
// host that is not empty (moqt-18 §3.1.1, §10.3.1.1).
func checkAuthority(s string) *Error {
	bad := &Error{Code: SessionMalformedAuthority, Reason: "not a URI authority: " + quoted(s)}
	if !uriText(s, ":@[]") {
		return bad
	}
	u, err := url.Parse("moqt://" + s)
	if err != nil || u.Hostname() == "" || u.Path != "" {
		return bad
	}
	return nil
}

// uriText reports whether s holds only unreserved characters, sub-delims, well
// formed percent-encodings and the bytes in extra.
func uriText(s, extra string) bool {
	const punctuation = "-._~!$&'()*+,;="
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%':
			if len(s)-i < 3 || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			i += 2
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(punctuation, c) < 0 && strings.IndexByte(extra, c) < 0:
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
