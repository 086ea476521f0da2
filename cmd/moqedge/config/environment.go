package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// RunnerCertificates is where the public MOQT interop runner mounts the
// certificate of a relay, as cert.pem and priv.key.
const RunnerCertificates = "/certs"

// ErrRole says that the runner wants something else than a relay.
var ErrRole = errors.New("this role is not supported")

// Environment takes in what the public interop runner tells a relay by
// environment variables, as getenv gives them, and by mounting a certificate
// at dir:
//
//   - MOQT_PORT is the UDP port, on all addresses.
//   - MOQT_CERT and MOQT_KEY are PEM files; without them those in dir, if
//     there is a cert.pem.
//   - MOQT_ROLE is relay: then the node is nothing else, without pages and
//     ingests. Other roles are an ErrRole.
//
// Without any of them c stays as it is.
func (c *Config) Environment(getenv func(string) string, dir string) error {
	switch role := getenv("MOQT_ROLE"); role {
	case "":
	case "relay":
		c.HTTP, c.Bridge = nil, nil
	default:
		return fmt.Errorf("MOQT_ROLE: %w: %q, only relay", ErrRole, role)
	}
	if port := getenv("MOQT_PORT"); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("MOQT_PORT: %q is not a port of 0 to 65535", port)
		}
		c.Listen = ":" + port
	}
	cert, key := getenv("MOQT_CERT"), getenv("MOQT_KEY")
	mounted := filepath.Join(dir, "cert.pem")
	if cert == "" && key == "" {
		if _, err := os.Stat(mounted); err != nil {
			return nil // nothing is mounted
		}
	}
	c.Certificate = Certificate{Cert: cert, Key: key}
	if cert == "" {
		c.Certificate.Cert = mounted
	}
	if key == "" {
		c.Certificate.Key = filepath.Join(dir, "priv.key")
	}
	return nil
}
