package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Flag is the first argument of a child, the name of its role the second.
const Flag = "--role"

// stopTimeout is how long a child may take to end once it is told to.
const stopTimeout = 10 * time.Second

// Child is a process that was started with a role. Call is safe for concurrent
// use and makes one call at a time.
type Child struct {
	role string
	cmd  *exec.Cmd

	mu  sync.Mutex // held during a call
	in  io.WriteCloser
	out *bufio.Reader
}

// request and answer are what goes over the pipes.
type request struct {
	Command string          `json:"command"`
	Args    json.RawMessage `json:"args,omitempty"`
}

type answer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Start runs this executable with a role. Variables of the form NAME=value are added to
// its environment. Stop has to be called.
func Start(role string, env ...string) (*Child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return StartFile(exe, role, env...)
}

// StartFile is Start of another build of this executable.
func StartFile(exe, role string, env ...string) (*Child, error) {
	var err error
	c := &Child{role: role, cmd: exec.CommandContext(context.Background(), exe, Flag, role)}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	return c, nil
}

// Call sends a command and waits for its answer, which is stored in result
// unless that is nil. When ctx ends first the child is killed: what it would
// answer later could not be told from the next answer.
func (c *Child) Call(ctx context.Context, command string, args, result any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.cmd.Process.Kill() })
	defer stop()
	err := c.call(command, args, result)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", c.role, command, err)
	}
	return nil
}

func (c *Child) call(command string, args, result any) error {
	r := request{Command: command}
	var err error
	if args != nil {
		if r.Args, err = json.Marshal(args); err != nil {
			return err
		}
	}
	if err := json.NewEncoder(c.in).Encode(r); err != nil {
		return err
	}
	line, err := c.out.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return errors.New("the process ended")
	} else if err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if a.Error != "" {
		return errors.New(a.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(a.Result, result)
}

// Usage asks what the process has used so far.
func (c *Child) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	err := c.Call(ctx, commandUsage, nil, &u)
	return u, err
}

// Collect has the process collect its garbage and give memory back to the system,
// then asks what it uses.
func (c *Child) Collect(ctx context.Context) (Usage, error) {
	var u Usage
	err := c.Call(ctx, commandCollect, nil, &u)
	return u, err
}

// Profile writes a CPU profile to a file until the function that it returns is called.
func (c *Child) Profile(ctx context.Context, file string) (stop func() error, err error) {
	if err := c.Call(ctx, commandProfile, file, nil); err != nil {
		return nil, err
	}
	return func() error { return c.Call(context.WithoutCancel(ctx), commandEndProfile, nil, nil) }, nil
}

// HeapProfile writes a profile of what is on the heap to a file, as of the last
// collection of garbage.
func (c *Child) HeapProfile(ctx context.Context, file string) error {
	return c.Call(ctx, commandHeap, file, nil)
}

// Pid is the number of the process.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Kill ends the process without a word (SIGKILL). Stop has to be called all the same.
func (c *Child) Kill() error { return c.cmd.Process.Kill() }

// Stop ends the process and waits for it.
func (c *Child) Stop() error {
	c.in.Close()
	late := time.AfterFunc(stopTimeout, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	return c.cmd.Wait()
}
