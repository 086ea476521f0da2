package cluster

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// Config of a directory. The zero value runs a NATS server in the process,
// without a port: a cluster of one.
type Config struct {
	// URL is that of the NATS server, or of several, separated by commas:
	// nats://[USER:PASSWORD@]HOST[:4222] or tls://... "" runs one in the process
	// as Embedded says.
	URL string
	// Credentials is a file of NATS credentials (user JWT and key); "" is none.
	Credentials string
	// NKey is a file with the seed of a NATS user key, instead; "" is none.
	NKey string
	// TLS is used with URLs of tls://, and when the server asks for it; nil: the
	// system's roots.
	TLS *tls.Config
	// Bucket that all relays of a cluster share, of letters, digits, - and _;
	// "" means "moqedge". It is made when it is missing, in memory.
	Bucket string
	// Replicas of the bucket when it is made here, for a cluster of NATS servers;
	// 0 means 1.
	Replicas int
	// Lease is how long a relay that falls silent counts as alive, whole
	// seconds; it says that it lives four times in a lease. 0 means 4 s, the
	// least is 2 s. All relays of a cluster should have the same.
	Lease time.Duration
	// NamespaceTTL is how long the keys of a relay's namespaces are kept after
	// its death; 0 means an hour, the least is a minute.
	NamespaceTTL time.Duration
	// MaxNamespaces bounds how many namespaces of other relays are known at a
	// time; 0 means 1,000,000. More are left out, and logged.
	MaxNamespaces int
	// Embedded is used without a URL.
	Embedded Embedded
	// Logger; nil means slog.Default.
	Logger *slog.Logger
}

// Embedded says how the NATS server in the process runs.
type Embedded struct {
	// Listen is the TCP address at which it serves other relays, with a port;
	// "" is none: this relay alone uses it. Port 0 is any that is free.
	Listen string
	// User and Password that clients and routes must give; "" lets in everybody.
	User, Password string
	// TLS with which clients and routes are served; its RootCAs are what the
	// servers of Routes are checked against. nil: without.
	TLS *tls.Config
	// Name of the server, unique in its cluster; "" is a random one.
	Name string
	// RouteListen is the TCP address at which other servers connect, Routes are
	// those of the other servers (HOST:PORT, all of them everywhere). With
	// RouteListen the servers form one cluster: three or more survive the loss of
	// one. Without, it is alone. With RouteListen and without Listen, clients are
	// served at a port of loopback.
	RouteListen string
	Routes      []string
	// MaxMemory of the bucket in bytes; 0 means 1 GiB.
	MaxMemory int64
}

func (c Config) withDefaults() Config {
	c.Bucket = cmp.Or(c.Bucket, "moqedge")
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.Lease = cmp.Or(c.Lease, 4*time.Second)
	c.NamespaceTTL = cmp.Or(c.NamespaceTTL, time.Hour)
	c.MaxNamespaces = cmp.Or(c.MaxNamespaces, 1_000_000)
	c.Embedded.MaxMemory = cmp.Or(c.Embedded.MaxMemory, 1<<30)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Validate returns what is wrong with a configuration, by the names of its fields.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, raw := range splitURLs(c.URL) {
		u, err := url.Parse(raw)
		switch {
		case err != nil:
			fail("URL: it cannot be read") // the error of url.Parse repeats it, with its password
		case u.Scheme != "nats" && u.Scheme != "tls":
			fail("URL: scheme %q is neither nats nor tls", u.Scheme)
		case u.Host == "":
			fail("URL: it names no host")
		}
	}
	if c.URL != "" && c.Embedded.isSet() {
		fail("Embedded: with URL there is no server in the process; leave out one of both")
	}
	if c.Credentials != "" && c.URL == "" {
		fail("Credentials: they are for a URL")
	}
	if c.NKey != "" && (c.URL == "" || c.Credentials != "") {
		fail("NKey: it is for a URL, and instead of Credentials")
	}
	if strings.Trim(c.Bucket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		fail("Bucket: %q has characters other than letters, digits, - and _", c.Bucket)
	}
	if c.Replicas < 1 || c.Replicas > 5 {
		fail("Replicas: %d is not within 1 to 5", c.Replicas)
	}
	if c.Lease < 2*time.Second || c.Lease%time.Second != 0 {
		fail("Lease: %v is not a whole number of seconds from 2 on", c.Lease)
	}
	if c.NamespaceTTL < time.Minute {
		fail("NamespaceTTL: %v is less than a minute", c.NamespaceTTL)
	}
	if c.MaxNamespaces < 0 {
		fail("MaxNamespaces: %d is less than 0", c.MaxNamespaces)
	}
	return errors.Join(append(errs, c.Embedded.validate()...)...)
}

func (e Embedded) isSet() bool {
	return e.Listen != "" || e.User != "" || e.Password != "" || e.TLS != nil || e.Name != "" || e.RouteListen != "" || len(e.Routes) > 0
}

func (e Embedded) validate() (errs []error) {
	for _, a := range []struct{ field, value string }{{"Listen", e.Listen}, {"RouteListen", e.RouteListen}} {
		if _, _, err := net.SplitHostPort(a.value); a.value != "" && err != nil {
			errs = append(errs, fmt.Errorf("Embedded.%s: %q is not HOST:PORT", a.field, a.value))
		}
	}
	for _, r := range e.Routes {
		if _, _, err := net.SplitHostPort(r); err != nil {
			errs = append(errs, fmt.Errorf("Embedded.Routes: %q is not HOST:PORT", r))
		}
	}
	if len(e.Routes) > 0 && e.RouteListen == "" {
		errs = append(errs, errors.New("Embedded.Routes: they need Embedded.RouteListen"))
	}
	if (e.User == "") != (e.Password == "") {
		errs = append(errs, errors.New("Embedded.User and Embedded.Password: both or none"))
	}
	if e.MaxMemory < 0 {
		errs = append(errs, fmt.Errorf("Embedded.MaxMemory: %d is less than 0", e.MaxMemory))
	}
	return errs
}

func splitURLs(urls string) []string {
	return strings.FieldsFunc(urls, func(r rune) bool { return r == ',' || r == ' ' })
}

// maskURLs returns URLs for logs and status, without user and password.
func maskURLs(urls string) string {
	var out []string
	for _, raw := range splitURLs(urls) {
		u, err := url.Parse(raw)
		if err != nil {
			continue
		}
		if u.User != nil {
			u.User = url.User("xxxxx")
		}
		u.RawQuery, u.Fragment = "", ""
		out = append(out, u.String())
	}
	return strings.Join(out, ",")
}
