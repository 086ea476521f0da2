package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// RunnerCertificates is where the public MOQT interop runner mounts the
// certificate of a relay, as cert.pem and priv.key.
const RunnerCertificates = "/certs"

// ErrRole says that the runner wants something else than a relay.
var ErrRole = errors.New("this role is not supported")

// runner takes in what the public interop runner tells a relay by environment
// variables, as getenv gives them, and by mounting a certificate at dir:
//
//   - MOQT_PORT is the UDP port, on all addresses.
//   - MOQT_CERT and MOQT_KEY are PEM files; without them those in dir, if
//     there is a cert.pem.
//   - MOQT_ROLE is relay: then the node is nothing else, without pages and
//     ingests. Other roles are an ErrRole.
//
// Without any of them s stays as it is.
func (s *Settings) runner(getenv func(string) string, dir string) error {
	from := func(variable string) Origin { return Origin{Kind: FromEnvironment, Name: variable} }
	switch role := getenv("MOQT_ROLE"); role {
	case "":
	case "relay":
		s.HTTP, s.Bridge = nil, nil
		s.note("http", from("MOQT_ROLE"))
		s.note("bridge", from("MOQT_ROLE"))
	default:
		return fmt.Errorf("MOQT_ROLE: %w: %q, only relay", ErrRole, role)
	}
	if port := getenv("MOQT_PORT"); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("MOQT_PORT: %q is not a port of 0 to 65535", port)
		}
		s.Listen = ":" + port
		s.note("listen", from("MOQT_PORT"))
	}
	cert, key := getenv("MOQT_CERT"), getenv("MOQT_KEY")
	mounted := filepath.Join(dir, "cert.pem")
	if cert == "" && key == "" {
		if _, err := os.Stat(mounted); err != nil || dir == "" {
			return nil // nothing is mounted
		}
	}
	s.Certificate = Certificate{Cert: cert, Key: key}
	s.note("certificate.cert", from("MOQT_CERT"))
	s.note("certificate.key", from("MOQT_KEY"))
	if cert == "" {
		s.Certificate.Cert = mounted
		s.note("certificate.cert", Origin{Kind: FromFile, Name: mounted})
	}
	if key == "" {
		s.Certificate.Key = filepath.Join(dir, "priv.key")
		s.note("certificate.key", Origin{Kind: FromFile, Name: s.Certificate.Key})
	}
	return nil
}

// getenv reads what os.Environ gave; the last entry of a name counts.
func getenv(environ []string) func(string) string {
	return func(variable string) string {
		value := ""
		for _, entry := range environ {
			if v, ok := strings.CutPrefix(entry, variable+"="); ok {
				value = v
			}
		}
		return value
	}
}
