package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"moqedge/certs"
	"moqedge/cmd/moqedge/peer"
	"moqedge/relay"
	"moqedge/relay/cluster"
)

// Cluster says how the node finds other relays, and they it, by a directory on
// NATS.
type Cluster struct {
	// Role is edge, shield or origin; "" means edge.
	Role string `yaml:"role"`
	// URL is where other relays reach this one. Required.
	URL string `yaml:"url"`
	// Cost of asking this relay rather than another; 0 means 1.
	Cost uint32 `yaml:"cost"`
	// NATS is the URL of the server, or of several, separated by commas; ""
	// runs one in the process.
	NATS string `yaml:"nats"`
	// Credentials is a file of NATS credentials (user JWT and key), NKey one with
	// the seed of a NATS user key; "" is none. Not both.
	Credentials string `yaml:"credentials"`
	NKey        string `yaml:"nkey"`
	// NATSCA is a PEM file with the roots that the NATS server is checked against;
	// "" means those of the system. NATSCert and NATSKey are PEM files with what it
	// is shown; "" is nothing. The latter are read at
	// each connection.
	NATSCA   string `yaml:"natsCA"`
	NATSCert string `yaml:"natsCert"`
	NATSKey  string `yaml:"natsKey"`
	// Bucket that the relays of a cluster share; "" means moqedge.
	Bucket string `yaml:"bucket"`
	// Replicas of the bucket when it is made here; 0 means 1.
	Replicas int `yaml:"replicas"`
	// Lease is how long a relay that fell silent counts as alive; 0 means 4 s.
	Lease time.Duration `yaml:"lease"`
	// Listen is the TCP address at which the server in the process serves other
	// relays; "" is none.
	Listen string `yaml:"listen"`
	// User and Password are for the server in the process.
	User     string `yaml:"user"`
	Password string `yaml:"password"`
	// RouteListen is the TCP address for the other servers of a NATS cluster,
	// Routes are theirs.
	RouteListen string   `yaml:"routeListen"`
	Routes      []string `yaml:"routes"`
	// CA, Cert and Key are how other relays are trusted, and what they are
	// shown, as in Upstreams.
	CA   string `yaml:"ca"`
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Directory is the configuration of the directory, without a logger and files of
// TLS (NATSTLS).
func (c Cluster) Directory() cluster.Config {
	return cluster.Config{
		URL: c.NATS, Credentials: c.Credentials, NKey: c.NKey, Bucket: c.Bucket, Replicas: c.Replicas, Lease: c.Lease,
		Embedded: cluster.Embedded{Listen: c.Listen, User: c.User, Password: c.Password, RouteListen: c.RouteListen, Routes: c.Routes},
	}
}

// NATSTLS is how the NATS server is trusted and what it is shown, nil when nothing
// is said of it.
func (c Cluster) NATSTLS() (*tls.Config, error) {
	if c.NATSCA == "" && c.NATSCert == "" {
		return nil, nil
	}
	trust, _, err := certs.Client(c.NATSCA, "", false)
	if err != nil {
		return nil, fmt.Errorf("natsCA: %w", err)
	}
	if c.NATSCert == "" {
		return trust, nil
	}
	shown := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(c.NATSCert, c.NATSKey)
		if err != nil {
			return nil, fmt.Errorf("natsCert: %w", err)
		}
		return &pair, nil
	}
	if _, err := shown(nil); err != nil { // now rather than at the first connection
		return nil, err
	}
	trust.GetClientCertificate = shown
	return trust, nil
}

// Peers is how other relays are connected to; its URL is this one's.
func (c Cluster) Peers() peer.Config {
	return peer.Config{URL: c.URL, CA: c.CA, Cert: c.Cert, Key: c.Key}
}

func (c Cluster) validate() error {
	if c.URL == "" {
		return errors.New("cluster.url: it is missing: give the moqt://HOST:PORT at which other relays reach this one")
	}
	if err := c.Peers().Validate(); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	if roles := []string{"edge", "shield", "origin"}; c.Role != "" && !slices.Contains(roles, c.Role) {
		return fmt.Errorf("cluster.role: %q is none of %s", c.Role, strings.Join(roles, ", "))
	}
	switch {
	case (c.NATSCert == "") != (c.NATSKey == ""):
		return errors.New("cluster.natsCert: cert and key belong together: give natsCert and natsKey, both PEM files")
	case c.NATS == "" && (c.NATSCA != "" || c.NATSCert != ""):
		return errors.New("cluster.natsCA: it and natsCert are for a server at cluster.nats: the one in the process needs none")
	}
	if err := c.Directory().Validate(); err != nil {
		return fmt.Errorf("cluster: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// RelayRole is Role in the terms of the relay.
func (c Cluster) RelayRole() relay.Role { return relay.Role(c.Role) }
