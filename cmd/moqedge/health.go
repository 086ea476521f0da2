package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"moqedge/certs"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/node"
	"moqedge/relay/admin"
)

type healthCommand struct {
	Config   string        `short:"c" placeholder:"FILE" env:"MOQEDGE_CONFIG" help:"File of the node, which says where its admin address is."`
	Admin    string        `placeholder:"URL" help:"Admin address, instead of that of the file and the environment."`
	CA       string        `name:"ca" placeholder:"FILE" help:"PEM file with the roots that HTTPS of --admin is checked against. (default: those of the system)"`
	Insecure bool          `help:"Do not check the certificate of HTTPS of --admin."`
	Live     bool          `help:"Ask whether it lives, not whether it wants new sessions."`
	Timeout  time.Duration `default:"3s" help:"How long an answer may take."`
	JSON     bool          `name:"json" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (healthCommand) Help() string {
	return `Asks a node, as a probe does that has no other program at hand: for a container's health check, or a
script. Without --admin it asks the node that the file and the MOQEDGE_ variables describe, on this machine.
It needs no token.

The exit code is 0 when the node is ready (with --live: when it answers), 1 when it is not, and 2 when there
is nobody to ask.

Examples:

  moqedge health -c /etc/moqedge/node.yaml

  moqedge health --live

  moqedge health --json --admin https://edge-1.example:9090`
}

// health is what `health --json` prints.
type health struct {
	Admin   string   `json:"admin"`
	Healthy bool     `json:"healthy"`
	Reasons []string `json:"reasons"` // why it is not
}

// maxHealth bounds what is read of an answer.
const maxHealth = 64 << 10

// Run asks once.
func (c healthCommand) Run(e *environment) error {
	base, trust, err := c.whom()
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	transport := &http.Transport{TLSClientConfig: trust}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(e.Context, c.Timeout)
	defer cancel()
	found := health{Admin: base, Reasons: []string{}}
	if reasons, err := c.ask(ctx, &http.Client{Transport: transport}, base); err != nil {
		found.Reasons = append(found.Reasons, fmt.Sprintf("no answer: %v", err))
	} else {
		found.Reasons = append(found.Reasons, reasons...)
	}
	found.Healthy = len(found.Reasons) == 0
	switch {
	case c.JSON:
		if err := e.console.JSON(found); err != nil {
			return err
		}
	case found.Healthy:
		e.console.Line("healthy")
	default:
		for _, reason := range found.Reasons {
			e.console.Line(fmt.Sprintf("not healthy: %.500q", reason))
		}
	}
	if !found.Healthy {
		return &exitError{code: exitFailure}
	}
	return nil
}

// whom returns the URL of the admin address and how it is trusted. The certificate of
// the node of the configuration is not checked: it is that of a public name, and this
// machine is asked.
func (c healthCommand) whom() (string, *tls.Config, error) {
	if c.Admin != "" {
		u, err := url.Parse(c.Admin)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", nil, fmt.Errorf("--admin %q: give http://HOST:PORT or https://HOST:PORT", c.Admin)
		}
		trust, _, err := certs.Client(c.CA, "", c.Insecure)
		return strings.TrimSuffix(c.Admin, "/"), trust, err
	}
	set, err := config.Sources{File: c.Config, Environ: os.Environ(), Mounted: config.RunnerCertificates, Others: otherVariables()}.Read()
	if err != nil {
		return "", nil, err
	}
	a := set.Config.Admin
	if a == nil {
		return "", nil, errors.New("there is nobody to ask: the configuration has no admin.listen, and --admin is not given")
	}
	scheme := "http://"
	if a.TLS {
		scheme = "https://"
	}
	return scheme + node.Local(a.Listen), &tls.Config{InsecureSkipVerify: true}, nil
}

// ask returns why the node is not healthy, or that there is no such answer.
func (c healthCommand) ask(ctx context.Context, client *http.Client, base string) ([]string, error) {
	path := "/readyz"
	if c.Live {
		path = "/healthz"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return nil, err
	}
	rsp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer rsp.Body.Close()
	if rsp.StatusCode == http.StatusOK {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(rsp.Body, maxHealth))
	if err != nil {
		return nil, err
	}
	var said admin.Readiness
	if json.Unmarshal(body, &said) != nil || len(said.Reasons) == 0 {
		return nil, fmt.Errorf("%s of %s: is this the admin address?", rsp.Status, base+path)
	}
	return said.Reasons, nil
}
