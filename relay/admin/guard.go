package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// guard says who may ask. With a token nobody may without it. Without one the address is
// for this machine alone, and a page of somebody else in a browser here must not ask in
// its name: by its own name that leads to this machine (the Host has to be a loopback
// one), or by a form or a script (no cross-origin request may change something).
type guard struct {
	token  func() string
	local  bool
	origin *http.CrossOriginProtection
}

func newGuard(c Config) *guard {
	return &guard{token: c.Token, local: c.Local, origin: http.NewCrossOriginProtection()}
}

// check returns nil when the request may be answered.
func (g *guard) check(r *http.Request) *Failure {
	if err := g.origin.Check(r); err != nil {
		return &Failure{http.StatusForbidden, "another page asks for this: ask from the admin address itself, or without a browser"}
	}
	token := g.token()
	switch {
	case token != "" && !same(token, brought(r)):
		return &Failure{http.StatusUnauthorized, "the token is missing or wrong: send Authorization: Bearer TOKEN, or as a password with any user name"}
	case token == "" && !g.local:
		return &Failure{http.StatusForbidden, "this address is not for this machine alone: set admin.token"}
	case token == "" && !isLoopbackHost(r.Host):
		return &Failure{http.StatusForbidden, "this address is asked for by localhost, 127.0.0.1 or [::1], not by another name"}
	}
	return nil
}

// brought is the token of a request: of Bearer, or the password of Basic, which browsers
// ask people for.
func brought(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// same compares in a time that tells nothing, not even of the lengths.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func isLoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
