package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"moqedge/cmd/moqedge/demo"
)

type demoCommand struct {
	HTTP     string        `name:"http" default:"127.0.0.1:8080" placeholder:"ADDR" help:"TCP address of the pages and of WHIP. (default: ${default})"`
	Edge     string        `default:"127.0.0.1:4443" placeholder:"ADDR" help:"UDP address of the edge relay. (default: ${default})"`
	Origin   string        `default:"127.0.0.1:0" placeholder:"ADDR" help:"UDP address of the origin relay. (default: ${default})"`
	SRT      string        `name:"srt" default:"127.0.0.1:9000" placeholder:"ADDR" help:"UDP address for encoders. (default: ${default})"`
	Name     string        `default:"demo" help:"What the clip is published as. (default: ${default})"`
	NoClip   bool          `help:"Do not play the clip."`
	CertDir  string        `placeholder:"DIR" help:"Keep the development certificate there. (default: in memory)"`
	Interval time.Duration `placeholder:"TIME" help:"How often the status is printed. (default: 1s, 10s without a terminal)"`
	JSON     bool          `name:"json" help:"Print JSON lines: the addresses first, then the status."`
}

// Help implements kong.HelpProvider.
func (demoCommand) Help() string {
	return `An origin relay, an edge relay that pulls from it over QUIC, SRT and WHIP ingests, the pages
and a test clip, all in this process and on loopback. Ctrl-C ends it.

Examples:

  moqedge demo

  moqedge demo --http 127.0.0.1:8888 --edge 127.0.0.1:4444 --no-clip`
}

// Run starts the demo and shows its status until Ctrl-C.
func (c demoCommand) Run(e *environment) error {
	if c.NoClip {
		c.Name = ""
	}
	d, err := demo.Start(demo.Config{HTTP: c.HTTP, Edge: c.Edge, Origin: c.Origin, SRT: c.SRT, Name: c.Name, CertificateDir: c.CertDir}, e.log)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := c.announce(e, d.Addresses()); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(e)
	var showing sync.WaitGroup
	showing.Go(func() { c.show(ctx, e, d.Meter()) })
	err = d.Wait(e)
	stop()
	showing.Wait()
	return err
}

func (c demoCommand) announce(e *environment, a demo.Addresses) error {
	if c.JSON {
		return e.console.JSON(struct {
			Type string `json:"type"`
			demo.Addresses
		}{"addresses", a})
	}
	e.console.Line(strings.TrimSpace(fmt.Sprintf(`
watch       %s
live now    %s
publish     %s   (camera or test pattern, from a browser)
SRT         %s   (stream id publish:NAME)
WHIP        %sNAME
edge        %s   (raw QUIC: %s)
origin      %s
fingerprint %s

Send a picture of your own and watch it at %swatch/cam1:

  %s

Ctrl-C ends the demo.
`, a.Player, a.Live, a.Publish, a.SRT, a.WHIP, a.Edge, a.EdgeQUIC, a.Origin, a.Fingerprint, a.Live, a.FFmpeg)) + "\n")
	return nil
}

// show prints the status until ctx is done.
func (c demoCommand) show(ctx context.Context, e *environment, m *demo.Meter) {
	interval := c.Interval
	switch {
	case interval > 0:
	case e.console.Terminal(), c.JSON:
		interval = time.Second
	default:
		interval = 10 * time.Second
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for now := time.Now(); ; {
		s := m.Read(now)
		if !c.JSON {
			e.console.Status(s.String())
		} else if err := e.console.JSON(struct {
			Type string `json:"type"`
			demo.Status
		}{"status", s}); err != nil {
			e.log.Error("the status can not be printed", "error", err)
		}
		select {
		case now = <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
