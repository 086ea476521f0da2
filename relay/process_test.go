package relay_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/relay"
)

// process is a relay in a process of its own: the test binary, started again.
type process struct {
	t    *testing.T
	spec processConfig
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
}

// processConfig goes to the process in the environment, under processSpec.
type processConfig struct {
	Name      string
	Addr      string   // where it listens
	Certs     string   // folder of the development certificate that all share
	Upstreams []string // URLs
}

const processSpec = "MOQEDGE_TEST_RELAY"

// runProcess is the main function of a process: it says its address when it is
// ready, then its statistics for each line that it reads, and ends with its input.
func runProcess(spec string) {
	var c processConfig
	err := json.Unmarshal([]byte(spec), &c)
	if err == nil {
		err = serveProcess(c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveProcess(c processConfig) error {
	source, err := certs.Development(c.Certs, nil, quiet())
	if err != nil {
		return err
	}
	defer source.Close()
	config := relay.Config{Name: c.Name, Logger: quiet()}
	for i, url := range c.Upstreams {
		u := relay.Upstream{URL: url, Priority: i}
		u.Dial.Fingerprints = [][32]byte{source.Fingerprint()}
		config.Upstreams = append(config.Upstreams, u)
	}
	l, err := transport.Listen(&transport.ListenConfig{Addr: c.Addr, GetCertificate: source.GetCertificate})
	if err != nil {
		return err
	}
	r := relay.New(config)
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	fmt.Println(l.Addr())
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(r.Stats()); err != nil {
			return err
		}
	}
	l.Close()
	r.Close()
	return <-served
}

// startProcess starts a relay; it is killed with the test.
func startProcess(t *testing.T, c processConfig) *process {
	t.Helper()
	p := &process{t: t, spec: c}
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *process) start() {
	p.t.Helper()
	spec, err := json.Marshal(p.spec)
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), processSpec+"="+string(spec))
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	if !p.out.Scan() {
		p.t.Fatalf("%s does not start", p.spec.Name)
	}
	p.spec.Addr = p.out.Text() // where it comes back
}

// kill ends the process as nothing can prevent it.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may be dead already
	_ = p.cmd.Wait()                          // and then has been waited for
}

func (p *process) url() string { return "moqt://" + p.spec.Addr }

func (p *process) stats() (s relay.Stats) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in); err != nil {
		p.t.Fatal(err)
	}
	if !p.out.Scan() {
		p.t.Fatalf("%s is gone", p.spec.Name)
	}
	if err := json.Unmarshal(p.out.Bytes(), &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// waitFor waits until a condition on the statistics holds.
func (p *process) waitFor(what string, holds func(relay.Stats) bool) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(p.stats()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: not %s: %+v", p.spec.Name, what, p.stats())
		}
	}
}

// publishTo keeps productions published at relays until the test ends.
func publishTo(t *testing.T, pin [32]byte, all []*production, urls ...string) {
	source := moq.NewOrigin()
	source.AddNamespace(camera.Namespace)
	for _, p := range all {
		source.AddTrack(p.track)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, len(urls))
	for _, url := range urls {
		client := moq.Client{
			URL: url, Dial: transport.DialConfig{Fingerprints: [][32]byte{pin}}, MaxBackoff: 200 * time.Millisecond,
			Config: moq.Config{Handler: source, Logger: quiet()}, Connected: source.Announce, Failed: func(error) {},
		}
		go func() { client.Run(ctx); ended <- struct{}{} }()
	}
	t.Cleanup(func() {
		cancel()
		for range urls {
			<-ended
		}
	})
}

// TestFailoverOfProcesses kills the relay that an edge has its tracks from with
// SIGKILL, within a group, and starts it again, five times: each subscriber of
// the edge gets every object of every group once, and is never long without one.
func TestFailoverOfProcesses(t *testing.T) {
	dir := t.TempDir()
	source, err := certs.Development(dir, nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	member := func(name string, upstreams ...string) *process {
		return startProcess(t, processConfig{Name: name, Addr: "127.0.0.1:0", Certs: dir, Upstreams: upstreams})
	}
	a, b := member("a"), member("b")
	edge := member("edge", a.url(), b.url())
	all := productions()
	publishTo(t, source.Fingerprint(), all, a.url(), b.url())
	began := time.Now()
	finish := start(t, all...)
	t.Cleanup(finish)
	reachable := func(s relay.Stats) bool { return s.Sessions == 2 && s.Namespaces > 0 } // the publisher and the edge
	a.waitFor("reachable", reachable)
	b.waitFor("reachable", reachable)
	edge.waitFor("told of the tracks", func(s relay.Stats) bool { return s.Namespaces > 0 })

	var witnesses []*witness
	for range 3 {
		conn, err := transport.Dial(t.Context(), edge.url(), &transport.DialConfig{Fingerprints: [][32]byte{source.Fingerprint()}})
		if err != nil {
			t.Fatal(err)
		}
		var counters moq.Counters
		s, err := moq.NewSession(context.Background(), conn, moq.Config{Counters: &counters, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		v := witnessOn(t, s, &counters, all...)
		t.Cleanup(v.leave)
		witnesses = append(witnesses, v)
	}
	limit := maxSilence
	if raced { // the detector makes all of it several times slower, beside other packages' tests
		limit *= 3
	}
	for kill := range 5 {
		a.waitFor("reachable", reachable)
		b.waitFor("reachable", reachable)
		active := a
		if b.stats().Subscriptions > a.stats().Subscriptions {
			active = b
		}
		time.Sleep(time.Second - time.Since(began)%time.Second + time.Duration(150+150*kill)*time.Millisecond)
		for _, v := range witnesses {
			v.silence()
		}
		active.kill()
		time.Sleep(300 * time.Millisecond) // for so long it is gone
		active.start()
		time.Sleep(1200 * time.Millisecond) // the window whose silences count
		longest := time.Duration(0)
		for _, v := range witnesses {
			silence, _ := v.silence()
			longest = max(longest, silence)
		}
		t.Logf("kill %d, of %s: longest silence %v", kill, active.spec.Name, longest.Round(time.Millisecond))
		if longest >= limit {
			t.Errorf("kill %d, of %s: a subscriber was without objects for %v", kill, active.spec.Name, longest)
		}
	}
	finish()
	time.Sleep(2 * onTheWay) // what is older than that has to have come
	check(t, witnesses)
}

// TestRestartedRelayOfSilentPublisher kills a relay with SIGKILL and starts it
// again. Its publisher sends nothing and would wait an hour for an answer: it is
// back because the new process tells it that its connection is gone.
func TestRestartedRelayOfSilentPublisher(t *testing.T) {
	dir := t.TempDir()
	source, err := certs.Development(dir, nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	p := startProcess(t, processConfig{Name: "origin", Addr: "127.0.0.1:0", Certs: dir})
	origin := moq.NewOrigin()
	origin.AddNamespace(camera.Namespace)
	client := moq.Client{
		URL: p.url(), Dial: transport.DialConfig{Fingerprints: [][32]byte{source.Fingerprint()}, IdleTimeout: time.Hour},
		Config: moq.Config{Handler: origin, Logger: quiet()}, Connected: origin.Announce, Failed: func(error) {},
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { client.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	for range 3 {
		p.waitFor("told of the publisher's namespace", func(s relay.Stats) bool { return s.Namespaces == 1 })
		p.kill()
		killed := time.Now()
		p.start()
		p.waitFor("told again", func(s relay.Stats) bool { return s.Namespaces == 1 })
		t.Logf("the publisher is back %v after the kill", time.Since(killed).Round(time.Millisecond))
	}
}
