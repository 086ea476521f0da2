package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/node"
	"moqedge/cmd/moqedge/notify"
)

type serveCommand struct {
	Config   string `short:"c" placeholder:"FILE" env:"MOQEDGE_CONFIG" help:"YAML file, see docs/configuration.md. (default: a single node with pages, SRT and WHIP)"`
	Name     string `help:"Name of the node in logs and statistics."`
	Listen   string `placeholder:"ADDR" help:"UDP address for MOQT. (default: :4443)"`
	HTTP     string `name:"http" placeholder:"ADDR" help:"TCP address of the pages. (default: :8080)"`
	SRT      string `name:"srt" placeholder:"ADDR" help:"UDP address for encoders. (default: :9000)"`
	Admin    string `placeholder:"ADDR" help:"TCP address of the status page and the admin API, on loopback without admin.token. (default: none)"`
	Upstream string `placeholder:"URL" help:"Parent relay. Without a file the node then takes no publications unless --srt is given."`
	JSON     bool   `name:"json" help:"Print the addresses as a JSON line, or with --print-config the values."`

	PrintConfig bool `help:"Print what the node would be run with, and where each value comes from, and end."`

	DrainTimeout time.Duration `placeholder:"TIME" help:"How long sessions may take to leave after SIGTERM. (default: 10s)"`
	DrainURI     string        `name:"drain-uri" placeholder:"URL" help:"Relay that they are sent to then. (default: the address they know)"`
	trustFlags
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return `Flags go before the environment (MOQEDGE_LISTEN, MOQEDGE_UPSTREAMS_0_URL, and so on), and that before
what the file says. The flags of trust are about the parent relay.

On SIGHUP, and when the file has changed, it is read again: what can change in a running node does, what
needs a restart is told in the log, and a file with mistakes changes nothing.

Ctrl-C ends it at once. SIGTERM drains it first: /readyz says 503, nobody new is let in, those who
are connected are asked to go elsewhere (GOAWAY), and the process ends when they have left, or at
the limit. A second signal ends it at once.

A service manager that gives NOTIFY_SOCKET (systemd, Type=notify) is told when it serves, reads its
file again and ends, how it fares, and, with WATCHDOG_USEC, that it lives.

Without a file it is what the public MOQT interop runner expects of a relay: MOQT_PORT is the UDP
port, /certs/cert.pem and /certs/priv.key (or MOQT_CERT and MOQT_KEY) are the certificate if they are
there, and MOQT_ROLE=relay leaves out pages and ingests.

Examples:

  moqedge serve -c origin.yaml

  moqedge serve -c origin.yaml --print-config

  moqedge serve -c edge-1.yaml --drain-timeout 30s --drain-uri https://edge-2.example/live

  moqedge serve --listen :4444 --http :8081 --upstream moqt://127.0.0.1:4443 \
      --fingerprint-url http://127.0.0.1:8080/certificate.sha256`
}

// Run serves until Ctrl-C, or until SIGTERM and the drain after it.
func (c serveCommand) Run(e *environment) error {
	reload, stop := c.reloads(e) // first, so that neither a signal nor a change is missed
	defer stop()
	set, err := c.configuration(e)
	if err != nil {
		return err
	}
	if c.PrintConfig {
		return c.printConfig(e, set)
	}
	level := new(slog.LevelVar)
	level.Set(levelOf(set.Log.Level))
	log := newLogger(e.logs, level, set.Log.Format)
	slog.SetDefault(log)
	manager, err := notify.Open(os.Getenv, log)
	if err != nil {
		return err
	}
	defer manager.Close()
	if limit := node.StartLimit(set.Config); limit > 0 {
		manager.Extend("waiting for a certificate", limit)
	}
	n, err := node.StartRead(e, set, log)
	switch {
	case err != nil && e.Err() != nil:
		return nil // it was to end before it had begun
	case err != nil:
		return err
	}
	defer n.Close()
	defer supervise(manager, n)()
	n.OnApply(func(next config.Config) (node.Step, error) {
		return node.Step{Commit: func() { level.Set(levelOf(next.Log.Level)) }}, nil
	}, "log")
	n.LimitMemory()
	if err := c.announce(e, n); err != nil {
		return err
	}
	manager.Ready(n.Summary())
	for {
		select {
		case <-e.Done():
			manager.Stopping(n.Summary(), n.StopLimit())
			if errors.Is(context.Cause(e), errTerminated) {
				drain := n.Config().Drain
				if err := n.Drain(drain.URI, drain.Limit()); err != nil {
					log.Warn("not drained", "reason", err)
				}
			}
			return nil
		case err := <-n.Failed():
			return err
		case <-reload:
			manager.Reloading()
			_ = n.Reload(func() (*config.Settings, error) { return c.configuration(e) }) // what fails is logged, and the node goes on
			manager.Ready(n.Summary())
		}
	}
}

