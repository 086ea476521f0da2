package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// overseer is a service manager: a socket that processes tell how they fare.
type overseer struct {
	t    *testing.T
	conn *net.UnixConn

	mu   sync.Mutex
	said []string // messages
}

// oversee has the processes that the test starts from now on tell it.
func oversee(t *testing.T, socket string) *overseer {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	o := &overseer{t: t, conn: conn}
	var listening sync.WaitGroup
	listening.Go(func() {
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			o.mu.Lock()
			o.said = append(o.said, string(b[:n]))
			o.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		conn.Close()
		listening.Wait()
	})
	t.Setenv("NOTIFY_SOCKET", socket)
	return o
}

// all is what was said so far.
func (o *overseer) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.said...)
}

// hears waits for the n-th message with a line that begins so, and returns the message.
func (o *overseer) hears(line string, n int) string {
	o.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		found := 0
		for _, message := range o.all() {
			if strings.HasPrefix(message, line) || strings.Contains(message, "\n"+line) {
				if found++; found == n {
					return message
				}
			}
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("%s was said %d times, not %d: %q", line, found, n, o.all())
		}
	}
}

// A service manager hears when the node serves, reads its file again, lives, and ends, at
// sockets with a path and with an abstract name.
func TestServiceManager(t *testing.T) {
	for what, socket := range map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": fmt.Sprintf("@moqedge-%d", os.Getpid()),
	} {
		t.Run(what, func(t *testing.T) {
			o := oversee(t, socket)
			t.Setenv("WATCHDOG_USEC", "100000")
			dir := t.TempDir()
			const head = "listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\n"
			file := written(t, dir, "c.yaml", head+"upstream: {url: 'moqt://127.0.0.1:1', insecure: true}\n")
			p := start(t, "serve", "--json", "-c", file)
			var a address
			p.json("addresses", &a)
			if got := o.hears("READY=1", 1); !strings.Contains(got, "STATUS=0 sessions, 0 tracks, 0 of 1 upstreams connected") {
				t.Errorf("ready: %q", got)
			}
			rsp, err := http.Get("http://" + a.Admin + "/healthz")
			if err != nil {
				t.Fatalf("ready, but: %v", err)
			}
			rsp.Body.Close()
			o.hears("WATCHDOG=1", 3)

			written(t, dir, "c.yaml", head+"log: {level: debug}\nupstream: {url: 'moqt://127.0.0.1:1', insecure: true}\n")
			if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			if got := o.hears("RELOADING=1", 1); !strings.Contains(got, "\nMONOTONIC_USEC=") || strings.Contains(got, "USEC=0") {
				t.Errorf("reloading: %q", got)
			}
			o.hears("READY=1", 2)

			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if got := o.hears("STOPPING=1", 1); !strings.Contains(got, "\nEXTEND_TIMEOUT_USEC=20500000") { // 10 s to drain, and to close
				t.Errorf("stopping: %q", got)
			}
			for p.lines.Scan() {
			}
			if err := p.cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, p.stderr)
			}
		})
	}
}

// Without a manager nothing is told, and one that is not there is said so.
func TestNoServiceManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "1000")
	p, _ := serveNode(t, "--srt", "127.0.0.1:0", "--log-level", "error")
	p.interrupt()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	if code, _, errs := execute(t, "serve", "--listen", "127.0.0.1:0"); code != exitFailure || !strings.Contains(errs, "NOTIFY_SOCKET: ") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// A node that waits for an authority which does not answer says so, and ends within a
// second of Ctrl-C, with nothing to complain of.
func TestInterruptedStart(t *testing.T) {
	silent, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}) // nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	pages, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pages.Close()
	dir := t.TempDir()
	file := written(t, dir, "c.yaml", fmt.Sprintf(`listen: 127.0.0.1:0
http: {listen: %q}
log: {level: error}
certificate:
  acme: {domains: [media.example], email: a@media.example, agree: true, directory: "https://%s/", storage: %q}
`, pages.Addr(), silent.Addr(), filepath.Join(dir, "acme")))
	for name, signal := range map[string]os.Signal{"Ctrl-C": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			o := oversee(t, filepath.Join(t.TempDir(), "notify"))
			p := start(t, "serve", "-c", file)
			if got := o.hears("EXTEND_TIMEOUT_USEC=100000000", 1); !strings.Contains(got, "STATUS=waiting for a certificate") {
				t.Errorf("starting: %q", got)
			}
			if err := silent.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			asked, err := silent.Accept() // everything is open by then
			if err != nil {
				t.Fatal(err)
			}
			defer asked.Close()
			began := time.Now()
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			for p.lines.Scan() {
			}
			if err := p.cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, p.stderr)
			}
			t.Logf("ended after %v", time.Since(began))
			if took := time.Since(began); took > 5*time.Second { // a second, on a machine that has time
				t.Errorf("took %v", took)
			}
			if text := p.stderr.String(); text != "" {
				t.Errorf("stderr: %s", text)
			}
			for _, message := range o.all() {
				if strings.Contains(message, "READY=1") {
					t.Error("it said that it was ready")
				}
			}
		})
	}
}
