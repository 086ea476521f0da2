package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"moqedge/cmd/moqedge/config"
	"moqedge/relay/topology"
)

type topologyCommand struct {
	Config []string `short:"c" placeholder:"FILE" sep:"none" help:"Configuration files, one for each node."`
	Files  []string `arg:"" optional:"" name:"file" help:"More of them, so that -c *.yaml works."`
	Format string   `enum:"text,svg,json" default:"text" placeholder:"FORMAT" help:"What is printed: text, svg or json. (default: ${default})"`
	SVG    string   `name:"svg" placeholder:"FILE" help:"Write the picture there as well."`
	JSON   bool     `name:"json" help:"The same as --format json."`
}

// Help implements kong.HelpProvider.
func (topologyCommand) Help() string {
	return `Reads the files of all nodes of a tree, and connects to nobody. An upstream is the node that listens
at its address; a node that listens on all addresses is known by its name, its certificate.hosts and
its cluster.url. What no file describes is drawn as external.

Errors are rings of upstreams, namespaces that can be had from nowhere, ids and addresses that two
nodes share, and fingerprints of which one must be wrong: the exit code is 1 then. Warnings, such as
a single point of failure, are told and change no exit code.

Examples:

  moqedge topology -c origin.yaml edge-1.yaml edge-2.yaml

  moqedge topology -c nodes/eu.yaml nodes/us.yaml --svg tree.svg`
}

// Run draws the tree and tells what is wrong with it.
func (c topologyCommand) Run(e *environment) error {
	files := append(c.Config, c.Files...)
	if len(files) == 0 {
		return &exitError{code: exitUsage, err: fmt.Errorf("no files: give those of all nodes, as in moqedge topology -c origin.yaml edge.yaml")}
	}
	var nodes []topology.Node
	taken := map[string]bool{}
	for _, file := range files {
		conf, err := config.Load(file)
		if err != nil {
			return err
		}
		n, err := describeNode(file, conf)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if taken[n.Name] {
			n.Name += " (" + file + ")"
		}
		taken[n.Name] = true
		nodes = append(nodes, n)
	}
	g := topology.Build(nodes)
	if c.SVG != "" {
		if err := os.WriteFile(c.SVG, []byte(g.SVG()), 0o644); err != nil {
			return err
		}
	}
	found := g.Check()
	switch {
	case c.JSON || c.Format == "json":
		if err := e.console.JSON(g.Report()); err != nil {
			return err
		}
	case c.Format == "svg":
		e.console.Line(strings.TrimSuffix(g.SVG(), "\n"))
	default:
		lines := []string{strings.TrimSuffix(g.Text(), "\n"), ""}
		for _, f := range found {
			lines = append(lines, f.Severity.String()+": "+f.Text)
		}
		if len(found) == 0 {
			lines = append(lines, "no mistakes found")
		}
		e.console.Line(strings.Join(lines, "\n"))
	}
	if len(found) > 0 && found[0].Severity == topology.Error {
		return &exitError{code: exitFailure}
	}
	return nil
}

// describeNode says what a configuration means for the tree.
func describeNode(file string, c config.Config) (topology.Node, error) {
	n := topology.Node{
		Name: first(c.Name, strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))), ID: c.ID, Region: c.Region,
		Addresses: []string{c.Listen}, Ingest: c.Bridge != nil && c.Bridge.PublishTo == nil, DrainTo: c.Drain.URI,
	}
	_, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return n, err
	}
	for _, host := range c.Certificate.Hosts {
		n.Addresses = append(n.Addresses, net.JoinHostPort(host, port))
	}
	if c.Cluster != nil {
		n.Addresses = append(n.Addresses, topology.AddressOf(c.Cluster.URL))
	}
	for _, u := range c.AllUpstreams() {
		prefixes, err := u.Namespaces()
		if err != nil {
			return n, err
		}
		up := topology.Upstream{
			Name: u.Name, URL: u.URL, Prefixes: prefixes, Priority: u.Priority, Cost: u.Cost, Peer: u.Peer, OnDemand: u.OnDemand,
		}
		for pin := range strings.SplitSeq(u.Fingerprint, ",") {
			if pin = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(pin), ":", "")); pin != "" {
				up.Pins = append(up.Pins, pin)
			}
		}
		n.Upstreams = append(n.Upstreams, up)
	}
	return n, nil
}
