package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"moqedge/cmd/moqedge/names"
	"moqedge/moq/wire"
)

// Access says who may do what, see [access](access.md).
type Access struct {
	// JWT takes JSON Web Tokens.
	JWT *JWT `yaml:"jwt" reload:"live" without:"none are taken"`
	// CAT takes Common Access Tokens.
	CAT *CAT `yaml:"cat" reload:"live" without:"none are taken"`
	// Hook asks an HTTP server about what nothing else permits.
	Hook *Hook `yaml:"hook" reload:"live" without:"nobody is asked"`
	// Anonymous is what needs no token.
	Anonymous *Anonymous `yaml:"anonymous" reload:"live" without:"nothing"`
	// Addresses are whose packets and connections are taken.
	Addresses Addresses `yaml:"addresses" reload:"live"`
	// Origins are the pages whose scripts may connect and publish, such as
	// `https://media.example`, `https://*.media.example` or `http://localhost:8080`;
	// whoever sends none is no browser.
	Origins []string `yaml:"origins" reload:"live" without:"all"`
	// Relays says what relays may carry that show a certificate (`certificate.clientCA`).
	Relays []RelayRule `yaml:"relays" reload:"live" without:"everything"`
}

// JWT says which JSON Web Tokens are good.
type JWT struct {
	// Keys is a file, or an `https://` URL, of what tokens are verified with: a JSON Web
	// Key Set, a key, PEM, or, in a file, a secret of 32 bytes or more. A file is read
	// again when it changes.
	Keys string `yaml:"keys" reload:"section" secret:"url" without:"required"`
	// Refresh is how long the keys of a URL are good before they are asked for again;
	// they are for an unknown key ID, too, but every 10 s at most.
	Refresh time.Duration `yaml:"refresh" reload:"section" default:"5m"`
	// Audience is what a token must name in `aud`.
	Audience string `yaml:"audience" reload:"section" without:"any"`
	// Issuer is what a token must name in `iss`.
	Issuer string `yaml:"issuer" reload:"section" without:"any"`
}

// Anonymous is what everybody may do.
type Anonymous struct {
	// Get are prefixes of namespaces that everybody may read, fields separated by
	// slashes; `""` is all of them.
	Get []string `yaml:"get" reload:"section" without:"none"`
	// Put are those that everybody may publish.
	Put []string `yaml:"put" reload:"section" without:"none"`
}

// Guarded reports whether there is a way to be permitted something; else everybody may
// do everything.
func (a Access) Guarded() bool {
	return a.JWT != nil || a.CAT != nil || a.Hook != nil || a.Anonymous != nil
}

// Namespaces are the prefixes in the terms of MOQT.
func (a *Anonymous) Namespaces() (get, put []wire.Namespace, err error) {
	if a == nil {
		return nil, nil, nil
	}
	for _, list := range []struct {
		key   string
		texts []string
		into  *[]wire.Namespace
	}{{"get", a.Get, &get}, {"put", a.Put, &put}} {
		for _, text := range list.texts {
			ns, err := names.ParseNamespace(text)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", list.key, err)
			}
			*list.into = append(*list.into, ns)
		}
	}
	return get, put, nil
}

func (a *Access) validate() error {
	var f findings
	f.add("access.jwt.", a.JWT.validate())
	_, _, err := a.Anonymous.Namespaces()
	f.add("access.anonymous.", err)
	f.add("access.", a.validateBeside())
	return f.found()
}

func (j *JWT) validate() error {
	if j == nil {
		return nil
	}
	var f findings
	f.note(j.Keys == "", "keys: it is missing: give a file of keys, or the https:// URL of a JSON Web Key Set")
	f.note(j.Refresh < 0, "refresh: must not be negative")
	if strings.Contains(j.Keys, "://") {
		u, err := url.Parse(j.Keys)
		f.note(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "", "keys: %q is neither a file nor an https:// URL", j.Keys)
	}
	return f.found()
}
