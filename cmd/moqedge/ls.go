package main

import (
	"context"
	"time"

	"moqedge/cmd/moqedge/listing"
	"moqedge/cmd/moqedge/names"
	"moqedge/cmd/moqedge/node"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq"
	"moqedge/moq/wire"
)

type lsCommand struct {
	URL    string        `arg:"" help:"Relay: moqt://HOST:PORT or https://HOST:PORT/PATH."`
	Prefix string        `arg:"" optional:"" help:"Only namespaces that begin with these fields, separated by slashes."`
	Watch  bool          `short:"w" help:"Go on and tell what comes (+) and goes (-)."`
	Settle time.Duration `default:"300ms" placeholder:"TIME" help:"The list is complete when nothing came for this time. (default: ${default})"`
	JSON   bool          `name:"json" help:"Print JSON: one document, with --watch a line per change."`
	clientFlags
}

// Help implements kong.HelpProvider.
func (lsCommand) Help() string {
	return `A publication NAME has the namespaces NAME.loc and NAME.msf. Fields of a namespace are separated
by slashes; bytes other than letters, digits and a few signs are written as in a URL.

Examples:

  moqedge ls moqt://127.0.0.1:4443 --fingerprint-url http://127.0.0.1:8080/certificate.sha256

  moqedge ls https://relay.example/live --watch --json`
}

// Run lists once, or until Ctrl-C.
func (c lsCommand) Run(e *environment) error {
	prefix, err := names.ParseNamespace(c.Prefix)
	if err != nil {
		return err
	}
	var found []wire.Namespace
	o := peer.Options{Session: moq.Config{Implementation: node.Implementation, Tokens: c.tokens(), Logger: e.log}, Once: !c.Watch, Logger: e.log}
	err = peer.Keep(e, c.peer(c.URL), o, func(ctx context.Context, s *moq.Session, _ <-chan struct{}) error {
		if c.Watch {
			return listing.Watch(ctx, s, prefix, func(event listing.Event) { c.tell(e, event) })
		}
		var err error
		found, err = listing.Now(ctx, s, prefix, c.Settle)
		return err
	})
	if err != nil || c.Watch {
		return err
	}
	return c.print(e, found)
}

func (c lsCommand) print(e *environment, found []wire.Namespace) error {
	if c.JSON {
		list := make([][]string, len(found))
		for i, ns := range found {
			list[i] = ns
		}
		return e.console.JSON(map[string]any{"namespaces": list})
	}
	for _, ns := range found {
		e.console.Line(names.Namespace(ns))
	}
	return nil
}

func (c lsCommand) tell(e *environment, event listing.Event) {
	sign, kind := "- ", "removed"
	if event.Added {
		sign, kind = "+ ", "added"
	}
	if !c.JSON {
		e.console.Line(sign + names.Namespace(event.Namespace))
		return
	}
	line := struct {
		Type      string         `json:"type"`
		Namespace wire.Namespace `json:"namespace"`
	}{kind, event.Namespace}
	if err := e.console.JSON(line); err != nil {
		e.log.Error("the change can not be printed", "error", err)
	}
}
