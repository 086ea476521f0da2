package config

import (
	"net/netip"
	"strings"
	"testing"
)

// Addresses are taken by lists of networks of which the denied ones win; IPv4 in IPv6
// is IPv4.
func TestAdmits(t *testing.T) {
	for _, c := range []struct {
		allow, deny, address string
		want                 bool
	}{
		{"", "", "192.0.2.1", true},
		{"192.0.2.0/24", "", "192.0.2.1", true}, {"192.0.2.0/24", "", "192.0.3.1", false}, {"192.0.2.0/24", "", "2001:db8::1", false},
		{"192.0.2.77/24", "", "192.0.2.1", true}, {"192.0.2.0/24", "", "::ffff:192.0.2.1", true}, {"::ffff:192.0.2.0/120", "", "192.0.2.1", true},
		{"", "192.0.2.1", "192.0.2.1", false}, {"", "192.0.2.1", "192.0.2.2", true}, {"", "192.0.2.1", "::ffff:192.0.2.1", false}, {"", "::ffff:192.0.2.1", "192.0.2.1", false},
		{"192.0.2.0/24", "192.0.2.0/25", "192.0.2.1", false}, {"192.0.2.0/24", "192.0.2.0/25", "192.0.2.200", true},
		{"2001:db8::/32", "2001:db8:1::/48", "2001:db8:2::1", true}, {"2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::1", false},
		{"fe80::/10", "", "fe80::1%eth0", true}, {"", "fe80::/10", "fe80::1%eth0", false}, {"0.0.0.0/0", "", "::1", false},
	} {
		a := Addresses{Allow: list(c.allow), Deny: list(c.deny)}
		allow, deny, err := a.Networks()
		if err != nil {
			t.Fatal(err)
		}
		if got := Admits(allow, deny, netip.MustParseAddr(c.address)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// A rule is for a name of a certificate, of its kind; its star for one label.
func TestMatchesName(t *testing.T) {
	for _, c := range []struct {
		rule, name string
		dns, uri   bool
	}{
		{"a.example", "a.example", true, false}, {"a.example", "A.Example", true, false}, {"a.example", "b.a.example", false, false},
		{"*.a.example", "b.a.example", true, false}, {"*.a.example", "c.b.a.example", false, false}, {"*.a.example", "a.example", false, false}, {"*.a.example", "ba.example", false, false},
		{"spiffe://x/a", "spiffe://x/a", false, true}, {"spiffe://x/a", "spiffe://x/A", false, false}, {"spiffe://x/a", "spiffe://x/a/b", false, false},
		{"*.a.example", "spiffe://b.c.a.example", false, false},
	} {
		r := RelayRule{Name: c.rule}
		if got := r.MatchesDNS(c.name); got != c.dns {
			t.Errorf("%+v: as DNS name %v", c, got)
		}
		if got := r.MatchesURI(c.name); got != c.uri {
			t.Errorf("%+v: as URI %v", c, got)
		}
	}
	if (RelayRule{Name: "*.a.example"}).MatchesURI("spiffe://b.a.example") {
		t.Error("a URI is taken for a DNS name")
	}
}

// What is beside tokens is checked, and the key named.
func TestValidateBeside(t *testing.T) {
	for want, a := range map[string]Access{
		"access.cat.keys: ":                        {CAT: &CAT{}},
		"access.hook.url: ":                        {Hook: &Hook{URL: "ftp://x/"}},
		"access.hook: timeout":                     {Hook: &Hook{URL: "https://x/", Timeout: -1}},
		"access.addresses.deny: \"x\"":             {Addresses: Addresses{Deny: []string{"x"}}},
		"access.addresses.allow: ":                 {Addresses: Addresses{Allow: []string{"10.0.0.0/33"}}},
		"access.origins: \"media.example\"":        {Origins: []string{"media.example"}},
		"access.origins: \"https://x/\"":           {Origins: []string{"https://x/"}},
		"access.origins: \"https://a.*.example\"":  {Origins: []string{"https://a.*.example"}},
		"access.relays[0].name: ":                  {Relays: []RelayRule{{Get: []string{"a"}}}},
		"access.relays[0].name: give":              {Relays: []RelayRule{{Name: "a.*"}}},
		"access.relays[1].name: \"a\" is the name": {Relays: []RelayRule{{Name: "a"}, {Name: "a"}}},
	} {
		c := Default()
		c.Access = a
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
