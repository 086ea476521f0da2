package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"moqedge/bridge"
	"moqedge/bridge/srt"
	"moqedge/bridge/whip"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq"
)

// openBridge makes the hub, the session that publishes its tracks, and SRT.
func (n *Node) openBridge(ctx context.Context) error {
	c := n.config.Bridge
	if c == nil {
		return nil
	}
	origin := moq.NewOrigin()
	publisher := peer.NewPublisher(origin)
	to := n.publishTo()
	if _, _, err := to.Dial(); err != nil {
		return fmt.Errorf("bridge.publishTo: %w", err)
	}
	keep := peer.Options{
		Session: moq.Config{Handler: publisher, Implementation: Implementation, Logger: n.log}, Patient: true,
		Logger: n.log.With("for", "the bridge"),
	}
	n.hub = bridge.NewHub(origin, bridge.Config{Grace: c.Grace, TargetLatency: c.TargetLatency, Ended: n.ingestEnded, Logger: n.log})
	if n.tracer != nil {
		keep.Session.Handler, keep.Session.TraceContext = n.tracer.Publisher(publisher, n.ingestOf), true
	}
	publishing, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = peer.Keep(publishing, to, keep, publisher.Use) }) // it ends with publishing alone
	n.undo = append(n.undo, func() {
		n.hub.Close()
		stop()
		running.Wait()
	})
	return n.openSRT(ctx)
}

// publishTo is the relay that gets the tracks: this node over loopback, like
// any other relay, unless another one is named.
func (n *Node) publishTo() peer.Config {
	if p := n.config.Bridge.PublishTo; p != nil {
		return *p
	}
	return peer.Config{URL: "moqt://" + Local(n.listener.Addr().String()) + n.resident, Pins: n.Pins}
}

func (n *Node) openSRT(ctx context.Context) error {
	c := n.config.Bridge.SRT
	if c == nil {
		return nil
	}
	var err error
	n.srt, err = srt.Listen(srt.Config{Addr: c.Listen, Hub: n.hub, Passphrase: c.Passphrase, Passphrases: c.Passphrases, Authorize: n.permits, Admit: n.gate.admitsText, Latency: c.Latency, Panicked: n.survived, Logger: n.log})
	if err != nil {
		return taken("SRT", c.Listen, err)
	}
	serving, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	n.run("SRT", func() error {
		defer close(done)
		return n.srt.Serve(serving)
	})
	n.undo = append(n.undo, func() {
		stop()
		<-done
	})
	return nil
}

// whipCloseTimeout bounds how long browsers may take to leave.
const whipCloseTimeout = 3 * time.Second

// openWHIP makes the endpoint, which openPages then serves.
func (n *Node) openWHIP(context.Context) error {
	if n.config.Bridge == nil || !n.config.Bridge.WHIP.Enabled {
		return nil
	}
	c := n.config.Bridge.WHIP
	var err error
	n.whip, err = whip.New(whip.Config{
		Hub: n.hub, ICEAddr: c.ICE, PublicIPs: c.PublicIPs, MaxSessions: c.MaxSessions, Authorize: n.permits, CheckOrigin: n.gate.admitsOrigin, Panicked: n.survived,
		// Whoever reaches the pages through loopback only is on this machine.
		Loopback: true, LoopbackOnly: config.Loopback(n.config.HTTP.Listen), Logger: n.log,
	})
	if err != nil {
		return taken("WHIP media", c.ICE, err)
	}
	n.undo = append(n.undo, func() {
		ctx, cancel := context.WithTimeout(context.Background(), whipCloseTimeout)
		defer cancel()
		if err := n.whip.Close(ctx); err != nil {
			n.log.Warn("WHIP publications did not end in time", "error", err)
		}
	})
	return nil
}
