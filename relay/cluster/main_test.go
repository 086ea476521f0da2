package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/cluster"
)

func TestMain(m *testing.M) {
	if run := childs[os.Getenv(childVariable)]; run != nil {
		if err := run(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// known is a relay.DirectoryEvents that remembers.
type known struct {
	mu      sync.Mutex
	nodes   map[string]relay.Node
	names   map[string]map[string]bool // by relay
	history []string
	changed chan struct{} // closed at each change
}

func newKnown() *known {
	return &known{nodes: map[string]relay.Node{}, names: map[string]map[string]bool{}, changed: make(chan struct{})}
}

func (k *known) note(format string, args ...any) {
	if len(k.history) < 1000 {
		k.history = append(k.history, fmt.Sprintf(format, args...))
	}
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *known) NodeUp(n relay.Node) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.nodes[n.ID].ID == "" {
		k.names[n.ID] = map[string]bool{}
		k.note("up %s", n.ID)
	} else {
		k.note("changed %s", n.ID)
	}
	k.nodes[n.ID] = n
}

func (k *known) NodeDown(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.names[id]) > 0 {
		k.note("ERROR: %s is down with its namespaces", id)
	}
	delete(k.nodes, id)
	delete(k.names, id)
	k.note("down %s", id)
}

func (k *known) NodeNamespaceAdded(id string, ns wire.Namespace, _ bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.nodes[id].ID == "" || k.names[id][ns.String()] {
		k.note("ERROR: %s of %s added twice, or of no relay", ns, id)
		return
	}
	k.names[id][ns.String()] = true
	k.note("+%s %s", id, ns)
}

func (k *known) NodeNamespaceRemoved(id string, ns wire.Namespace) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.names[id][ns.String()] {
		k.note("ERROR: %s of %s removed, and was not there", ns, id)
		return
	}
	delete(k.names[id], ns.String())
	k.note("-%s %s", id, ns)
}

func (k *known) has(id, ns string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.names[id][ns]
}

// holds is has for wait.
func (k *known) holds(id, ns string) func() bool { return func() bool { return k.has(id, ns) } }

func (k *known) up(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.nodes[id].ID != ""
}

func (k *known) events() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.history)
}

// wait waits until a condition on what is known holds.
func (k *known) wait(t testing.TB, what string, limit time.Duration, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	deadline := time.After(limit)
	for {
		k.mu.Lock()
		changed := k.changed
		k.mu.Unlock()
		if ok() {
			return time.Since(start)
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // a status changes without a word
		case <-deadline:
			t.Fatalf("not within %v: %s; what was told: %v", limit, what, k.events())
		}
	}
}

// joined is a directory in use.
type joined struct {
	*cluster.Directory
	*known
	node relay.Node
	stop func() // leaves
}

// join starts a directory and joins as a relay; it leaves with the test.
func join(t testing.TB, id string, c cluster.Config) *joined {
	t.Helper()
	c.Logger = logger(t)
	return joinLogged(t, id, c)
}

// joinLogged is join with the configuration's own logger.
func joinLogged(t testing.TB, id string, c cluster.Config) *joined {
	t.Helper()
	d, err := cluster.New(c)
	if err != nil {
		t.Fatal(err)
	}
	j := &joined{Directory: d, known: newKnown(), node: nodeOf(id)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.Join(ctx, func() relay.Node { return j.node }, j.known) }()
	j.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		d.Close()
		for _, e := range j.events() {
			if len(e) > 5 && e[:5] == "ERROR" {
				t.Errorf("%s was told: %s", id, e)
			}
		}
	})
	t.Cleanup(j.stop)
	return j
}

func nodeOf(id string) relay.Node {
	return relay.Node{ID: id, Region: "eu", Role: relay.RoleEdge, URL: "moqt://" + id + ".example:4443", Cost: 1}
}

func logger(t testing.TB) *slog.Logger {
	level := slog.LevelWarn
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
}

func namespace(fields ...string) wire.Namespace { return fields }
