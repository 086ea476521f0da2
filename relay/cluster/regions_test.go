package cluster_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/cluster"
)

// runNode is a child: a relay in a directory. Its arguments are its ID, region
// and role, the URL of NATS, and the address (see address) of a static upstream,
// if any. It prints its address, and its statistics for each line that it reads.
func runNode(args []string) error {
	source, err := certs.Development("", nil, slog.Default())
	if err != nil {
		return err
	}
	defer source.Close()
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate})
	if err != nil {
		return err
	}
	defer l.Close()
	level := slog.LevelWarn
	if os.Getenv("VERBOSE") != "" {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("node", args[0])
	d, err := cluster.New(cluster.Config{URL: args[3], Logger: log})
	if err != nil {
		return err
	}
	defer d.Close()
	url := "moqt://" + l.Addr().String()
	c := relay.Config{ID: args[0], Region: args[1], Directory: d, Logger: log, Advertise: relay.Advertise{
		URL: url, Role: relay.Role(args[2]), Fingerprints: func() [][32]byte { return [][32]byte{source.Fingerprint()} },
	}}
	if len(args) > 4 {
		url, dial, err := address(args[4])
		if err != nil {
			return err
		}
		c.Upstreams = []relay.Upstream{{URL: url, Dial: dial, OnDemand: true}}
	}
	r := relay.New(c)
	defer r.Close()
	go func() { _ = r.Serve(l) }()
	fmt.Println(url + "#" + source.FingerprintHex())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		b, err := json.Marshal(r.Stats())
		if err != nil {
			return err
		}
		fmt.Println(string(b))
	}
	return nil
}

// address takes URL#FINGERPRINT apart.
func address(s string) (string, transport.DialConfig, error) {
	url, fingerprint, _ := strings.Cut(s, "#")
	prints, err := certs.ParseFingerprints(fingerprint)
	return url, transport.DialConfig{Fingerprints: prints}, err
}

// regionNode is a relay that runs as a child.
type regionNode struct {
	*child
	id string
	mu sync.Mutex
}

func startNode(t *testing.T, id, role, nats string, upstream ...string) *regionNode {
	region, _, _ := strings.Cut(id, "-")
	return &regionNode{id: id, child: start(t, "node", append([]string{id, region, role, nats}, upstream...)...)}
}