// supervise has the service manager told how the node fares, until the returned function
// is called.
func supervise(manager *notify.Manager, n *node.Node) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var telling sync.WaitGroup
	telling.Go(func() { manager.Watch(ctx, n.Touch) })
	telling.Go(func() { manager.Follow(ctx, n.Summary) })
	return func() {
		cancel()
		telling.Wait()
	}
}

// reloads tells when the configuration is to be read again: on SIGHUP, and when the file
// has changed, until stop is called.
func (c serveCommand) reloads(e *environment) (reload <-chan os.Signal, stop func()) {
	when := make(chan os.Signal, 1) // one that waits is enough
	signal.Notify(when, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(e)
	var watching sync.WaitGroup
	if c.Config != "" {
		watcher := config.NewWatcher(c.Config)
		watching.Go(func() {
			watcher.Run(ctx, func() {
				select {
				case when <- syscall.SIGHUP:
				default:
				}
			})
		})
	}
	return when, func() {
		signal.Stop(when)
		cancel()
		watching.Wait()
	}
}

func (c serveCommand) printConfig(e *environment, set *config.Settings) error {
	if c.JSON {
		return e.console.JSON(set.Values())
	}
	var text strings.Builder
	if err := set.Print(&text); err != nil {
		return err
	}
	e.console.Line(strings.TrimSuffix(text.String(), "\n"))
	return nil
}

// otherVariables are those of the environment that configure something else.
func otherVariables() []string { return []string{"MOQEDGE_CONFIG", "MOQEDGE_TOKEN"} }

// configuration is that of the file, or the default, with the environment and then
// the flags over it.
func (c serveCommand) configuration(e *environment) (*config.Settings, error) {
	s, err := config.Sources{
		File: c.Config, Environ: os.Environ(), Mounted: config.RunnerCertificates, Flags: c.flags(e), Others: otherVariables(),
	}.Read()
	if errors.Is(err, config.ErrRole) {
		err = &exitError{code: exitUnsupported, err: err}
	}
	return s, err
}

// flags are those that say what the configuration says, too.
func (c serveCommand) flags(e *environment) []config.Flag {
	all := []config.Flag{
		{Name: "--log-level", Key: "log.level", Value: e.level},
		{Name: "--log-format", Key: "log.format", Value: e.format},
		{Name: "--name", Key: "name", Value: c.Name},
		{Name: "--listen", Key: "listen", Value: c.Listen},
		{Name: "--http", Key: "http.listen", Value: c.HTTP},
		{Name: "--admin", Key: "admin.listen", Value: c.Admin},
		{Name: "--drain-uri", Key: "drain.uri", Value: c.DrainURI},
	}
	if c.DrainTimeout != 0 {
		all = append(all, config.Flag{Name: "--drain-timeout", Key: "drain.timeout", Value: c.DrainTimeout.String()})
	}
	if c.Upstream != "" {
		if c.Config == "" {
			all = append(all, config.Flag{Name: "--upstream", Key: "bridge", Value: config.Off})
		}
		all = append(all,
			config.Flag{Name: "--upstream", Key: "upstreams", Value: config.Off},
			config.Flag{Name: "--upstream", Key: "upstream", Value: config.Off}, // so that nothing of another one stays
			config.Flag{Name: "--upstream", Key: "upstream.url", Value: c.Upstream},
			config.Flag{Name: "--fingerprint", Key: "upstream.fingerprint", Value: c.Fingerprint},
			config.Flag{Name: "--fingerprint-url", Key: "upstream.fingerprintURL", Value: c.FingerprintURL},
			config.Flag{Name: "--ca", Key: "upstream.ca", Value: c.CA},
			config.Flag{Name: "--timeout", Key: "upstream.timeout", Value: c.Timeout.String()},
		)
		if c.Insecure {
			all = append(all, config.Flag{Name: "--insecure", Key: "upstream.insecure", Value: "true"})
		}
	}
	return append(all, config.Flag{Name: "--srt", Key: "bridge.srt.listen", Value: c.SRT}) // after what leaves the bridge out
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
	adminURL := httpURL(a.Admin)
	if c := n.Config().Admin; c != nil && c.TLS {
		adminURL = "https" + strings.TrimPrefix(adminURL, "http")
	}
	var b strings.Builder
	for _, line := range []struct{ what, where string }{
		{"relay", a.Relay + " (UDP)"}, {"pages", httpURL(a.HTTP)}, {"SRT", a.SRT}, {"admin", adminURL}, {"fingerprint", n.Fingerprint()},
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
