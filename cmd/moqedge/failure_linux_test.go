package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// descriptors is how many files a process has open.
func (p *process) descriptors() int {
	p.t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(all)
}

// busy is the processor time of a process so far, in hundredths of a second.
func (p *process) busy() int {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	sum := 0
	for _, field := range strings.Fields(rest)[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			p.t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// A node that is out of file descriptors says so, goes on serving over QUIC and answering
// operators, does nothing in vain, and takes TCP connections again as soon as it can.
func TestOutOfFileDescriptors(t *testing.T) {
	p, a := serveNode(t, "--srt", "127.0.0.1:0")
	trust := []string{"--fingerprint", a.Fingerprint}
	start(t, append([]string{"pub", "--json", "moqt://" + a.Relay, "cam1"}, trust...)...)
	track := videoTrack(t, a.Relay, trust)
	viewer := view(t, a.Relay, track, []string{a.Fingerprint})
	viewer.until(1)
	http.DefaultClient.CloseIdleConnections()

	limit := uint64(p.descriptors() + 3)
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		t.Fatal(err)
	}
	var idle []net.Conn
	for range 20 { // the system takes them, the node can not
		c, err := net.Dial("tcp", a.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle = append(idle, c)
	}
	p.said(`level=ERROR msg="TCP connections have to wait: raise the limit of open files (LimitNOFILE, ulimit -n) if there are too many" listener=HTTP`)
	before := p.busy()
	viewer.until(viewer.group + 2)

	// A viewer comes: one socket serves all of QUIC.
	view(t, a.Relay, track, []string{a.Fingerprint}).until(viewer.group)
	for range 5 {
		var s struct{ Sessions int }
		readJSON(t, "http://"+a.Admin+"/stats", &s)
		if s.Sessions < 3 {
			t.Errorf("%d sessions", s.Sessions)
		}
	}
	text := fetch(t, "http://"+a.Admin+"/metrics")
	if !strings.Contains(text, `moqedge_sessions{draft="moqt-18",role="client"`) { // those of the process take a descriptor to read
		t.Errorf("metrics:\n%s", text)
	}
	http.DefaultClient.CloseIdleConnections()
	if took := p.busy() - before; took > 200 {
		t.Errorf("%d ms of processor time: it goes round in a circle", 10*took)
	}
	if n := strings.Count(p.stderr.String(), "have to wait"); n > 2 { // one for each listener
		t.Errorf("said %d times:\n%s", n, p.stderr)
	}

	for _, c := range idle {
		c.Close()
	}
	p.said(`level=INFO msg="TCP connections are taken again" listener=HTTP`)
	if text := fetch(t, "http://"+a.HTTP+"/certificate.sha256"); text != a.Fingerprint {
		t.Errorf("%q", text)
	}
	p.ends(os.Interrupt)
}

// A disk that is full costs the lines of the access log, which are counted, and those of
// the log, and nothing else.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	full := written(t, dir, "full.yaml", "listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\nbridge: {srt: {listen: '127.0.0.1:0'}}\naccessLog: {file: /dev/full}\n")
	p := start(t, "serve", "--json", "-c", full)
	var a address
	p.json("addresses", &a)
	trust := []string{"--fingerprint", a.Fingerprint}
	for range 3 {
		if code, _, errs := execute(t, append([]string{"ls", "moqt://" + a.Relay}, trust...)...); code != exitOK {
			t.Fatalf("code %d: %s", code, errs)
		}
	}
	p.said(`level=ERROR msg="access log not written, lines are dropped" file=/dev/full error="write /dev/full: no space left on device"`)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(fetch(t, "http://"+a.Admin+"/metrics"), `moqedge_access_log_dropped_total{reason="disk"} 3`); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the metrics do not tell of three lines:\n%s", fetch(t, "http://"+a.Admin+"/metrics"))
		}
	}
	if n := strings.Count(p.stderr.String(), "access log not written"); n != 1 {
		t.Errorf("said %d times", n)
	}
	http.DefaultClient.CloseIdleConnections()
	p.ends(os.Interrupt)

	device, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	t.Run("log", func(t *testing.T) {
		p := prepare(t, "serve", "--json", "--listen", "127.0.0.1:0", "--srt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "debug")
		p.cmd.Stderr = device
		p.begin()
		var a address
		p.json("addresses", &a)
		if code, _, errs := execute(t, "ls", "moqt://"+a.Relay, "--fingerprint", a.Fingerprint); code != exitOK {
			t.Errorf("code %d: %s", code, errs)
		}
		p.ends(os.Interrupt)
	})
}
