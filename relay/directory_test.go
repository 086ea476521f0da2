package relay_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// board is a directory in memory that relays of one process share.
type board struct {
	mu      sync.Mutex
	members map[string]*membership
}

// membership is a relay's part in a board. What its relay is told can be held back.
type membership struct {
	board  *board
	node   relay.Node
	events relay.DirectoryEvents // nil before Join, and when it has left
	names  map[string]bool       // by their text; true is hidden
	held   []func()              // what the relay is to be told later
	deaf   bool
	lost   bool // it says that it is not connected
}

func newBoard() *board { return &board{members: map[string]*membership{}} }

func (b *board) member(id string) *membership {
	m := &membership{board: b, names: map[string]bool{}}
	b.members[id] = m
	return m
}

// tell has a member told of something, now or when it hears again. b.mu is held.
func (m *membership) tell(f func(relay.DirectoryEvents)) {
	if m.events == nil {
		return
	}
	e := m.events
	if m.deaf {
		m.held = append(m.held, func() { f(e) })
	} else {
		f(e)
	}
}

func (m *membership) Announce(ns wire.Namespace, hidden bool) {
	m.board.mu.Lock()
	defer m.board.mu.Unlock()
	m.names[ns.String()] = hidden
	m.others(func(e relay.DirectoryEvents) { e.NodeNamespaceAdded(m.node.ID, ns, hidden) })
}

func (m *membership) Withdraw(ns wire.Namespace) {
	m.board.mu.Lock()
	defer m.board.mu.Unlock()
	delete(m.names, ns.String())
	m.others(func(e relay.DirectoryEvents) { e.NodeNamespaceRemoved(m.node.ID, ns) })
}

// others tells all that have joined, but m, if m has.
func (m *membership) others(f func(relay.DirectoryEvents)) {
	if m.events == nil {
		return
	}
	for _, o := range m.board.members {
		if o != m {
			o.tell(f)
		}
	}
}

func (m *membership) each(f func(ns wire.Namespace, hidden bool)) {
	for _, text := range slices.Sorted(maps.Keys(m.names)) {
		ns, err := wire.ParseNamespace(text)
		if err != nil {
			panic(err)
		}
		f(ns, m.names[text])
	}
}

func (m *membership) Join(ctx context.Context, self func() relay.Node, events relay.DirectoryEvents) {
	b := m.board
	b.mu.Lock()
	m.node, m.events = self(), events
	for _, o := range b.members {
		if o == m || o.events == nil {
			continue
		}
		m.tell(func(e relay.DirectoryEvents) { e.NodeUp(o.node) })
		o.tell(func(e relay.DirectoryEvents) { e.NodeUp(m.node) })
		o.each(func(ns wire.Namespace, hidden bool) {
			m.tell(func(e relay.DirectoryEvents) { e.NodeNamespaceAdded(o.node.ID, ns, hidden) })
		})
		m.each(func(ns wire.Namespace, hidden bool) {
			o.tell(func(e relay.DirectoryEvents) { e.NodeNamespaceAdded(m.node.ID, ns, hidden) })
		})
	}
	b.mu.Unlock()
	<-ctx.Done()
	b.mu.Lock()
	defer b.mu.Unlock()
	m.each(func(ns wire.Namespace, _ bool) {
		m.others(func(e relay.DirectoryEvents) { e.NodeNamespaceRemoved(m.node.ID, ns) })
	})
	m.others(func(e relay.DirectoryEvents) { e.NodeDown(m.node.ID) })
	m.events = nil
}

// hear has a deaf member told what it missed.
func (m *membership) hear() {
	m.board.mu.Lock()
	defer m.board.mu.Unlock()
	m.deaf = false
	for _, f := range m.held {
		f()
	}
	m.held = nil
}

func (m *membership) Status() relay.DirectoryStatus {
	m.board.mu.Lock()
	defer m.board.mu.Unlock()
	return relay.DirectoryStatus{Connected: !m.lost}
}

// hasJoined reports whether a relay is on the board.
func (m *membership) hasJoined() bool {
	m.board.mu.Lock()
	defer m.board.mu.Unlock()
	return m.events != nil
}

// listedRelay is a relay on loopback that uses a board.
type listedRelay struct {
	*relay.Relay
	*membership
	url   string
	certs *certs.Source
}

func (b *board) relay(t *testing.T, id, region string, role relay.Role) *listedRelay {
	t.Helper()
	source, err := certs.Development("", nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	m := &listedRelay{membership: b.member(id), url: "moqt://" + l.Addr().String(), certs: source}
	m.Relay = relay.New(relay.Config{
		ID: id, Region: region, Logger: quiet(), Directory: m.membership,
		Advertise: relay.Advertise{URL: m.url, Role: role, Fingerprints: func() [][32]byte { return [][32]byte{source.Fingerprint()} }},
	})
	served := make(chan error, 1)
	go func() { served <- m.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		m.Close()
		<-served
		source.Close()
	})
	eventually(t, id+" joins", m.hasJoined)
	return m
}

