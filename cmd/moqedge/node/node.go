package node

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"moqedge/bridge"
	"moqedge/bridge/srt"
	"moqedge/bridge/whip"
	"moqedge/certs"
	"moqedge/certs/acme"
	"moqedge/cmd/moqedge/config"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/relay"
	"moqedge/relay/admin"
	"moqedge/relay/auth"
	"moqedge/relay/auth/hook"
	"moqedge/relay/trace"
)

// Node is a running node. Its goroutines end with Close.
type Node struct {
	config  config.Config // that it was started with; Config is what is in effect
	log     *slog.Logger
	started time.Time

	reloading   reloading
	observing   observing
	tracer      *trace.Tracer // nil: nothing is traced
	certificate shown
	authority   *acme.Source // nil without ACME
	listener    *transport.Listener
	relay       *relay.Relay
	guard       *auth.Guard     // who may do what
	permits     *bridge.Permits // of what the bridge takes
	gate        gate
	hook        atomic.Pointer[hook.Hook] // nil without one
	resident    string                    // path of the bridge's session with this node
	draining    atomic.Bool               // set by Drain
	drain       drain
	hub         *bridge.Hub   // nil without a bridge
	srt         *srt.Server   // nil without SRT
	whip        *whip.Handler // nil without WHIP
	pages       net.Addr      // nil without HTTP
	admin       net.Addr      // nil without admin
	operators   *admin.Server // nil without admin

	tasks  sync.WaitGroup  // everything that serves
	ctx    context.Context // ended by stop
	stop   context.CancelFunc
	failed chan error // gets the first error of a server; holds one
	undo   []func()   // what Close does, last first
}

// Start opens all ports of a node and serves them, and waits for the certificates that an
// authority is asked for, as long as ctx, which ends the start alone. On error nothing stays
// open. The caller closes the node.
func Start(ctx context.Context, c config.Config, log *slog.Logger) (*Node, error) {
	return startRead(ctx, c, nil, log)
}

// StartRead is Start for a configuration that was read: operators are told where its
// values come from.
func StartRead(ctx context.Context, set *config.Settings, log *slog.Logger) (*Node, error) {
	return startRead(ctx, set.Config, set.Origins(), log)
}

func startRead(ctx context.Context, c config.Config, origins config.Origins, log *slog.Logger) (*Node, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Name != "" {
		log = log.With("node", c.Name)
	}
	n := &Node{config: c.Filled(), log: log, started: time.Now(), resident: "/" + rand.Text(), failed: make(chan error, 1)}
	n.reloading.running, n.reloading.wanted, n.reloading.origins = c.Clone(), c.Clone(), origins
	n.ctx, n.stop = context.WithCancel(context.Background())
	goOn := context.AfterFunc(ctx, n.stop)
	defer goOn()
	for _, open := range []func(context.Context) error{n.openObserving, n.openTracing, n.openAccess, n.openGate, n.openRelay, n.openBridge, n.openWHIP, n.openPages, n.openAdmin, n.obtainCertificates} {
		if err := open(n.ctx); err != nil {
			n.Close()
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return nil, err
		}
	}
	if !goOn() {
		n.Close()
		return nil, context.Cause(ctx)
	}
	return n, nil
}

// Close ends the node: first what takes publications, then the relay. It
// returns when every port is free and every goroutine has ended. Only the
// first call has an effect.
func (n *Node) Close() {
	for len(n.undo) > 0 {
		last := len(n.undo) - 1
		n.undo[last]()
		n.undo = n.undo[:last]
	}
	n.stop()
	n.tasks.Wait()
}

// Failed gets an error when a server of the node has ended by itself.
func (n *Node) Failed() <-chan error { return n.failed }

// run serves in a goroutine of its own until the node is closed.
func (n *Node) run(what string, serve func() error) {
	n.tasks.Go(func() {
		err := serve()
		if err == nil {
			return
		}
		select {
		case n.failed <- fmt.Errorf("%s: %w", what, err):
		default:
		}
	})
}

func (n *Node) openRelay(context.Context) error {
	upstreams, err := upstreamsOf(n.config)
	if err != nil {
		return err
	}
	if err := n.openCertificate(); err != nil {
		return err
	}
	clients, err := n.clientRoots()
	if err != nil {
		return err
	}
	limits := n.newLimits()
	n.listener, err = transport.Listen(&transport.ListenConfig{
		Addr: n.config.Listen, GetCertificate: n.certificate.GetCertificate, Logger: n.log,
		ClientCAs: clients, RequireClientCertificate: n.config.Certificate.RequireClient, Door: door{limits, &n.gate}, CheckOrigin: n.gate.checkOrigin,
		QUIC: &quic.Config{Tracer: n.observing.qlog.Tracer},
	})
	if err != nil {
		return err
	}
	n.undo = append(n.undo, func() { _ = n.listener.Close() })
	c := retentionOf(n.config)
	c.Name, c.ID, c.Region, c.Implementation, c.Logger = n.config.Name, n.config.ID, n.config.Region, Implementation, n.log
	c.Upstreams, c.Pin, c.Limits, c.Observer = upstreams, isCatalog, limits, n.observing.meter
	c.Resident = func(s *moq.Session) bool { return s.Path() == n.resident }
	c.Certified = n.gate.certified
	c.Authorize = n.guard.Authorize
	if n.tracer != nil {
		c.Tracer = n.tracer
	}
	if err := n.joinCluster(&c); err != nil {
		return err
	}
	n.relay = relay.New(c)
	n.observing.meter.Watch(n.relay)
	n.OnApply(n.reloadUpstreams, "upstream", "upstreams")
	n.OnApply(n.reloadRetention, "retention")
	n.OnApply(readWhenUsed, "drain")
	n.run("relay", func() error {
		if err := n.relay.Serve(n.listener); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	n.undo = append(n.undo, n.relay.Close) // sessions hear that the relay stops, before the port is closed
	return nil
}

// Implementation is what nodes and clients call themselves in SETUP.
const Implementation = "moqedge"

// clientRoots are what certificates of clients are checked against; nil: nothing.
func (n *Node) clientRoots() (*x509.CertPool, error) {
	file := n.config.Certificate.ClientCA
	if file == "" {
		return nil, nil
	}
	trust, _, err := certs.Client(file, "", false)
	if err != nil {
		return nil, fmt.Errorf("certificate.clientCA: %w", err)
	}
	return trust.RootCAs, nil
}

func (n *Node) openPages(context.Context) error {
	if n.config.HTTP == nil {
		return nil
	}
	var err error
	n.pages, err = n.openWeb("HTTP", n.config.HTTP.Listen, n.config.HTTP.TLS, n.pagesHandler())
	return err
}

// Addresses of a node, with the ports that the system chose. Fields of what is
// not configured are "".
type Addresses struct {
	Relay string `json:"relay"` // UDP host:port
	HTTP  string `json:"http,omitempty"`
	Admin string `json:"admin,omitempty"`
	SRT   string `json:"srt,omitempty"`
}

// Addresses tells where the node can be reached.
func (n *Node) Addresses() Addresses {
	a := Addresses{Relay: n.listener.Addr().String()}
	if n.pages != nil {
		a.HTTP = n.pages.String()
	}
	if n.admin != nil {
		a.Admin = n.admin.String()
	}
	if n.srt != nil {
		a.SRT = n.srt.Addr().String()
	}
	return a
}

// Hub is the node's bridge, nil without one.
func (n *Node) Hub() *bridge.Hub { return n.hub }

// Local turns a listen address into one that this machine can connect to.
func Local(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func portOf(a net.Addr) int {
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return 0
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return number
}
