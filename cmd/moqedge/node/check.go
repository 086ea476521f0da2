package node

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"moqedge/certs"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
)

// Problem is something that Check found.
type Problem struct {
	// Err says what, beginning with the key.
	Err error
	// Warning: the node starts nevertheless.
	Warning bool
}

// checks are what is read before a node is started, by part. Each returns errors that
// begin with the key, or nil.
func checks() []func(c config.Config, now time.Time) []Problem {
	return []func(config.Config, time.Time) []Problem{checkCertificate, checkUpstreams, checkCluster, checkBridge, checkAdmin, checkAccess, checkTracing}
}

// Check reports what would keep a valid configuration from being run, or is likely to be
// a mistake: it reads the files that it names, such as certificates and keys, and opens
// no port and no connection.
func Check(c config.Config, now time.Time) []Problem {
	c = c.Filled()
	var found []Problem
	for _, check := range checks() {
		found = append(found, check(c, now)...)
	}
	return found
}

// problem is what an error of a key amounts to, nothing for nil.
func problem(key string, err error) []Problem {
	if err == nil {
		return nil
	}
	return []Problem{{Err: fmt.Errorf("%s: %w", key, err)}}
}

func warning(format string, args ...any) []Problem {
	return []Problem{{Err: fmt.Errorf(format, args...), Warning: true}}
}

// soon is how long before its end a certificate is warned of.
const soon = 7 * 24 * time.Hour

// checkPair reads a certificate and its key, if they are named.
func checkPair(key, cert, private string, now time.Time) []Problem {
	if cert == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, private)
	if err != nil {
		return problem(key, err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	switch {
	case err != nil:
		return problem(key, err)
	case now.After(leaf.NotAfter):
		return problem(key, fmt.Errorf("%s has ended at %s: renew it", cert, leaf.NotAfter.Format(time.RFC3339)))
	case now.Before(leaf.NotBefore):
		return problem(key, fmt.Errorf("%s begins at %s: is the clock right?", cert, leaf.NotBefore.Format(time.RFC3339)))
	case now.Add(soon).After(leaf.NotAfter):
		return warning("%s: %s ends at %s", key, cert, leaf.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// checkRoots reads a file of roots, if one is named.
func checkRoots(key, file string) []Problem {
	if file == "" {
		return nil
	}
	_, _, err := certs.Client(file, "", false)
	return problem(key, err)
}

// checkReadable opens a file, if one is named.
func checkReadable(key, file string) []Problem {
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return problem(key, err)
	}
	_ = f.Close() // nothing was written
	return nil
}

func checkUpstreams(c config.Config, now time.Time) []Problem {
	var found []Problem
	for i, u := range c.AllUpstreams() {
		key := fmt.Sprintf("upstreams[%d]", i)
		if c.Upstream != nil {
			key = "upstream"
		}
		found = append(found, checkPeer(key, u.Config, now)...)
	}
	return found
}

func checkPeer(key string, p peer.Config, now time.Time) []Problem {
	found := append(checkRoots(key+".ca", p.CA), checkPair(key+".cert", p.Cert, p.Key, now)...)
	if p.Insecure {
		found = append(found, warning("%s.insecure: nothing is checked of %s: who can change packets can be it", key, p.URL)...)
	}
	return found
}

func checkCluster(c config.Config, now time.Time) []Problem {
	if c.Cluster == nil {
		return nil
	}
	found := checkPeer("cluster", c.Cluster.Peers(), now)
	for _, part := range [][]Problem{
		checkRoots("cluster.natsCA", c.Cluster.NATSCA), checkPair("cluster.natsCert", c.Cluster.NATSCert, c.Cluster.NATSKey, now),
		checkReadable("cluster.credentials", c.Cluster.Credentials), checkReadable("cluster.nkey", c.Cluster.NKey),
	} {
		found = append(found, part...)
	}
	return found
}

func checkBridge(c config.Config, now time.Time) []Problem {
	if c.Bridge == nil || c.Bridge.PublishTo == nil {
		return nil
	}
	return checkPeer("bridge.publishTo", *c.Bridge.PublishTo, now)
}

func checkAdmin(c config.Config, _ time.Time) []Problem {
	if c.Admin == nil || c.Admin.TLS || config.Loopback(cmp.Or(c.Admin.Listen, "localhost:0")) {
		return nil
	}
	return warning("admin.listen: the token goes to %s in the clear: set admin.tls, have a firewall before it, or give 127.0.0.1:PORT", c.Admin.Listen)
}
