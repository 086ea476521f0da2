package relay_test

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// world is a tree in virtual time: a publisher at an origin, relays between
// that die and come back, an edge below them with subscribers that keep account
// of every object.
type world struct {
	*network
	t      *testing.T
	random *rand.Rand
	stop   []func()

	onDemand bool   // links of relays that are added are connected when they are used
	draft    string // of these links; "" is the newest that both have

	mu      sync.Mutex
	sockets map[string][]*simnet.SimConn // of those that dialed a node, by its address
	dialed  map[string][]*simnet.SimConn // that a node dialed with, by its name
	severed map[string]bool              // nodes whose upstreams are out of their reach, by name
}

// newWorld returns an empty world, which is to be closed.
func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		network: newNetwork(t, time.Millisecond, 0), t: t, random: rand.New(rand.NewPCG(seed, 1)),
		sockets: map[string][]*simnet.SimConn{}, dialed: map[string][]*simnet.SimConn{}, severed: map[string]bool{},
	}
	return w
}

// close ends all that is in the world, before its links are closed.
func (w *world) close() {
	for i := len(w.stop) - 1; i >= 0; i-- {
		w.stop[i]()
	}
}

// later has f called by close, the last one first.
func (w *world) later(f func()) { w.stop = append(w.stop, f) }

// member is a relay of the world that can be killed and started again.
type member struct {
	*node
	world  *world
	name   string
	config relay.Config
	addr   *net.UDPAddr
	up     bool

	closing func() // in place of the node's close
}

// linkRate is that of the way to each dialing relay: an object takes some
// milliseconds, so that one can be cut in its middle.
const linkRate = 40e6

// add starts a relay below others.
func (w *world) add(name string, c relay.Config, parents ...*member) *member {
	w.t.Helper()
	c.Name, c.Logger = name, quiet()
	c.Upstreams = append(c.Upstreams, w.above(name, parents...)...)
	socket := w.endpoint()
	m := &member{world: w, name: name, config: c, addr: socket.LocalAddr().(*net.UDPAddr), up: true}
	m.node = w.serve(relay.New(c), socket)
	w.later(func() {
		if m.up {
			m.close()
		}
	})
	return m
}

// above are the upstreams that a relay of a name has in these, the first one preferred.
func (w *world) above(name string, parents ...*member) (all []relay.Upstream) {
	for i, p := range parents {
		all = append(all, relay.Upstream{
			Name: p.name, URL: "moqt://" + p.addr.String(), Priority: i, OnDemand: w.onDemand,
			Refresh: func(_ context.Context, d *transport.DialConfig) error {
				socket := w.endpoint()
				w.router.setNarrow(socket.LocalAddr(), &bottleneck{rate: linkRate, queue: time.Second})
				w.mu.Lock()
				w.sockets[p.addr.String()] = append(w.sockets[p.addr.String()], socket)
				w.dialed[name] = append(w.dialed[name], socket)
				w.router.setCut(socket.LocalAddr(), w.severed[name])
				w.mu.Unlock()
				if w.draft != "" {
					d.Versions = []string{w.draft}
				}
				d.Fingerprints, d.PacketConn, d.RemoteAddr = [][32]byte{w.certs.Fingerprint()}, socket, p.addr
				return nil
			},
		})
	}
	return all
}

// death is how a relay dies.
type death string

const (
	deathClosed  death = "connections closed" // as a process does that is asked to stop
	deathRefused death = "port unreachable"   // a killed process on a host that lives
	deathSilent  death = "silence"            // nothing is heard of the host any more
)

func (m *member) kill(d death) {
	w := m.world
	m.up = false
	if d != deathClosed {
		w.mu.Lock()
		w.router.setCut(m.addr, true)
		for _, s := range w.dialed[m.name] {
			w.router.setCut(s.LocalAddr(), true)
		}
		if d == deathRefused {
			for _, s := range w.sockets[m.addr.String()] {
				s.Close()
			}
		}
		w.sockets[m.addr.String()], w.dialed[m.name] = nil, nil
		w.mu.Unlock()
	}
	if m.closing != nil {
		m.closing()
		return
	}
	m.close()
}

// sever cuts a relay off from its upstreams, or has it reach them again.
func (m *member) sever(cut bool) {
	w := m.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.severed[m.name] = cut
	for _, s := range w.dialed[m.name] {
		w.router.setCut(s.LocalAddr(), cut)
	}
}

// revive starts a fresh relay where a killed one was.
func (m *member) revive() {
	m.node = m.world.serve(relay.New(m.config), m.world.endpointAt(m.addr))
	m.up = true
}

