package node

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/config"
	"moqedge/moq/transport"
	"moqedge/relay"
	"moqedge/relay/auth"
)

// gate decides by what shows before there is anything else: the address, the origin of a
// page, the certificate of a relay. Its methods are safe for concurrent use.
type gate struct {
	rules atomic.Pointer[gateRules]
	own   netip.Addr // where the bridge's session with this node comes from; may be zero

	mu    sync.Mutex
	conns map[net.Conn]struct{} // of the pages
}

type gateRules struct {
	allow, deny []netip.Prefix
	origins     []string
	relays      []relayRule
}

type relayRule struct {
	config.RelayRule
	scope auth.Scope
}

func newGateRules(a config.Access) (*gateRules, error) {
	g := &gateRules{}
	var err error
	if g.allow, g.deny, err = a.Addresses.Networks(); err != nil {
		return nil, err
	}
	g.origins = a.Origins
	for _, r := range a.Relays {
		one := relayRule{RelayRule: r}
		if one.scope.Get, one.scope.Put, err = r.Namespaces(); err != nil {
			return nil, err
		}
		g.relays = append(g.relays, one)
	}
	return g, nil
}

// openGate has the gate decide, and follow the configuration.
func (n *Node) openGate(context.Context) error {
	rules, err := newGateRules(n.config.Access)
	if err != nil {
		return err
	}
	n.gate.rules.Store(rules)
	n.gate.conns = map[net.Conn]struct{}{}
	if n.config.Bridge != nil && n.config.Bridge.PublishTo == nil {
		if at, err := netip.ParseAddrPort(Local(n.config.Listen)); err == nil {
			n.gate.own = at.Addr().Unmap()
		}
	}
	n.OnApply(n.reloadGate, "access.addresses", "access.origins", "access.relays")
	return nil
}

var errAddress = errors.New("no connections are taken from this address")

// reloadGate has connections end that would not be taken any more, and relays come again
// whose certificate names something else.
func (n *Node) reloadGate(next config.Config) (Step, error) {
	rules, err := newGateRules(next.Access)
	if err != nil {
		return Step{}, err
	}
	return Step{Commit: func() {
		before := n.gate.rules.Swap(rules)
		n.listener.Expel(n.gate.admits, errAddress.Error())
		n.gate.expel()
		if n.hub != nil {
			n.hub.Expel(func(i bridge.Ingest) bool { return i.Protocol == "file" || n.gate.admitsText(i.Remote) }, errAddress)
		}
		n.relay.Dismiss(func(c *x509.Certificate) bool { return !reflect.DeepEqual(before.scopes(c), rules.scopes(c)) })
	}}, nil
}

// admits reports whether packets of an address are taken.
func (g *gate) admits(from net.Addr) bool {
	at, err := netip.ParseAddrPort(from.String())
	return err == nil && (at.Addr().Unmap() == g.own && g.own.IsValid() || g.admitsAddr(at.Addr()))
}

func (g *gate) admitsAddr(at netip.Addr) bool {
	r := g.rules.Load()
	return config.Admits(r.allow, r.deny, at)
}

// admitsText is admitsAddr for HOST:PORT.
func (g *gate) admitsText(from string) bool {
	at, err := netip.ParseAddrPort(from)
	return err == nil && g.admitsAddr(at.Addr())
}

func (g *gate) admitsOrigin(origin string) bool {
	return config.AdmitsOrigin(g.rules.Load().origins, origin)
}

// checkOrigin is for transport.ListenConfig.
func (g *gate) checkOrigin(r *http.Request) bool { return g.admitsOrigin(r.Header.Get("Origin")) }

// scopes are what the names of a certificate may carry; none when no rule names it.
func (r *gateRules) scopes(c *x509.Certificate) (all []auth.Scope) {
	for _, rule := range r.relays {
		if slices.ContainsFunc(c.DNSNames, rule.MatchesDNS) || slices.ContainsFunc(c.URIs, func(u *url.URL) bool { return rule.MatchesURI(u.String()) }) {
			all = append(all, rule.scope)
		}
	}
	return all
}

var errNotCarried = errors.New("the certificate does not name it") // told as UNAUTHORIZED

// certified is for relay.Config: who shows a certificate that rules name may do what
// they say.
func (g *gate) certified(c *x509.Certificate) relay.Authorizer {
	scopes := g.rules.Load().scopes(c)
	if len(scopes) == 0 {
		return nil
	}
	return func(_ context.Context, a relay.Action) (relay.Verdict, error) {
		ask := auth.Ask{Verb: a.Verb, Name: a.Track}
		if a.Verb == relay.VerbConnect || slices.ContainsFunc(scopes, func(s auth.Scope) bool {
			_, ok := s.Permits(ask)
			return ok
		}) {
			return relay.Verdict{}, nil
		}
		return relay.Verdict{}, errNotCarried
	}
}

// door is the limits' one behind the gate.
type door struct {
	transport.Door
	gate *gate
}

// Validate implements transport.Door: who is not taken need not show anything.
func (d door) Validate(from net.Addr) bool { return d.gate.admits(from) && d.Door.Validate(from) }

// Admit implements transport.Door.
func (d door) Admit(from net.Addr, validated bool) (settled func(), err error) {
	if !d.gate.admits(from) {
		return nil, errAddress
	}
	return d.Door.Admit(from, validated)
}

// gatedListener closes connections from addresses that are not taken, before anything
// is read from them.
type gatedListener struct {
	net.Listener
	gate *gate
}

// Accept implements net.Listener.
func (l gatedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		one := &gatedConn{Conn: c, gate: l.gate}
		l.gate.mu.Lock()
		l.gate.conns[one] = struct{}{} // before it is looked at: a reload finds it, or this does
		l.gate.mu.Unlock()
		if l.gate.admitsText(c.RemoteAddr().String()) {
			return one, nil
		}
		_ = one.Close()
	}
}

// gatedConn is known to the gate until it is closed.
type gatedConn struct {
	net.Conn
	gate *gate
}

// Close implements net.Conn.
func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// expel closes connections of the pages that would not be taken any more.
func (g *gate) expel() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		if !g.admitsText(c.RemoteAddr().String()) {
			_ = c.(*gatedConn).Conn.Close() // the server closes it then, too
		}
	}
}
