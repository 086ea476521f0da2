package relay_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// network is a simulated one in which every packet takes the same time and
// some are lost. It must be made inside a synctest bubble. What is in it, relays,
// sessions and publishers, ends with the test at the latest, the last one first.
type network struct {
	t      *testing.T
	router *lossyRouter
	delay  time.Duration
	jitter time.Duration // a machine that is busy: up to that long nothing gets on, at random
	certs  *certs.Source
	last   atomic.Uint32
}

func newNetwork(t *testing.T, delay time.Duration, loss float64) *network {
	t.Helper()
	source, err := certs.Development("", nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	return &network{t: t, router: &lossyRouter{narrow: map[string]*bottleneck{}, cut: map[string]bool{}, loss: loss, random: rand.New(rand.NewPCG(1, 2))}, delay: delay, certs: source}
}

// lossyRouter drops packets at random, the same ones in each run.
type lossyRouter struct {
	simnet.PerfectRouter
	mu     sync.Mutex
	random *rand.Rand
	loss   float64
	cut    map[string]bool // addresses that are cut off
	narrow map[string]*bottleneck
	still  time.Time // the machine gets on again
}

// bottleneck is a link of limited rate with a queue, by the address it leads to.
type bottleneck struct {
	rate   float64       // bit/s
	queue  time.Duration // how long a packet may wait; later ones are dropped
	loss   float64       // of packets, by chance
	free   time.Time     // when all that is queued has left
	wait   time.Duration // of the packet that is passing
	passed int           // bytes
}

// pass reports whether a packet finds room, and sets its wait.
func (b *bottleneck) pass(size int) bool {
	now := time.Now()
	if b.free.Before(now) {
		b.free = now
	}
	if b.free.Sub(now) > b.queue {
		return false
	}
	b.passed += size
	b.free = b.free.Add(time.Duration(float64(size*8) / b.rate * float64(time.Second)))
	b.wait = b.free.Sub(now)
	return true
}

func (r *lossyRouter) SendPacket(p simnet.Packet) error {
	if to, ok := p.To.(*net.UDPAddr); ok { // in the form that hosts have here
		p.To = &net.UDPAddr{IP: to.IP.To16(), Port: to.Port}
	}
	r.mu.Lock()
	lost := r.random.Float64() < r.loss || r.cut[p.To.String()] || r.cut[p.From.String()]
	if b := r.narrow[p.To.String()]; b != nil && !lost {
		lost = !b.pass(len(p.Data)) || (b.loss > 0 && r.random.Float64() < b.loss)
	}
	r.mu.Unlock()
	if lost {
		return nil
	}
	return r.PerfectRouter.SendPacket(p)
}

func (r *lossyRouter) setCut(addr net.Addr, cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut[addr.String()] = cut
}

func (r *lossyRouter) isCut(addr net.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut[addr.String()]
}

// waited is how long the packet that was just routed waits in a bottleneck.
func (r *lossyRouter) waited(to net.Addr) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.narrow[to.String()]; b != nil {
		return b.wait
	}
	return 0
}

func (r *lossyRouter) setNarrow(addr net.Addr, b *bottleneck) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.narrow[addr.String()] = b
}

func (n *network) nextIP() net.IP {
	last := n.last.Add(1)
	return net.IPv4(10, byte(last>>16), byte(last>>8), byte(last))
}

// hiccup is how long the machine stands still for the packet at hand: the time
// is cut into spans of random length up to most, at whose ends all goes on.
func (r *lossyRouter) hiccup(most time.Duration) time.Duration {
	if most == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.still.Before(now) {
		r.still = now.Add(time.Duration(r.random.Int64N(int64(most))))
	}
	return r.still.Sub(now)
}

// endpoint is a new host with its link.
func (n *network) endpoint() *simnet.SimConn {
	return n.endpointAt(&net.UDPAddr{IP: n.nextIP(), Port: 4443})
}

// endpointAt is a host at an address, in place of one that was there before.
func (n *network) endpointAt(addr *net.UDPAddr) *simnet.SimConn {
	n.t.Helper()
	n.router.setCut(addr, true) // until its link is up
	links := simnet.Simnet{Router: n.router}
	c := links.NewEndpoint(addr, simnet.NodeBiDiLinkSettings{LatencyFunc: func(p simnet.Packet) time.Duration {
		return n.delay + n.router.waited(p.To) + n.router.hiccup(n.jitter)
	}})
	if err := links.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.router.setCut(addr, false)
	n.t.Cleanup(func() {
		c.Close() // nobody may be left to read what still comes
		links.Close()
	})
	return c
}

// node is a relay in the network.
type node struct {
	*relay.Relay
	network  *network
	listener *transport.Listener
	socket   *simnet.SimConn
	close    func() // once is enough
}

