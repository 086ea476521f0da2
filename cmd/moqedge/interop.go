package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"moqedge/cmd/moqedge/node"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq/interop"
)

type interopCommand struct {
	Relay   string        `short:"r" placeholder:"URL" help:"Relay: moqt://HOST:PORT or https://HOST:PORT/PATH. (default: $$RELAY_URL, else https://localhost:4443)"`
	Test    []string      `short:"t" placeholder:"NAME" help:"Case to do; may be repeated. objects stands for those that compare objects, all for all. (default: $$TESTCASE, else the six of the runner)"`
	List    bool          `short:"l" help:"List the cases instead."`
	Draft   int           `placeholder:"N" help:"Speak this draft of MOQT only, such as 18. (default: what the relay prefers)"`
	Timeout time.Duration `placeholder:"TIME" help:"How long each case may take. (default: what the case says, 2s to 30s)"`
	Verbose bool          `short:"v" help:"Tell also what each case waits for. (default: $$VERBOSE)"`
	JSON    bool          `name:"json" help:"Print JSON lines instead of TAP."`

	TLSDisableVerify bool   `name:"tls-disable-verify" aliases:"insecure" group:"Trust" help:"Do not check the certificate. (default: $$TLS_DISABLE_VERIFY)"`
	Fingerprint      string `placeholder:"HEX" group:"Trust" help:"Accept the certificate with this SHA-256 (several: separated by commas)."`
	FingerprintURL   string `name:"fingerprint-url" placeholder:"URL" group:"Trust" help:"Read the fingerprint there before every connection, such as http://HOST:8080/certificate.sha256."`
	CA               string `name:"ca" placeholder:"FILE" group:"Trust" help:"Trust the roots in this PEM file."`
}

// exitUnsupported is what the public interop runner wants to get for a case or
// a role that does not exist here.
const exitUnsupported = 127

// Help implements kong.HelpProvider.
func (interopCommand) Help() string {
	return `Does to any relay what the public MOQT interop runner does, and reports in TAP 14: a version line,
the plan, a test point per case with a block of YAML. The exit code is 0 when all that was asked for
passed, 127 when a case does not exist here, else 1. Flags go before the environment of the runner:
RELAY_URL, TESTCASE, TLS_DISABLE_VERIFY, VERBOSE.

Examples:

  moqedge interop --relay https://127.0.0.1:4443 --tls-disable-verify

  moqedge interop --relay moqt://127.0.0.1:4443 --draft 18 --test all --verbose \
      --fingerprint-url http://127.0.0.1:8080/certificate.sha256`
}

// Run does the cases until all are done or Ctrl-C.
func (c interopCommand) Run(e *environment) error {
	if c.List {
		return c.list(e)
	}
	tests := c.Test
	if name := os.Getenv("TESTCASE"); len(tests) == 0 && name != "" {
		tests = []string{name}
	}
	selected, unknown := interop.Select(tests...)
	config, err := c.config(e)
	if err != nil {
		return err
	}
	suite := interop.Suite{
		Config: config, Cases: selected, Unknown: unknown, Verbose: c.Verbose || truthy("VERBOSE"),
		Report: &interop.TAP{Out: e.out, Client: "moqedge interop"},
	}
	if c.JSON {
		suite.Report = &interop.JSON{Out: e.out}
	}
	switch sum := suite.Run(e); {
	case sum.OK():
		return nil
	case sum.Failed == 0 && sum.Skipped > 0 && !sum.Bailed:
		return &exitError{code: exitUnsupported}
	default:
		return &exitError{code: exitFailure}
	}
}

func (c interopCommand) config(e *environment) (interop.Config, error) {
	config := interop.Config{
		URL:     first(c.Relay, os.Getenv("RELAY_URL"), "https://localhost:4443"),
		Timeout: max(c.Timeout, 0), Implementation: node.Implementation, Logger: e.log,
	}
	trust := peer.Config{URL: config.URL, Fingerprint: c.Fingerprint, FingerprintURL: c.FingerprintURL, CA: c.CA, Insecure: c.TLSDisableVerify, Draft: c.Draft}
	if c.Fingerprint == "" && c.FingerprintURL == "" && c.CA == "" {
		trust.Insecure = trust.Insecure || truthy("TLS_DISABLE_VERIFY")
	}
	var err error
	config.Dial, config.Refresh, err = trust.Dial()
	return config, err
}

func (c interopCommand) list(e *environment) error {
	type entry struct {
		Name     string `json:"name"`
		Summary  string `json:"summary"`
		Standard bool   `json:"standard"`
	}
	var all []entry
	for _, k := range interop.Cases() {
		all = append(all, entry{k.Name, k.Summary, k.Standard})
		switch {
		case c.JSON:
		case c.Verbose:
			e.console.Line(fmt.Sprintf("%-26s %s", k.Name, k.Summary))
		default:
			e.console.Line(k.Name)
		}
	}
	if c.JSON {
		return e.console.JSON(all)
	}
	return nil
}

// truthy reads a variable as the runner sets it.
func truthy(variable string) bool {
	v := os.Getenv(variable)
	return v == "1" || strings.EqualFold(v, "true")
}
