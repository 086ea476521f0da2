package cluster_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/cluster"
)

// childVariable names, in the environment of the test binary, what it does
// instead of tests: some tests need processes that they can kill.
const childVariable = "MOQEDGE_CLUSTER_TEST_CHILD"

// childs are what the test binary does. Each prints a line when it is ready,
// and ends with its standard input.
var childs = map[string]func(args []string) error{
	// nats PORT DIR is a plain nats-server with JetStream.
	"nats": func(args []string) error {
		port, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, JetStream: true, StoreDir: args[1]})
		if err != nil {
			return err
		}
		s.Start()
		if !s.ReadyForConnections(10 * time.Second) {
			return fmt.Errorf("not ready")
		}
		fmt.Println(s.ClientURL())
		io.Copy(io.Discard, os.Stdin)
		return nil
	},
	// relay ID URL NAMESPACES... is a relay in the directory, and nothing else.
	"relay": func(args []string) error {
		d, err := cluster.New(cluster.Config{URL: args[1]})
		if err != nil {
			return err
		}
		for _, ns := range args[2:] {
			d.Announce(wire.Namespace{ns}, false)
		}
		fmt.Println("joining")
		ctx, cancel := context.WithCancel(context.Background())
		go func() { io.Copy(io.Discard, os.Stdin); cancel() }()
		d.Join(ctx, func() relay.Node { return nodeOf(args[0]) }, newKnown())
		return nil
	},
	"node": runNode,
}

// child is a process of the test binary.
type child struct {
	cmd  *exec.Cmd
	line string // that it printed when it was ready
	in   io.Writer
	out  *bufio.Reader
}

// start runs a child and waits until it is ready. It ends with the test.
func start(t testing.TB, name string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.CommandContext(context.Background(), self, args...)}
	c.cmd.Env = append(os.Environ(), childVariable+"="+name)
	c.cmd.Stderr = t.Output()
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.kill() })
	c.out = bufio.NewReader(out)
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("%s does not start: %v", name, err)
	}
	c.line = strings.TrimSpace(line)
	return c
}

// ask sends a line and returns the line that answers it.
func (c *child) ask(t testing.TB, line string) string {
	t.Helper()
	if _, err := fmt.Fprintln(c.in, line); err != nil {
		t.Fatal(err)
	}
	answer, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return answer
}

func (c *child) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// kill ends the process without a word; again it has no effect.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
