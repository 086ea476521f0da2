package process

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
)

// Role answers the commands of a parent. Handle is called for one command at a
// time; Close once, when the parent is gone.
type Role interface {
	Handle(command string, args json.RawMessage) (result any, err error)
	io.Closer
}

// commands that every child knows.
const (
	commandUsage      = "usage"
	commandCollect    = "collect"
	commandProfile    = "profile"
	commandEndProfile = "end-profile"
	commandHeap       = "heap"
)

// Serve answers a parent on standard input and output until it closes them.
// Ctrl-C is the parent's to answer: it ends its children.
func Serve(r Role) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	return serve(r, os.Stdin, os.Stdout)
}

func serve(r Role, in io.Reader, out io.Writer) error {
	var p profile
	defer p.end()
	requests := json.NewDecoder(bufio.NewReader(in))
	answers := json.NewEncoder(out)
	for {
		var q request
		if err := requests.Decode(&q); errors.Is(err, io.EOF) {
			return r.Close()
		} else if err != nil {
			return errors.Join(fmt.Errorf("command: %w", err), r.Close())
		}
		var a answer
		result, err := p.handle(r, q)
		if err == nil {
			a.Result, err = json.Marshal(result)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return errors.Join(err, r.Close())
		}
	}
}

// profile is the CPU profile that is being written, if there is one.
type profile struct{ file *os.File }

func (p *profile) handle(r Role, q request) (any, error) {
	switch q.Command {
	case commandUsage:
		return Measure()
	case commandCollect:
		debug.FreeOSMemory() // which collects first
		return Measure()
	case commandProfile:
		var name string
		if err := json.Unmarshal(q.Args, &name); err != nil {
			return nil, err
		}
		return nil, p.begin(name)
	case commandEndProfile:
		return nil, p.end()
	case commandHeap:
		var name string
		if err := json.Unmarshal(q.Args, &name); err != nil {
			return nil, err
		}
		return nil, writeHeap(name)
	}
	return r.Handle(q.Command, q.Args)
}

func writeHeap(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}

func (p *profile) begin(name string) error {
	if p.file != nil {
		return errors.New("a profile is being written already")
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return err
	}
	p.file = f
	return nil
}

func (p *profile) end() error {
	if p.file == nil {
		return nil
	}
	pprof.StopCPUProfile()
	err := p.file.Close()
	p.file = nil
	return err
}