// pair is an origin with an edge below it.
func (n *network) pair() (origin, edge *node) {
	n.t.Helper()
	origin = n.relay("origin", nil)
	return origin, n.relay("edge", origin)
}

func (n *network) relay(name string, parent *node) *node {
	n.t.Helper()
	c := relay.Config{Name: name, Logger: quiet()}
	if parent != nil {
		c.Upstreams = []relay.Upstream{{URL: parent.url(), Refresh: func(_ context.Context, d *transport.DialConfig) error {
			*d = *n.dial(parent)
			return nil
		}}}
	}
	return n.serve(relay.New(c), n.endpoint())
}

// restart starts a fresh relay without a parent where x was.
func (x *node) restart() *node {
	x.network.t.Helper()
	addr := x.socket.LocalAddr().(*net.UDPAddr)
	x.close()
	return x.network.serve(relay.New(relay.Config{Name: "restarted", Logger: quiet()}), x.network.endpointAt(addr))
}

func (n *network) serve(r *relay.Relay, socket *simnet.SimConn) *node {
	n.t.Helper()
	l, err := transport.Listen(&transport.ListenConfig{PacketConn: socket, GetCertificate: n.certs.GetCertificate})
	if err != nil {
		n.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	x := &node{Relay: r, network: n, listener: l, socket: socket, close: sync.OnceFunc(func() {
		l.Close()
		r.Close()
		<-served
		socket.Close()
	})}
	n.t.Cleanup(x.close)
	return x
}

func (x *node) url() string { return "moqt://" + x.socket.LocalAddr().String() }

func (n *network) dial(to *node) *transport.DialConfig {
	return &transport.DialConfig{
		Fingerprints: [][32]byte{n.certs.Fingerprint()}, PacketConn: n.endpoint(), RemoteAddr: to.socket.LocalAddr(),
	}
}

// client is a session with a node.
func (n *network) client(to *node, h moq.Handler) *moq.Session {
	n.t.Helper()
	return n.clientBy(n.dial(to), to, h)
}

func (n *network) clientBy(dial *transport.DialConfig, to *node, h moq.Handler) *moq.Session {
	n.t.Helper()
	return n.session(dial, to, moq.Config{Handler: h})
}

func (n *network) clientWith(to *node, c moq.Config) *moq.Session {
	n.t.Helper()
	return n.session(n.dial(to), to, c)
}

func (n *network) session(dial *transport.DialConfig, to *node, c moq.Config) *moq.Session {
	n.t.Helper()
	conn, err := transport.Dial(context.Background(), to.url(), dial)
	if err != nil {
		n.t.Fatal(err)
	}
	c.Logger = quiet()
	s, err := moq.NewSession(context.Background(), conn, c)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { closeSession(s) })
	return s
}

func closeSession(s *moq.Session) {
	s.Close(wire.SessionNoError, "")
	s.Wait()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

var camera = wire.FullTrackName{Namespace: wire.Namespace{"cam1.loc"}, Name: "video"}

// produce appends groups of objects at a steady rate until ctx is done. The
// payload begins with the time of production.
func produce(ctx context.Context, t *testing.T, track *live.Track, objects int, every time.Duration, size int) {
	produceAt(ctx, t, track, objects, every, size, 128)
}

func produceAt(ctx context.Context, t *testing.T, track *live.Track, objects int, every time.Duration, size int, priority uint8) {
	for g := uint64(0); ; g++ {
		w, err := track.OpenSubgroup(live.SubgroupInfo{Group: g, Priority: priority, EndOfGroup: true, FirstObject: true})
		if err != nil {
			t.Error(err)
			return
		}
		for id := range uint64(objects) {
			payload := make([]byte, size)
			binary.LittleEndian.PutUint64(payload, uint64(time.Now().UnixNano()))
			if err := w.Append(live.WholeObject{ID: id, Payload: payload}); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-time.After(every):
			case <-ctx.Done():
				w.Abort(wire.ResetCancelled)
				return
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// offer has a publisher at a node whose camera shows nothing yet.
func (n *network) offer(at *node) *live.Track {
	n.t.Helper()
	source := moq.NewOrigin()
	track := live.NewTrack(camera, live.Options{})
	source.AddTrack(track)
	if _, err := n.client(at, source).PublishNamespace(n.t.Context(), camera.Namespace); err != nil {
		n.t.Fatal(err)
	}
	return track
}

func isRequestError(err error, want *moq.RequestError) bool { return errors.Is(err, want) }

// narrowAll makes a bottleneck of every link there is.
func (r *lossyRouter) narrowAll(rate float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for addr := range r.cut { // every host was cut off before its link was up
		r.narrow[addr] = &bottleneck{rate: rate, queue: time.Second}
	}
}
