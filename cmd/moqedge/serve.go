package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/node"
)

type serveCommand struct {
	Config   string `short:"c" placeholder:"FILE" help:"YAML file, see docs/configuration.md. (default: a single node with pages, SRT and WHIP)"`
	Name     string `help:"Name of the node in logs and statistics."`
	Listen   string `placeholder:"ADDR" help:"UDP address for MOQT. (default: :4443)"`
	HTTP     string `name:"http" placeholder:"ADDR" help:"TCP address of the pages. (default: :8080)"`
	SRT      string `name:"srt" placeholder:"ADDR" help:"UDP address for encoders. (default: :9000)"`
	Admin    string `placeholder:"ADDR" help:"TCP address of /stats, /healthz and /readyz. (default: none)"`
	Upstream string `placeholder:"URL" help:"Parent relay. Without a file the node then takes no publications unless --srt is given."`
	JSON     bool   `name:"json" help:"Print the addresses as a JSON line."`

	DrainTimeout time.Duration `placeholder:"TIME" help:"How long sessions may take to leave after SIGTERM. (default: 10s)"`
	DrainURI     string        `name:"drain-uri" placeholder:"URL" help:"Relay that they are sent to then. (default: the address they know)"`
	trustFlags
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return `Flags go before what the file says. The flags of trust are about the parent relay.

Ctrl-C ends it at once. SIGTERM drains it first: /readyz says 503, nobody new is let in, those who
are connected are asked to go elsewhere (GOAWAY), and the process ends when they have left, or at
the limit. A second signal ends it at once.

Without a file it is what the public MOQT interop runner expects of a relay: MOQT_PORT is the UDP
port, /certs/cert.pem and /certs/priv.key (or MOQT_CERT and MOQT_KEY) are the certificate if they are
there, and MOQT_ROLE=relay leaves out pages and ingests.

Examples:

  moqedge serve -c origin.yaml

  moqedge serve -c edge-1.yaml --drain-timeout 30s --drain-uri https://edge-2.example/live

  moqedge serve --listen :4444 --http :8081 --upstream moqt://127.0.0.1:4443 \
      --fingerprint-url http://127.0.0.1:8080/certificate.sha256`
}

// Run serves until Ctrl-C, or until SIGTERM and the drain after it.
func (c serveCommand) Run(e *environment) error {
	conf, err := c.configuration()
	if err != nil {
		return err
	}
	log := e.logTo(first(conf.Log.Level, "info"), conf.Log.Format)
	slog.SetDefault(log)
	n, err := node.Start(conf, log)
	if err != nil {
		return err
	}
	defer n.Close()
	n.LimitMemory()
	if err := c.announce(e, n); err != nil {
		return err
	}
	select {
	case <-e.Done():
		if errors.Is(context.Cause(e), errTerminated) {
			if err := n.Drain(conf.Drain.URI, conf.Drain.Limit()); err != nil {
				log.Warn("not drained", "reason", err)
			}
		}
		return nil
	case err := <-n.Failed():
		return err
	}
}

// configuration is that of the file, or the default, with the flags over it.
func (c serveCommand) configuration() (config.Config, error) {
	conf := config.Default()
	if c.Config != "" {
		var err error
		if conf, err = config.Load(c.Config); err != nil {
			return conf, err
		}
	} else {
		if err := conf.Environment(os.Getenv, config.RunnerCertificates); err != nil {
			if errors.Is(err, config.ErrRole) {
				err = &exitError{code: exitUnsupported, err: err}
			}
			return conf, err
		}
		if c.Upstream != "" {
			conf.Bridge = nil
		}
	}
	conf.Name = first(c.Name, conf.Name)
	conf.Listen = first(c.Listen, conf.Listen)
	conf.Drain.URI = first(c.DrainURI, conf.Drain.URI)
	if c.DrainTimeout != 0 {
		conf.Drain.Timeout = c.DrainTimeout
	}
	if c.HTTP != "" {
		if conf.HTTP == nil {
			conf.HTTP = &config.HTTP{}
		}
		conf.HTTP.Listen = c.HTTP
	}
	if c.SRT != "" {
		if conf.Bridge == nil {
			conf.Bridge = &config.Bridge{}
		}
		if conf.Bridge.SRT == nil {
			conf.Bridge.SRT = &config.SRT{}
		}
		conf.Bridge.SRT.Listen = c.SRT
	}
	if c.Admin != "" {
		conf.Admin = &config.Admin{Listen: c.Admin}
	}
	if c.Upstream != "" {
		parent := c.peer(c.Upstream)
		conf.Upstream, conf.Upstreams = &config.Upstream{Config: parent}, nil
	}
	return conf, conf.Validate()
}

func (c serveCommand) announce(e *environment, n *node.Node) error {
	a := n.Addresses()
	if c.JSON {
		return e.console.JSON(struct {
			Type string `json:"type"`
			node.Addresses
			Fingerprint string `json:"fingerprint"`
		}{"addresses", a, n.Fingerprint()})
	}
	var b strings.Builder
	for _, line := range []struct{ what, where string }{
		{"relay", a.Relay + " (UDP)"}, {"pages", httpURL(a.HTTP)}, {"SRT", a.SRT}, {"admin", httpURL(a.Admin)}, {"fingerprint", n.Fingerprint()},
	} {
		if line.where != "" {
			fmt.Fprintf(&b, "%-11s %s\n", line.what, line.where)
		}
	}
	e.console.Line(strings.TrimSuffix(b.String(), "\n"))
	return nil
}

func httpURL(address string) string {
	if address == "" {
		return ""
	}
	return "http://" + node.Local(address) + "/"
}
