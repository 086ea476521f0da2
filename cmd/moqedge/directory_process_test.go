package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// saidTimes waits until a process has logged something so many times.
func (p *process) saidTimes(what string, n int) {
	p.t.Helper()
	for deadline := time.Now().Add(25 * time.Second); strings.Count(p.stderr.String(), what) < n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("not logged %d times: %s\n%s", n, what, p.stderr)
		}
	}
}

// NATS is not there when a node starts, comes, is killed, and comes back empty: the node
// serves all the time, says how it is, and needs nobody to go on.
func TestDirectoryGone(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := port.Addr().String()
	port.Close()
	dir := t.TempDir()
	p := start(t, "serve", "--json", "-c", written(t, dir, "node.yaml", fmt.Sprintf(
		"listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\ncluster: {url: 'moqt://127.0.0.1:4443', nats: 'nats://%s'}\n", at)))
	var a address
	p.json("addresses", &a) // it does not wait
	is := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(fetch(t, "http://"+a.Admin+"/metrics"), "\nmoqedge_directory_up "+want+"\n"); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("moqedge_directory_up is not %s\n%s", want, p.stderr)
			}
		}
		if code, _, errs := execute(t, "ls", "moqt://"+a.Relay, "--fingerprint", a.Fingerprint); code != exitOK {
			t.Errorf("it does not serve: %d, %s", code, errs)
		}
	}
	is("0")
	for n := range 2 {
		nats := start(t, "serve", "--json", "-c", written(t, dir, "nats.yaml", fmt.Sprintf(
			"listen: 127.0.0.1:0\ncluster: {url: 'moqt://127.0.0.1:4444', listen: %q}\n", at)))
		nats.json("addresses", new(address))
		p.saidTimes("the directory is current", n+1)
		is("1")
		if err := nats.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = nats.cmd.Wait() // killed
		p.saidTimes(`level=WARN msg="the directory cannot be reached; what is known stays"`, n+1)
		is("0")
	}
	http.DefaultClient.CloseIdleConnections()
	p.ends(os.Interrupt)
}
