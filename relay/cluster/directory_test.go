package cluster_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"moqedge/relay/cluster"
)

// Two relays use the NATS server that the first of them runs: each is told of the
// other and of its namespaces, and of the end of both.
func TestTwoRelays(t *testing.T) {
	a := join(t, "a", cluster.Config{Embedded: cluster.Embedded{Listen: "127.0.0.1:0"}})
	a.Announce(namespace("live", "one"), false)
	b := join(t, "b", cluster.Config{URL: "nats://" + a.Addr()})
	b.wait(t, "b is told of a", 10*time.Second, b.holds("a", "live-one"))
	b.Announce(namespace("live", "\x00two\xff.* >"), false) // nothing that a subject of NATS could hold
	a.wait(t, "a is told of b", 10*time.Second, a.holds("b", namespace("live", "\x00two\xff.* >").String()))
	a.Withdraw(namespace("live", "one"))
	b.wait(t, "b is told of a's namespace's end", 10*time.Second, func() bool { return !b.has("a", "live-one") })
	b.wait(t, "b's status", 10*time.Second, func() bool { s := b.Status(); return s.Connected && s.Relays == 1 && s.Own == 1 })
	b.stop()
	took := a.wait(t, "a is told that b has left", 10*time.Second, func() bool { return !a.up("b") })
	if took > 2*time.Second { // far less than a lease
		t.Errorf("b's leaving took %v", took)
	}
}

// Two processes with one ID are an error of the operator, which is logged and
// breaks nothing else.
func TestRival(t *testing.T) {
	var log lockedBuffer
	a := joinLogged(t, "a", cluster.Config{Embedded: cluster.Embedded{Listen: "127.0.0.1:0"}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	a.wait(t, "connected", 10*time.Second, statusConnected(a))
	rival := join(t, "a", cluster.Config{URL: "nats://" + a.Addr()})
	a.wait(t, "the rival is noticed", 10*time.Second, func() bool { return strings.Contains(log.String(), "another relay has the ID") })
	rival.wait(t, "the rival is served", 10*time.Second, statusConnected(rival))
}

// What others do to the keys of a relay is mended by it; what is in the bucket
// and makes no sense is passed over.
func TestForeignWrites(t *testing.T) {
	a := join(t, "a", cluster.Config{Embedded: cluster.Embedded{Listen: "127.0.0.1:0"}})
	b := join(t, "b", cluster.Config{URL: "nats://" + a.Addr()})
	b.Announce(namespace("x"), false)
	a.wait(t, "b is known", 10*time.Second, a.holds("b", "x"))
	kv := bucket(t, a.Addr())
	for key, value := range map[string]string{"z": "1", "r.YQ": "{", "n.Yg.AAAAAAAAAAAAAAAAAAAAAA": "x", "n.Yg.x": "y"} {
		if _, err := kv.PutString(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := kv.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, key := range keys {
		if strings.HasPrefix(key, "n.Yg.") && len(key) == len("n.Yg.")+22 { // b's
			if err := kv.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			removed++
		}
	}
	if removed != 2 { // the namespace and the one that makes no sense
		t.Fatalf("removed %d of %q", removed, keys)
	}
	count := func(event string) (n int) {
		for _, e := range a.events() {
			if e == event {
				n++
			}
		}
		return n
	}
	a.wait(t, "the namespace is written again", 10*time.Second, func() bool { return count("-b x") == 1 && count("+b x") == 2 })
}

// A bucket of another make is refused with the reason, and taken when it is gone.
func TestForeignBucket(t *testing.T) {
	a := join(t, "a", cluster.Config{Embedded: cluster.Embedded{Listen: "127.0.0.1:0"}})
	a.wait(t, "connected", 10*time.Second, statusConnected(a))
	nc, err := nats.Connect("nats://" + a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "other"}); err != nil {
		t.Fatal(err)
	}
	b := join(t, "b", cluster.Config{URL: "nats://" + a.Addr(), Bucket: "other"})
	b.wait(t, "refused", 10*time.Second, func() bool { return strings.Contains(b.Status().Error, "time to live") })
	if err := js.DeleteKeyValue(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	b.wait(t, "made anew", 10*time.Second, statusConnected(b))
	// And when it is removed in use.
	b.Announce(namespace("x"), false)
	c := join(t, "c", cluster.Config{URL: "nats://" + a.Addr(), Bucket: "other"})
	c.wait(t, "b is known", 10*time.Second, c.holds("b", "x"))
	since := map[*joined]time.Time{b: b.Status().Since, c: c.Status().Since}
	if err := js.DeleteKeyValue(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	for _, j := range []*joined{b, c} {
		j.wait(t, "noticed and healed", 10*time.Second, func() bool { s := j.Status(); return s.Connected && s.Since.After(since[j]) })
	}
	b.Announce(namespace("y"), false)
	c.wait(t, "news arrive", 10*time.Second, c.holds("b", "y"))
	if slices.Contains(c.events(), "-b x") {
		t.Errorf("what lasted was withdrawn: %v", c.events())
	}
}

// bucket opens the bucket of the directories that use a server.
func bucket(t *testing.T, addr string) jetstream.KeyValue {
	t.Helper()
	nc, err := nats.Connect("nats://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(t.Context(), "moqedge")
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// lockedBuffer is a bytes.Buffer for many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
