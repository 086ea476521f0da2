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

	mu      sync.Mutex
	sockets map[string][]*simnet.SimConn // of those that dialed a node, by its address
	dialed  map[string][]*simnet.SimConn // that a node dialed with, by its name
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		network: newNetwork(t, time.Millisecond, 0), t: t, random: rand.New(rand.NewPCG(seed, 1)),
		sockets: map[string][]*simnet.SimConn{}, dialed: map[string][]*simnet.SimConn{},
	}
	t.Cleanup(func() {
		for i := len(w.stop) - 1; i >= 0; i-- {
			w.stop[i]()
		}
	})
	return w
}

// later has f called at the end of the test, the last one first.
func (w *world) later(f func()) { w.stop = append(w.stop, f) }

// member is a relay of the world that can be killed and started again.
type member struct {
	*node
	world  *world
	name   string
	config relay.Config
	addr   *net.UDPAddr
	up     bool
}

// linkRate is that of the way to each dialing relay: an object takes some
// milliseconds, so that one can be cut in its middle.
const linkRate = 40e6

// add starts a relay below others.
func (w *world) add(name string, c relay.Config, parents ...*member) *member {
	w.t.Helper()
	c.Name, c.Logger = name, quiet()
	for i, p := range parents {
		c.Upstreams = append(c.Upstreams, relay.Upstream{
			Name: p.name, URL: "moqt://" + p.addr.String(), Priority: i,
			Refresh: func(_ context.Context, d *transport.DialConfig) error {
				socket := w.endpoint()
				w.router.setNarrow(socket.LocalAddr(), &bottleneck{rate: linkRate, queue: time.Second})
				w.mu.Lock()
				w.sockets[p.addr.String()] = append(w.sockets[p.addr.String()], socket)
				w.dialed[name] = append(w.dialed[name], socket)
				w.mu.Unlock()
				d.Fingerprints, d.PacketConn, d.RemoteAddr = [][32]byte{w.certs.Fingerprint()}, socket, p.addr
				return nil
			},
		})
	}
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
	m.close()
}

// revive starts a fresh relay where a killed one was.
func (m *member) revive() {
	m.node = m.world.serve(relay.New(m.config), m.world.endpointAt(m.addr))
	m.up = true
}

// origin publishes productions at a relay, until the returned function is called.
func (w *world) publish(at *member, all ...*production) (stop func()) {
	source := moq.NewOrigin()
	source.AddNamespace(camera.Namespace)
	for _, p := range all {
		source.AddTrack(p.track)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	client := moq.Client{
		URL: at.url(), Config: moq.Config{Handler: source, Logger: quiet()}, MaxBackoff: 500 * time.Millisecond,
		Refresh: func(_ context.Context, d *transport.DialConfig) error {
			*d = transport.DialConfig{Fingerprints: [][32]byte{w.certs.Fingerprint()}, PacketConn: w.endpoint(), RemoteAddr: at.addr}
			w.mu.Lock()
			w.sockets[at.addr.String()] = append(w.sockets[at.addr.String()], d.PacketConn.(*simnet.SimConn))
			w.mu.Unlock()
			return nil
		},
		Connected: source.Announce, Failed: func(error) {},
	}
	tasks.Go(func() { client.Run(ctx) })
	return func() { cancel(); tasks.Wait() }
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
