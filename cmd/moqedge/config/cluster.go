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
	// Role is `edge`, `shield` (its region gets what is held elsewhere by it) or
	// `origin`.
	Role string `yaml:"role" reload:"section" default:"edge"`
	// URL is where other relays reach this one.
	URL string `yaml:"url" reload:"section" without:"required"`
	// Cost of asking this relay rather than another.
	Cost uint32 `yaml:"cost" reload:"section" default:"1"`
	// NATS is the URL of the NATS server, or of several, separated by commas:
	// `nats://HOST:4222`, `tls://HOST`.
	NATS string `yaml:"nats" reload:"section" secret:"url" without:"one in the process"`
	// Credentials is a file of NATS credentials (user JWT and key).
	Credentials string `yaml:"credentials" reload:"section" without:"none"`
	// NKey is a file with the seed of a NATS user key, instead of `credentials`.
	NKey string `yaml:"nkey" reload:"section" without:"none"`
	// NATSCA is a PEM file with the roots that the NATS server is checked against.
	NATSCA string `yaml:"natsCA" reload:"section" without:"those of the system"`
	// NATSCert is a PEM file with the certificate that this node shows the NATS server;
	// read at each connection.
	NATSCert string `yaml:"natsCert" reload:"section" without:"none is shown"`
	// NATSKey is a PEM file with its key.
	NATSKey string `yaml:"natsKey" reload:"section" without:"none"`
	// Bucket that the relays of a cluster share.
	Bucket string `yaml:"bucket" reload:"section" default:"moqedge"`
	// Replicas of the bucket, when it is made here.
	Replicas int `yaml:"replicas" reload:"section" default:"1"`
	// Lease is how long a relay that fell silent counts as alive, whole seconds; the
	// same for all.
	Lease time.Duration `yaml:"lease" reload:"section" default:"4s"`
	// Listen is the TCP address at which the server in the process serves other
	// relays.
	Listen string `yaml:"listen" reload:"section" without:"this relay alone uses it"`
	// User is who they must say they are to the server in the process.
	User string `yaml:"user" reload:"section" without:"everybody is let in"`
	// Password that they must give with it.
	Password string `yaml:"password" reload:"section" secret:"true" without:"none"`
	// RouteListen is the TCP address for the servers in other processes, when they
	// form one NATS cluster.
	RouteListen string `yaml:"routeListen" reload:"section" without:"it is alone"`
	// Routes are `HOST:PORT` of all of them.
	Routes []string `yaml:"routes" reload:"section" without:"none"`
	// CA is a PEM file with the roots to trust in other relays.
	CA string `yaml:"ca" reload:"section" without:"what the directory tells of them, else the roots of the system"`
	// Cert is a PEM file with the certificate that this node shows them.
	Cert string `yaml:"cert" reload:"section" without:"none is shown"`
	// Key is a PEM file with its key.
	Key string `yaml:"key" reload:"section" without:"none"`
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

func (c *Cluster) validate() error {
	if c == nil {
		return nil
	}
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
