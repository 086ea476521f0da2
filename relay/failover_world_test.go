package relay_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"moqedge/moq"
	"moqedge/moq/live"
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

// feed is a track of the world's publisher.
type production struct {
	name      wire.FullTrackName
	track     *live.Track
	every     time.Duration
	objects   int // of a group
	subgroups int // 0: datagrams
	size      func(id uint64) int

	mu        sync.Mutex
	published []wire.Location
}

func newProduction(name string, every time.Duration, objects, subgroups int, size func(id uint64) int) *production {
	p := &production{name: wire.FullTrackName{Namespace: camera.Namespace, Name: name}, every: every, objects: objects, subgroups: subgroups, size: size}
	p.track = live.NewTrack(p.name, live.Options{RetainGroups: 3, RetainFor: 20 * time.Second})
	return p
}

// payloadAt is what an object holds: it depends on its place alone.
func payloadAt(at wire.Location, size int) []byte {
	b := make([]byte, size)
	for i := 0; i+16 <= size; i += 16 {
		binary.BigEndian.PutUint64(b[i:], at.Group)
		binary.BigEndian.PutUint32(b[i+8:], uint32(at.Object))
		binary.BigEndian.PutUint32(b[i+12:], uint32(i))
	}
	return b
}

// run publishes until ctx is done, and on to the end of the group.
func (p *production) run(ctx context.Context, t *testing.T) {
	ticks := time.NewTicker(p.every)
	defer ticks.Stop()
	for g := uint64(0); ctx.Err() == nil; g++ {
		writers := make([]*live.SubgroupWriter, p.subgroups)
		for id := range uint64(p.objects) {
			at := wire.Location{Group: g, Object: id}
			payload := payloadAt(at, p.size(id))
			var err error
			if p.subgroups == 0 {
				err = p.track.AppendDatagram(wire.Datagram{Group: g, ID: id, Payload: payload, EndOfGroup: int(id) == p.objects-1})
			} else {
				sub := id % uint64(p.subgroups)
				if writers[sub] == nil {
					writers[sub], err = p.track.OpenSubgroup(live.SubgroupInfo{
						Group: g, ID: sub, Priority: 128, FirstObject: true, EndOfGroup: (p.objects-1)%p.subgroups == int(sub),
					})
				}
				if err == nil {
					err = writers[sub].Append(live.WholeObject{ID: id, Payload: payload})
				}
				if int(id)+p.subgroups >= p.objects && err == nil {
					err = writers[sub].Close()
				}
			}
			if err != nil {
				t.Error(err)
				return
			}
			p.mu.Lock()
			p.published = append(p.published, at)
			p.mu.Unlock()
			<-ticks.C
		}
	}
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

// start has productions run, until the returned function is called: then they
// end with their group.
func (w *world) start(all ...*production) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	for _, p := range all {
		tasks.Go(func() { p.run(ctx, w.t) })
	}
	stop = func() { cancel(); tasks.Wait() }
	w.later(stop)
	return stop
}

// witness is a subscriber that keeps account of what it gets.
type witness struct {
	world    *world
	session  *moq.Session
	counters moq.Counters
	tracks   []*account
	tasks    sync.WaitGroup
}

// account is what a witness got of a track.
type account struct {
	of     *production
	sub    *moq.Subscription
	cancel context.CancelFunc

	mu      sync.Mutex
	first   uint64 // the first group
	got     map[wire.Location]int
	last    time.Time     // of an arrival
	longest time.Duration // without one
	when    time.Time     // the longest ended
	order   map[uint64]uint64
	bad     []string
}

// witness subscribes to productions, each from the start of its current group.
func (w *world) witness(at *member, all ...*production) *witness {
	w.t.Helper()
	v := &witness{world: w}
	v.session = w.clientWith(at.node, moq.Config{Counters: &v.counters})
	w.later(func() { v.leave() })
	for _, p := range all {
		sub, err := v.session.Subscribe(w.t.Context(), p.name, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
		if err != nil {
			w.t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		a := &account{of: p, sub: sub, cancel: cancel, got: map[wire.Location]int{}, order: map[uint64]uint64{}}
		v.tracks = append(v.tracks, a)
		reader := sub.Track().NewReader(wire.Location{})
		v.tasks.Go(func() {
			defer reader.Close()
			for {
				o, err := reader.Next(ctx)
				if err != nil {
					return
				}
				a.take(o)
			}
		})
	}
	return v
}

func (a *account) take(o *live.Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if len(a.got) == 0 {
		a.first = o.Group
	} else if d := now.Sub(a.last); d > a.longest {
		a.longest, a.when = d, now
	}
	a.last = now
	a.first = min(a.first, o.Group)
	a.got[o.Location()]++
	if !bytes.Equal(o.Payload(), payloadAt(o.Location(), a.of.size(o.ID))) {
		a.bad = append(a.bad, fmt.Sprintf("%v has another payload", o.Location()))
	}
	if subgroups := uint64(a.of.subgroups); subgroups > 0 { // in order within a subgroup
		key := o.Group*subgroups + o.Subgroup
		if next, seen := a.order[key]; seen && o.ID < next {
			a.bad = append(a.bad, fmt.Sprintf("%v came after object %d of its subgroup", o.Location(), next-1))
		}
		a.order[key] = o.ID + 1
	}
}

// silence returns the longest time without an object since the last call.
func (a *account) silence() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	d := max(a.longest, time.Since(a.last))
	a.longest = 0
	return d
}

// check compares what was published, from the group that the account begins
// with, with what came.
func (a *account) check() (faults []string) {
	a.of.mu.Lock()
	published := a.of.published
	a.of.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	faults = a.bad
	var missing []wire.Location
	for _, at := range published {
		if at.Group < a.first {
			continue
		}
		switch n := a.got[at]; {
		case n == 0:
			missing = append(missing, at)
		case n > 1:
			faults = append(faults, fmt.Sprintf("%v came %d times", at, n))
		}
	}
	if n := len(missing); n > 0 {
		faults = append(faults, fmt.Sprintf("%d objects are missing: %v", n, missing[:min(n, 10)]))
	}
	if d := a.sub.Result(); d != nil {
		faults = append(faults, fmt.Sprintf("the subscription ended: %+v", *d))
	}
	return faults
}

// leave ends the witness.
func (v *witness) leave() {
	for _, a := range v.tracks {
		a.cancel()
	}
	v.tasks.Wait()
	closeSession(v.session)
}

// check reports all that is wrong with what the witness got: every object of
// every group has to have come once, on the wire.
func (v *witness) check(who string) {
	v.world.t.Helper()
	objects := 0
	for _, a := range v.tracks {
		for i, fault := range a.check() {
			if i < 5 {
				v.world.t.Errorf("%s, %s: %s", who, a.of.name.Name, fault)
			}
		}
		objects += len(a.got)
	}
	if v.session.Context().Err() != nil {
		v.world.t.Errorf("%s: the session ended: %v", who, context.Cause(v.session.Context()))
	}
	if wire := int(v.counters.Objects.Load() + v.counters.Datagrams.Load()); wire > objects {
		v.world.t.Errorf("%s: %d objects on the wire, %d of them twice", who, wire, wire-objects)
	}
}

// silence returns the longest time without an object of one of the tracks since
// the last call.
func (v *witness) silence() (longest time.Duration, of string) {
	for _, a := range v.tracks {
		if d := a.silence(); d > longest {
			longest, of = d, a.of.name.Name
		}
	}
	return longest, of
}
