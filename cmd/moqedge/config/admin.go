package config

import (
	"net"
)

// minToken is how many characters admin.token has at least.
const minToken = 16

// Admin is the server for operators, see [admin](admin.md).
type Admin struct {
	// Listen is the TCP address of the status page, the API and `/metrics`. One that
	// others than this machine reach needs `token`.
	Listen string `yaml:"listen" reload:"restart" without:"required"`
	// Token is what requests bring (`Authorization: Bearer`), 16 characters or more;
	// `/healthz` and `/readyz` need none.
	Token string `yaml:"token" reload:"live" secret:"true" without:"none: on loopback alone"`
	// TLS asks for HTTPS with the node's certificate.
	TLS bool `yaml:"tls" reload:"restart" default:"false"`
}

// Local reports whether this machine alone reaches the server.
func (a Admin) Local() bool { return Loopback(a.Listen) }

func (a *Admin) validate() error {
	if a == nil {
		return nil
	}
	var f findings
	f.add("", address("admin.listen", a.Listen, true))
	f.note(a.Token != "" && len(a.Token) < minToken, "admin.token: it has %d characters: give %d or more, such as those of openssl rand -hex 16", len(a.Token), minToken)
	f.note(a.Listen != "" && a.Token == "" && !a.Local(), "admin.token: others reach admin.listen, so it needs one: give 16 characters or more, or listen at 127.0.0.1:PORT")
	return f.found()
}

// Loopback reports whether this machine alone reaches a listen address.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
