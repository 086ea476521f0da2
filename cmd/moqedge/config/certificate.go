package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"moqedge/certs/acme"
)

// Certificate says which certificates the node shows: a development certificate, which
// is also the default, that of two PEM files, or those that an authority gives by ACME;
// beside each of them further ones by name.
type Certificate struct {
	// Development asks for a certificate that no authority has signed; its
	// fingerprint is at `/certificate.sha256`. It lasts 10 days, and the next one is
	// announced from the start, see [certificates](certificates.md).
	Development bool `yaml:"development" reload:"live" without:"true, without cert and acme"`
	// Dir is the folder that keeps it over restarts; `moqedge cert --dir` shows it.
	Dir string `yaml:"dir" reload:"live" without:"memory"`
	// Hosts are further names and addresses in it.
	Hosts []string `yaml:"hosts" reload:"live" without:"localhost"`
	// Cert is the PEM file with the chain, instead of a development certificate; read
	// again when it changes.
	Cert string `yaml:"cert" reload:"live" without:"none"`
	// Key is the PEM file with its key.
	Key string `yaml:"key" reload:"live" without:"none"`
	// ACME is the authority that gives the certificates, and renews them.
	ACME *ACME `yaml:"acme" reload:"restart" without:"no authority is asked"`
	// Names are further certificates, each for the clients that ask for a name in it
	// (SNI); all others see the one above.
	Names []NamedCertificate `yaml:"names" reload:"live" without:"one for all"`
	// ClientCA is a PEM file with the roots that certificates of clients are checked
	// against, such as those of relays below.
	ClientCA string `yaml:"clientCA" reload:"restart" without:"clients are not asked"`
	// RequireClient refuses clients without such a certificate, so all browsers.
	RequireClient bool `yaml:"requireClient" reload:"restart" default:"false"`
}

// Files reports whether the certificate comes from PEM files.
func (c Certificate) Files() bool { return c.Cert != "" }

// NamedCertificate is a pair of PEM files.
type NamedCertificate struct {
	// Cert is the PEM file with the chain; read again when it changes.
	Cert string `yaml:"cert" reload:"section" without:"required"`
	// Key is the PEM file with its key.
	Key string `yaml:"key" reload:"section" without:"required"`
}

// ACME says which authority gives certificates for what.
type ACME struct {
	// Domains are the names; each gets a certificate of its own. The first is for
	// clients that ask for no name.
	Domains []string `yaml:"domains" reload:"live" without:"required"`
	// Email is where the authority writes to when something is wrong.
	Email string `yaml:"email" reload:"section" without:"required"`
	// Agree says that its terms were read and are agreed to.
	Agree bool `yaml:"agree" reload:"section" without:"required"`
	// Directory is the URL of its ACME directory.
	Directory string `yaml:"directory" reload:"section" without:"Let's Encrypt"`
	// CA is a PEM file with the roots that the authority's own HTTPS is checked
	// against.
	CA string `yaml:"ca" reload:"section" without:"those of the system"`
	// Storage is the folder for account, keys and certificates.
	Storage string `yaml:"storage" reload:"section" without:"required"`
	// Listen is the TCP address that the authority reaches as port 443 of the domains;
	// it is open only while it connects (TLS-ALPN-01).
	Listen string `yaml:"listen" reload:"section" without:"http.listen, if that has tls"`
	// Challenges are `tls-alpn-01`, and `http-01` by the pages without `tls`, when the
	// authority reaches `http.listen` as port 80.
	Challenges []string `yaml:"challenges" reload:"section" without:"those that something listens for"`
	// Check is how often is looked whether a certificate is to be renewed, which it is
	// when a third of its life is left: less than a tenth of the life of short ones.
	Check time.Duration `yaml:"check" reload:"section" default:"10m"`
}

// challenges are the words of ACME.Challenges.
func challenges() []string { return []string{"tls-alpn-01", "http-01"} }

// AskAuthority is what certificate.acme amounts to, without roots and logger; the
// section is there.
func (c Config) AskAuthority() acme.Config {
	from := c.Certificate.ACME
	offered := func(challenge string) bool {
		return len(from.Challenges) == 0 || slices.Contains(from.Challenges, challenge)
	}
	a := acme.Config{Domains: from.Domains, Email: from.Email, Agreed: from.Agree, Directory: from.Directory, Storage: from.Storage, Check: from.Check}
	a.TLS = from.Listen
	if c.HTTP != nil && c.HTTP.TLS {
		a.TLS = cmp.Or(a.TLS, c.HTTP.Listen)
	} else if c.HTTP != nil && offered("http-01") {
		a.HTTP = c.HTTP.Listen
	}
	if !offered("tls-alpn-01") {
		a.TLS = ""
	}
	return a
}

func (c Config) validateCertificate() error {
	from := c.Certificate
	switch {
	case (from.Cert == "") != (from.Key == ""):
		return errors.New("certificate: cert and key belong together: give both PEM files")
	case from.Files() && (from.Development || from.Dir != "" || len(from.Hosts) > 0):
		return errors.New("certificate: development, dir and hosts are for a development certificate: leave them out beside cert and key")
	case from.ACME != nil && (from.Files() || from.Development || from.Dir != "" || len(from.Hosts) > 0):
		return errors.New("certificate: it comes from files, or is a development certificate, or an authority gives it: leave out acme, or cert and key, development, dir and hosts (certificates of files beside those of acme are names)")
	case from.RequireClient && from.ClientCA == "":
		return errors.New("certificate.requireClient: it needs clientCA, the roots of the clients' certificates")
	}
	for i, n := range from.Names {
		if n.Cert == "" || n.Key == "" {
			return fmt.Errorf("certificate.names[%d]: cert and key belong together: give both PEM files", i)
		}
		if slices.Contains(from.Names[:i], n) {
			return fmt.Errorf("certificate.names[%d]: %s is there twice", i, n.Cert)
		}
	}
	if from.ACME == nil {
		return nil
	}
	for _, word := range from.ACME.Challenges {
		if !slices.Contains(challenges(), word) {
			return fmt.Errorf("certificate.acme.challenges: %q is none of %s", word, strings.Join(challenges(), ", "))
		}
	}
	if from.ACME.Check < 0 {
		return fmt.Errorf("certificate.acme.check: %v is no time between two looks: leave it out for 10m", from.ACME.Check)
	}
	if err := c.AskAuthority().Validate(); err != nil {
		return fmt.Errorf("certificate.acme.%w", err)
	}
	return nil
}
