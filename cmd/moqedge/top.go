package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"moqedge/certs"
	"moqedge/cmd/moqedge/top"
)

type topCommand struct {
	Admin    string `default:"http://127.0.0.1:9090" placeholder:"URL" help:"Admin address of the node. (default: ${default})"`
	Token    string `env:"MOQEDGE_ADMIN_TOKEN" placeholder:"TOKEN" help:"Its admin.token; better in the environment, as MOQEDGE_ADMIN_TOKEN."`
	CA       string `name:"ca" placeholder:"FILE" help:"PEM file with the roots that HTTPS is checked against. (default: those of the system)"`
	Insecure bool   `help:"Do not check the certificate of HTTPS."`
	Once     bool   `help:"Print one snapshot and end; needs no terminal."`
	JSON     bool   `name:"json" help:"Print one snapshot as JSON and end."`
}

// Help implements kong.HelpProvider.
func (topCommand) Help() string {
	return `A dashboard of one node: its tracks, sessions and links with their rates, and the cache. Keys: tab or
1, 2, 3 choose the table, s the order, / filters, p pauses, q ends. When the node is gone it says so
and tries again every second.

Examples:

  moqedge top

  MOQEDGE_ADMIN_TOKEN=... moqedge top --admin https://edge-1.example:9090

  moqedge top --json | jq .totals`
}

// rateWait is how long the node takes until it knows rates, after somebody asked first.
const rateWait = 2500 * time.Millisecond

// Run shows the node until q.
func (c topCommand) Run(e *environment) error {
	u, err := url.Parse(c.Admin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &exitError{code: exitUsage, err: fmt.Errorf("--admin %q: give http://HOST:PORT or https://HOST:PORT", c.Admin)}
	}
	trust, _, err := certs.Client(c.CA, "", c.Insecure)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: trust}
	defer transport.CloseIdleConnections()
	client := top.Client{URL: c.Admin, Token: c.Token, HTTP: &http.Client{Transport: transport}}
	in, isFile := e.out.(*os.File)
	if c.Once || c.JSON || !e.console.Terminal() || !isFile {
		return c.once(e, client)
	}
	_, err = tea.NewProgram(top.New(c.Admin, client.Read), tea.WithContext(e.Context), tea.WithOutput(in)).Run()
	if e.Err() != nil { // Ctrl-C
		return nil
	}
	return err
}

// once prints a snapshot, with the rates.
func (c topCommand) once(e *environment, client top.Client) error {
	ctx, cancel := context.WithTimeout(e.Context, 15*time.Second)
	defer cancel()
	s, err := client.Read(ctx)
	if err == nil && s.Totals.BitsIn == nil {
		select {
		case <-time.After(rateWait):
		case <-ctx.Done():
		}
		s, err = client.Read(ctx)
	}
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			err = errors.New("nothing listens there: the node has to run, with admin.listen (or serve --admin)")
		}
		return fmt.Errorf("no answer of %s: %w", c.Admin, err)
	}
	if c.JSON {
		return e.console.JSON(s)
	}
	e.console.Line(top.Plain(c.Admin, s))
	return nil
}