// client is a session with a member, which ends with the test.
func (m *listedRelay) client(t *testing.T, h moq.Handler) *moq.Session {
	t.Helper()
	conn, err := transport.Dial(t.Context(), m.url, &transport.DialConfig{Fingerprints: [][32]byte{m.certs.Fingerprint()}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := moq.NewSession(context.Background(), conn, moq.Config{Handler: h, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSession(s) })
	return s
}

// watches subscribes at a member and waits for an object.
func (m *listedRelay) watches(t *testing.T, name wire.FullTrackName) {
	t.Helper()
	sub, err := m.client(t, nil).Subscribe(t.Context(), name, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
	if err != nil {
		t.Fatalf("%s: %v", m.node.ID, err)
	}
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := r.Next(ctx); err != nil {
		t.Fatalf("%s: %v", m.node.ID, err)
	}
}

// announces publishes a track of one object by PUBLISH_NAMESPACE.
func (m *listedRelay) announces(t *testing.T, name wire.FullTrackName) {
	t.Helper()
	source := moq.NewOrigin()
	source.AddTrack(oneObject(t, name))
	source.AddNamespace(name.Namespace)
	s := m.client(t, source)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); source.Announce(ctx, s) }()
	t.Cleanup(func() { cancel(); <-done })
}

func oneObject(t *testing.T, name wire.FullTrackName) *live.Track {
	t.Helper()
	track := live.NewTrack(name, live.Options{})
	appendObject(t, track, 0)
	return track
}

// appendObject makes a group of one object.
func appendObject(t *testing.T, track *live.Track, group uint64) {
	t.Helper()
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: group, FirstObject: true, EndOfGroup: true})
	if err == nil {
		err = w.Append(live.WholeObject{Payload: []byte("x")})
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10s: %s", what)
		}
	}
}

func (m *listedRelay) serves(t *testing.T, count int64) {
	t.Helper()
	eventually(t, m.node.ID+" serves the subscriptions", func() bool { return m.Stats().Subscriptions == count })
}

// Edges have a track of another region by their shield, which has it from the
// holder: it crosses once. Without a shield each edge asks the holder.
func TestDirectoryRegionFirst(t *testing.T) {
	for _, c := range []struct {
		role     relay.Role
		crossing int64
	}{{relay.RoleShield, 1}, {relay.RoleEdge, 2}} {
		t.Run(string(c.role), func(t *testing.T) {
			b := newBoard()
			holder := b.relay(t, "holder", "us", relay.RoleOrigin)
			middle := b.relay(t, "middle", "eu", c.role)
			edges := []*listedRelay{b.relay(t, "e1", "eu", relay.RoleEdge), b.relay(t, "e2", "eu", relay.RoleEdge)}
			holder.announces(t, camera)
			for _, r := range append(edges, middle) {
				eventually(t, "the namespace is known", func() bool { return r.Relay.Stats().Namespaces == 1 })
			}
			for _, e := range edges {
				e.watches(t, camera)
			}
			holder.serves(t, c.crossing)
			middle.serves(t, 2*(2-c.crossing))
		})
	}
}

// Tracks in a namespace that nobody announced are found too, but the namespace
// is not told of.
func TestDirectoryHidden(t *testing.T) {
	b := newBoard()
	holder, edge := b.relay(t, "holder", "us", relay.RoleOrigin), b.relay(t, "edge", "eu", relay.RoleEdge)
	publisher := holder.client(t, nil)
	track := oneObject(t, camera)
	if _, err := publisher.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the directory knows", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return holder.names[camera.Namespace.String()] })
	produce, cancel := context.WithCancel(t.Context())
	var producer sync.WaitGroup
	defer producer.Wait()
	defer cancel()
	producer.Go(func() {
		for group := uint64(1); produce.Err() == nil; group++ { // what was before PUBLISH is not sent
			appendObject(t, track, group)
			select {
			case <-produce.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	edge.watches(t, camera)
	if n := edge.Relay.Stats().Namespaces; n != 0 {
		t.Errorf("the edge tells of %d namespaces, want 0", n)
	}
	holder.announces(t, wire.FullTrackName{Namespace: camera.Namespace, Name: "audio"})
	eventually(t, "announced", func() bool { return edge.Relay.Stats().Namespaces == 1 })
}

// What the directory tells is told to subscribers, and ends with the relay that
// holds it, which leaves when it drains.
func TestDirectoryDrain(t *testing.T) {
	b := newBoard()
	holder, edge := b.relay(t, "holder", "us", relay.RoleOrigin), b.relay(t, "edge", "eu", relay.RoleEdge)
	names := make(told, 10)
	if _, err := edge.client(t, nil).SubscribeNamespace(t.Context(), nil, names); err != nil {
		t.Fatal(err)
	}
	holder.announces(t, camera)
	if got, want := <-names, "+"+camera.Namespace.String(); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	edge.watches(t, camera)
	ctx, cancel := context.WithCancelCause(t.Context())
	drained := make(chan error, 1)
	go func() { drained <- holder.Drain(ctx, "", 0) }()
	if got, want := <-names, "-"+camera.Namespace.String(); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if holder.hasJoined() {
		t.Error("a relay that drains is still in the directory")
	}
	enough := errors.New("enough")
	cancel(enough)
	if err := <-drained; err != nil && !errors.Is(err, enough) {
		t.Error(err)
	}
}