func (n *regionNode) stats(t *testing.T) relay.Stats {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	var s relay.Stats
	if err := json.Unmarshal([]byte(n.ask(t, "stats")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// session connects to a node.
func (n *regionNode) session(t *testing.T, h moq.Handler) *moq.Session {
	t.Helper()
	url, dial, err := address(n.line)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := transport.Dial(t.Context(), url, &dial)
	if err != nil {
		t.Fatal(err)
	}
	s, err := moq.NewSession(context.Background(), conn, moq.Config{Handler: h, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(wire.SessionNoError, ""); s.Wait() })
	return s
}

// until waits for a condition on the statistics of a node.
func (n *regionNode) until(t *testing.T, what string, limit time.Duration, ok func(relay.Stats) bool) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		s := n.stats(t)
		if ok(s) {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			t.Fatalf("%s, not within %v: %s: %+v, directory %+v", n.id, limit, what, s, s.Directory)
		}
		time.Sleep(10 * time.Millisecond) // between two questions
	}
}

func (n *regionNode) serves(t *testing.T, count int64) {
	t.Helper()
	n.until(t, fmt.Sprintf("it serves %d subscriptions", count), 10*time.Second, func(s relay.Stats) bool { return s.Subscriptions == count })
}

// publish announces a track at a node and makes its groups until the test ends:
// ten objects in 200 ms.
func publish(t *testing.T, at *regionNode, name wire.FullTrackName) *live.Track {
	t.Helper()
	source, track := moq.NewOrigin(), live.NewTrack(name, live.Options{})
	source.AddTrack(track)
	source.AddNamespace(name.Namespace)
	s := at.session(t, source)
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() { source.Announce(ctx, s) })
	tasks.Go(func() {
		for group := uint64(0); ctx.Err() == nil; group++ {
			w, err := track.OpenSubgroup(live.SubgroupInfo{Group: group, EndOfGroup: true, FirstObject: true})
			if err != nil {
				t.Error(err)
				return
			}
			for id := range uint64(10) {
				if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, 1000)}); err != nil {
					t.Error(err)
				}
				select {
				case <-time.After(20 * time.Millisecond):
				case <-ctx.Done():
				}
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	t.Cleanup(func() { cancel(); tasks.Wait() })
	return track
}

// viewer reads a track at a node until the test ends.
type viewer struct {
	at   *regionNode
	mu   sync.Mutex
	last wire.Location
	seen map[wire.Location]int
	err  error
}

func view(t *testing.T, at *regionNode, name wire.FullTrackName) *viewer {
	t.Helper()
	v := &viewer{at: at, seen: map[wire.Location]int{}}
	s := at.session(t, nil)
	sub, err := s.Subscribe(t.Context(), name, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
	if err != nil {
		t.Fatalf("%s: %v", at.id, err)
	}
	r := sub.Track().NewReader(wire.Location{})
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() {
		defer r.Close()
		for {
			o, err := r.Next(ctx)
			v.mu.Lock()
			if err != nil {
				v.err = err
				v.mu.Unlock()
				return
			}
			v.last = o.Location()
			v.seen[v.last]++
			v.mu.Unlock()
		}
	})
	t.Cleanup(func() { cancel(); tasks.Wait() })
	return v
}

// sees waits until a group has arrived that is not older than the one given.
func (v *viewer) sees(t *testing.T, group uint64) {
	t.Helper()
	began := time.Now()
	for {
		v.mu.Lock()
		last, err := v.last, v.err
		v.mu.Unlock()
		if last.Group >= group {
			return
		}
		if err != nil || time.Since(began) > 15*time.Second {
			t.Fatalf("%s: waits for group %d, the last object is %s: %v", v.at.id, group, last, err)
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
}

// Two regions of three relays each, as processes: what is published in one is
// seen in both and crosses between them once; a shield that is killed is made up
// for and forgotten; NATS is killed and returns.
func TestTwoRegions(t *testing.T) {
	t.Parallel()
	nats := natsServer(t, "-1")
	origin := startNode(t, "us-origin", "origin", nats.line)
	usShield, usEdge := startNode(t, "us-shield", "shield", nats.line, origin.line), startNode(t, "us-edge", "edge", nats.line, origin.line)
	euOrigin, euEdge := startNode(t, "eu-origin", "origin", nats.line, origin.line), startNode(t, "eu-edge", "edge", nats.line, origin.line)
	euShield := startNode(t, "eu-shield", "shield", nats.line, origin.line)
	camera := wire.FullTrackName{Namespace: wire.Namespace{"camera"}, Name: "video"}
	video := publish(t, origin, camera)
	all := []*regionNode{origin, usShield, usEdge, euOrigin, euEdge, euShield}
	for _, n := range all {
		n.until(t, "all are known", 15*time.Second, func(s relay.Stats) bool {
			d := s.Directory
			return d.Connected && d.Relays == 5 && d.Namespaces+d.Own == 1
		})
	}
	viewers := []*viewer{view(t, usEdge, camera), view(t, euEdge, camera), view(t, euOrigin, camera)}
	for _, v := range viewers {
		v.sees(t, 2)
	}
	// One subscription for each region, the rest within it.
	for n, count := range map[*regionNode]int64{origin: 2, usShield: 1, usEdge: 1, euShield: 2, euEdge: 1, euOrigin: 1} {
		n.serves(t, count)
	}

	killed := time.Now()
	euShield.kill()
	now := group(video)
	for _, v := range viewers {
		v.sees(t, now+1)
	}
	t.Logf("all viewers see what was made after the shield's death, %v after it", time.Since(killed).Round(time.Millisecond))
	for _, n := range []*regionNode{origin, usEdge, euEdge} {
		n.until(t, "the shield is forgotten", 10*time.Second, func(s relay.Stats) bool { return s.Directory.Relays == 4 })
		took := time.Since(killed)
		t.Logf("%s forgot the shield %v after its death", n.id, took.Round(time.Millisecond))
		if took > 5*time.Second {
			t.Errorf("%s forgot the shield after %v, want at most 5s", n.id, took)
		}
	}
	origin.serves(t, 3) // the two in eu have it from the origin
	euShield = startNode(t, "eu-shield", "shield", nats.line, origin.line)
	for _, n := range []*regionNode{euEdge, euShield} {
		n.until(t, "the shield is back", 10*time.Second, func(s relay.Stats) bool { return s.Directory.Relays == 5 && s.Directory.Namespaces == 1 })
	}
	second := wire.FullTrackName{Namespace: wire.Namespace{"second"}, Name: "video"}
	publish(t, origin, second)
	for _, n := range []*regionNode{euEdge, euShield} {
		n.until(t, "the second namespace is known", 10*time.Second, func(s relay.Stats) bool { return s.Directory.Namespaces == 2 })
	}
	view(t, euEdge, second).sees(t, 1)
	euShield.serves(t, 1)

	nats.kill()
	for _, n := range []*regionNode{origin, euEdge, euShield} {
		n.until(t, "the outage is noticed", 10*time.Second, func(s relay.Stats) bool { return !s.Directory.Connected })
	}
	now = group(video)
	for _, v := range viewers {
		v.sees(t, now+1)
	}
	third := wire.FullTrackName{Namespace: wire.Namespace{"third"}, Name: "video"}
	publish(t, origin, third)
	origin.until(t, "the third namespace is announced", 10*time.Second, func(s relay.Stats) bool { return s.Directory.Own == 3 })
	view(t, euEdge, third).sees(t, 1) // by the static upstream
	view(t, usEdge, camera).sees(t, 1)
	if s := euShield.stats(t); s.Subscriptions != 1 || s.Directory.Relays != 5 || s.Directory.Namespaces != 2 {
		t.Errorf("the shield in the outage: %+v, %+v", s, s.Directory)
	}

	natsServer(t, portOf(t, nats.line))
	restarted := time.Now()
	for _, n := range []*regionNode{usShield, usEdge, euOrigin, euEdge, euShield} {
		n.until(t, "healed", 15*time.Second, func(s relay.Stats) bool {
			return s.Directory.Connected && s.Directory.Relays == 5 && s.Directory.Namespaces == 3
		})
	}
	t.Logf("all is known again %v after NATS is back", time.Since(restarted).Round(time.Millisecond))
	view(t, euOrigin, third).sees(t, 1)
	euShield.serves(t, 2)
	now = group(video)
	for _, v := range viewers {
		v.sees(t, now+1)
		v.mu.Lock()
		for l, n := range v.seen {
			if n != 1 {
				t.Errorf("%s saw object %s %d times", v.at.id, l, n)
			}
		}
		v.mu.Unlock()
	}
}

// group is the newest group of a track.
func group(t *live.Track) uint64 {
	l, _ := t.Largest()
	return l.Group
}
