package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"moqedge/moq/wire"
)

// CAT says which Common Access Tokens are good.
type CAT struct {
	// Keys is a file, or an `https://` URL, of the secrets that tokens are verified with:
	// a JSON Web Key Set of type `oct`, a key of it, or, in a file, a secret of 32 bytes
	// or more. A file is read again when it changes.
	Keys string `yaml:"keys" reload:"section" secret:"url" without:"required"`
	// Audience is what a token must name in `aud`.
	Audience string `yaml:"audience" reload:"section" without:"any"`
	// Issuer is what a token must name in `iss`.
	Issuer string `yaml:"issuer" reload:"section" without:"any"`
}

// Hook is a server of the operator that is asked who may do what.
type Hook struct {
	// URL is where questions are posted to as JSON, see [the hook](access.md#the-http-hook).
	URL string `yaml:"url" reload:"section" secret:"url" without:"required"`
	// Timeout is how long an answer may take; without one nothing is permitted.
	Timeout time.Duration `yaml:"timeout" reload:"section" default:"2s"`
	// Cache is how long an answer is good that does not say so itself.
	Cache time.Duration `yaml:"cache" reload:"section" default:"10s"`
	// MaxEntries bounds the answers that are kept.
	MaxEntries int `yaml:"maxEntries" reload:"section" default:"10000"`
}

// Addresses are networks, written as `192.0.2.0/24`, or single addresses. They are for
// MOQT, the pages, WHIP and SRT; not for `admin`.
type Addresses struct {
	// Allow are those that are taken.
	Allow []string `yaml:"allow" reload:"section" without:"all"`
	// Deny are those that are not, whatever `allow` says.
	Deny []string `yaml:"deny" reload:"section" without:"none"`
}

// RelayRule says what relays may carry whose certificate has a name.
type RelayRule struct {
	// Name is a DNS name or URI of the certificate, such as `edge-1.example`,
	// `*.edge.example` or `spiffe://example/edge-1`.
	Name string `yaml:"name" reload:"section" without:"required"`
	// Get are prefixes of namespaces that they are told of and may ask for; `""` is all.
	Get []string `yaml:"get" reload:"section" without:"none"`
	// Put are those that they may announce and publish.
	Put []string `yaml:"put" reload:"section" without:"none"`
}

// Namespaces are the prefixes in the terms of MOQT.
func (r RelayRule) Namespaces() (get, put []wire.Namespace, err error) {
	return (&Anonymous{Get: r.Get, Put: r.Put}).Namespaces()
}

// Networks are the lists as networks.
func (a Addresses) Networks() (allow, deny []netip.Prefix, err error) {
	for _, list := range []struct {
		key   string
		texts []string
		into  *[]netip.Prefix
	}{{"allow", a.Allow, &allow}, {"deny", a.Deny, &deny}} {
		for _, text := range list.texts {
			p, err := network(text)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %q is neither a network such as 192.0.2.0/24 nor an address", list.key, text)
			}
			*list.into = append(*list.into, p)
		}
	}
	return allow, deny, nil
}

// network reads one. A mapped one (::ffff:192.0.2.0/120) is that of IPv4.
func network(text string) (netip.Prefix, error) {
	if at, err := netip.ParseAddr(text); err == nil {
		at = at.Unmap()
		return at.Prefix(at.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	if err == nil && p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), err
}

// Admits reports whether an address is taken: denied ones never.
func Admits(allow, deny []netip.Prefix, at netip.Addr) bool {
	at = at.Unmap().WithZone("")
	in := func(p netip.Prefix) bool { return p.Contains(at) }
	return !slices.ContainsFunc(deny, in) && (len(allow) == 0 || slices.ContainsFunc(allow, in))
}

// AdmitsOrigin reports whether scripts of a page may connect: its origin is one of
// those, or a subdomain of one with a star, or there are none.
func AdmitsOrigin(origins []string, origin string) bool {
	if len(origins) == 0 || origin == "" {
		return true
	}
	origin = strings.ToLower(origin)
	return slices.ContainsFunc(origins, func(o string) bool {
		o = strings.ToLower(o)
		before, after, wild := strings.Cut(o, "*")
		if !wild {
			return o == origin
		}
		middle, fits := strings.CutPrefix(origin, before)
		if middle, ends := strings.CutSuffix(middle, after); fits && ends {
			return middle != "" && !strings.ContainsAny(middle, "/:@")
		}
		return false
	})
}

// MatchesDNS reports whether a DNS name of a certificate is that of a rule. A star of the
// rule stands for the first label.
func (r RelayRule) MatchesDNS(name string) bool {
	if suffix, wild := strings.CutPrefix(r.Name, "*."); wild {
		_, rest, found := strings.Cut(name, ".")
		return found && strings.EqualFold(rest, suffix)
	}
	return !r.isURI() && strings.EqualFold(r.Name, name)
}

// MatchesURI is the same for a URI of a certificate.
func (r RelayRule) MatchesURI(uri string) bool { return r.isURI() && r.Name == uri }

func (r RelayRule) isURI() bool { return strings.Contains(r.Name, "://") }

// validateBeside checks what is beside jwt and anonymous.
func (a *Access) validateBeside() error {
	var f findings
	if c := a.CAT; c != nil {
		f.add("cat.", (&JWT{Keys: c.Keys}).validate())
	}
	if h := a.Hook; h != nil {
		u, err := url.Parse(h.URL)
		f.note(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "", "hook.url: give the http(s):// URL that questions are posted to")
		f.note(h.Timeout < 0 || h.Cache < 0 || h.MaxEntries < 0, "hook: timeout, cache and maxEntries must not be negative")
	}
	_, _, err := a.Addresses.Networks()
	f.add("addresses.", err)
	for _, o := range a.Origins {
		u, err := url.Parse(strings.Replace(o, "://*.", "://any.", 1))
		f.note(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || strings.Contains(u.Host, "*"),
			"origins: %q is no origin of a page: want https://HOST, https://HOST:PORT or https://*.DOMAIN", o)
	}
	named := map[string]int{}
	for i, r := range a.Relays {
		f.note(r.Name == "" || strings.Contains(strings.TrimPrefix(r.Name, "*."), "*"), "relays[%d].name: give a DNS name or URI of certificates; a star is for the first label alone", i)
		j, taken := named[r.Name]
		f.note(taken && r.Name != "", "relays[%d].name: %q is the name of relays[%d], too", i, r.Name, j)
		named[r.Name] = i
		_, _, err := r.Namespaces()
		f.add(fmt.Sprintf("relays[%d].", i), err)
	}
	return f.found()
}
