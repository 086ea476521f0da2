package cluster_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"moqedge/relay/cluster"
)

// natsServer starts a plain nats-server at a port, 0 for a free one.
func natsServer(t testing.TB, port string) *child {
	t.Helper()
	return start(t, "nats", port, t.TempDir())
}

func portOf(t testing.TB, url string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(url[len("nats://"):])
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A relay that is killed is forgotten, with its namespaces, within 5 s, by who
// knew it. For one that joins later it is at most for the moment that NATS takes
// to remove what has expired.
func TestDeadRelayIsForgotten(t *testing.T) {
	t.Parallel()
	c := cluster.Config{URL: natsServer(t, "-1").line}
	a, z := join(t, "a", c), join(t, "z", c)
	victim := start(t, "relay", "victim", c.URL, "one", "two")
	for _, j := range []*joined{a, z} {
		j.wait(t, "the victim is known", 10*time.Second, func() bool { return j.has("victim", "one") && j.has("victim", "two") })
	}
	victim.kill()
	killed := time.Now()
	for _, j := range []*joined{a, z} {
		j.wait(t, "the victim is forgotten", 10*time.Second, func() bool { return !j.up("victim") })
		took := time.Since(killed)
		t.Logf("forgotten after %v", took.Round(time.Millisecond))
		if took > 5*time.Second {
			t.Errorf("%s forgot the victim after %v, want at most 5s", j.node.ID, took)
		}
	}
	late := join(t, "late", c)
	late.wait(t, "a is known", 10*time.Second, func() bool { return late.up("a") && late.up("z") && late.Status().Connected })
	late.wait(t, "the dead are not known", 10*time.Second, func() bool { return !late.up("victim") && late.Status().Namespaces == 0 })
	// It comes back under its name, with one namespace less.
	start(t, "relay", "victim", c.URL, "two", "three")
	for _, j := range []*joined{a, z, late} {
		j.wait(t, "the victim is back", 10*time.Second, func() bool { return j.has("victim", "two") && j.has("victim", "three") && !j.has("victim", "one") })
	}
}

// NATS is killed and comes back empty: what was known stays all the time, what
// ended meanwhile is withdrawn, what is new becomes known.
func TestOutage(t *testing.T) {
	t.Parallel()
	nats := natsServer(t, "-1")
	c := cluster.Config{URL: nats.line}
	a, b := join(t, "a", c), join(t, "b", c)
	b.Announce(namespace("stays"), false)
	b.Announce(namespace("ends"), false)
	dies := start(t, "relay", "dies", c.URL, "dead")
	a.wait(t, "all is known", 10*time.Second, func() bool { return a.has("b", "stays") && a.has("b", "ends") && a.has("dies", "dead") })
	nats.kill()
	dies.kill()
	a.wait(t, "the outage is noticed", 10*time.Second, statusNotConnected(a))
	b.Withdraw(namespace("ends"))
	b.Announce(namespace("begins"), false)
	// Longer than any lease: nobody is taken for dead.
	outage := time.NewTimer(6 * time.Second)
	defer outage.Stop()
	for over := false; !over; {
		a.mu.Lock()
		changed := a.changed
		a.mu.Unlock()
		select {
		case <-changed:
			t.Errorf("something was withdrawn during the outage: %v", a.events())
			over = true
		case <-outage.C:
			over = true
		}
	}
	if s := a.Status(); s.Connected || s.Relays != 2 || s.Namespaces != 3 || s.Error == "" {
		t.Errorf("status in the outage: %+v", s)
	}
	natsServer(t, portOf(t, nats.line))
	healed := time.Now()
	a.wait(t, "the changes of the outage are known", 20*time.Second, func() bool {
		return a.has("b", "stays") && a.has("b", "begins") && !a.has("b", "ends") && a.Status().Connected
	})
	t.Logf("healed after %v", time.Since(healed).Round(time.Millisecond))
	a.wait(t, "who died in the outage is forgotten", 20*time.Second, func() bool { return !a.up("dies") })
	for _, e := range a.events() {
		if e == "-b stays" || e == "down b" {
			t.Errorf("what lasted was withdrawn: %v", a.events())
		}
	}
}

// NATS hangs, without an end of its connections, for longer than a lease, and
// goes on: its leases expire before anybody could renew one, and nobody is taken
// for dead.
func TestHang(t *testing.T) {
	t.Parallel()
	nats := natsServer(t, "-1")
	c := cluster.Config{URL: nats.line}
	a, b := join(t, "a", c), join(t, "b", c)
	b.Announce(namespace("stays"), false)
	a.wait(t, "b is known", 10*time.Second, a.holds("b", "stays"))
	nats.signal(t, syscall.SIGSTOP)
	a.wait(t, "the hang is noticed", 10*time.Second, statusNotConnected(a))
	time.Sleep(5 * time.Second) // of a stopped process: there is no condition to wait for
	nats.signal(t, syscall.SIGCONT)
	for _, j := range []*joined{a, b} {
		j.wait(t, "healed", 20*time.Second, statusConnected(j))
	}
	b.Announce(namespace("new"), false)
	a.wait(t, "news arrive", 20*time.Second, a.holds("b", "new"))
	for _, e := range a.events() {
		if e == "down b" || e == "-b stays" {
			t.Errorf("who lives was taken for dead: %v", a.events())
		}
	}
}

func statusConnected(j *joined) func() bool { return func() bool { return j.Status().Connected } }

func statusNotConnected(j *joined) func() bool { return func() bool { return !j.Status().Connected } }