// broadcaster publishes productions at a relay, over sessions that it makes
// again and again.
type broadcaster struct {
	world *world
	all   []*production
	stop  func() // once

	mu      sync.Mutex
	sockets []*simnet.SimConn
	asked   map[string]bool // tracks that the relay has from here
}

// broadcast starts a broadcaster, which is closed with the world.
func (w *world) broadcast(at *member, all ...*production) *broadcaster {
	b := &broadcaster{world: w, all: all, asked: map[string]bool{}}
	source := moq.NewOrigin()
	source.AddNamespace(camera.Namespace)
	for _, p := range all {
		source.AddTrack(p.track)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	client := moq.Client{
		URL: at.url(), Config: moq.Config{Handler: counting{source, b}, Logger: quiet()}, MaxBackoff: 500 * time.Millisecond,
		Refresh: func(_ context.Context, d *transport.DialConfig) error {
			socket := w.endpoint()
			*d = transport.DialConfig{
				Fingerprints: [][32]byte{w.certs.Fingerprint()}, PacketConn: socket, RemoteAddr: at.addr,
				IdleTimeout: 2 * time.Second, KeepAlive: 500 * time.Millisecond,
			}
			w.mu.Lock()
			w.sockets[at.addr.String()] = append(w.sockets[at.addr.String()], socket)
			w.mu.Unlock()
			b.mu.Lock()
			b.sockets = append(b.sockets, socket)
			b.mu.Unlock()
			return nil
		},
		Connected: source.Announce, Failed: func(error) {},
	}
	tasks.Go(func() { client.Run(ctx) })
	b.stop = sync.OnceFunc(func() { cancel(); tasks.Wait() })
	w.later(b.stop)
	return b
}

// counting notes what is subscribed to.
type counting struct {
	moq.Handler
	b *broadcaster
}

func (c counting) Serve(ctx context.Context, r moq.Request) {
	if s, ok := r.(*moq.SubscribeRequest); ok {
		c.b.mu.Lock()
		c.b.asked[s.Track.Key()] = true
		c.b.mu.Unlock()
	}
	c.Handler.Serve(ctx, r)
}

// subscriptions counts the tracks that the relay has from here.
func (b *broadcaster) subscriptions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked)
}

// kill ends the broadcaster. That its port is closed means nothing here: nobody
// dialed it.
func (b *broadcaster) kill(d death) {
	if d != deathClosed {
		b.mu.Lock()
		for _, s := range b.sockets {
			b.world.router.setCut(s.LocalAddr(), true)
		}
		b.mu.Unlock()
	}
	b.stop()
}

// publish is broadcast for one that stays.
func (w *world) publish(at *member, all ...*production) (stop func()) {
	return w.broadcast(at, all...).stop
}

// source is a server that has productions itself, in the place of a relay; it
// may refuse every FETCH.
func (w *world) source(name string, fetches bool, all ...*production) *member {
	w.t.Helper()
	origin := moq.NewOrigin()
	origin.AddNamespace(camera.Namespace)
	for _, p := range all {
		origin.AddTrack(p.track)
	}
	var h moq.Handler = origin
	if !fetches {
		h = noFetch{origin}
	}
	socket := w.endpoint()
	l, err := transport.Listen(&transport.ListenConfig{PacketConn: socket, GetCertificate: w.certs.GetCertificate})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			conn, err := l.Accept(ctx)
			if err != nil {
				return
			}
			s, err := moq.NewSession(ctx, conn, moq.Config{Handler: h, Logger: quiet()})
			if err == nil {
				tasks.Go(func() { s.Wait() })
			}
		}
	})
	m := &member{world: w, name: name, addr: socket.LocalAddr().(*net.UDPAddr), up: true}
	m.closing = func() {
		cancel()
		l.Close()
		tasks.Wait()
		socket.Close()
	}
	w.later(func() {
		if m.up {
			m.closing()
		}
	})
	return m
}

// noFetch refuses every FETCH.
type noFetch struct{ moq.Handler }

func (h noFetch) Serve(ctx context.Context, r moq.Request) {
	if f, ok := r.(*moq.FetchRequest); ok {
		f.Reject(wire.RequestNotSupported, "no history", moq.NoRetry())
		return
	}
	h.Handler.Serve(ctx, r)
}

// start has productions run until the returned function is called, or the test ends.
func (w *world) start(all ...*production) (stop func()) {
	stop = start(w.t, all...)
	w.later(stop)
	return stop
}

// witnesses subscribe at a relay.
func (w *world) witnesses(n int, at *member, all ...*production) (out []*witness) {
	w.t.Helper()
	for range n {
		var counters moq.Counters
		v := witnessOn(w.t, w.clientWith(at.node, moq.Config{Counters: &counters}), &counters, all...)
		w.later(v.leave)
		out = append(out, v)
	}
	return out
}
