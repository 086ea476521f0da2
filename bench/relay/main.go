package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"moqedge/bench/process"
)

// command is something to measure.
type command interface {
	flags(*flag.FlagSet)
	// run prints its results, also when ctx ends before it is done.
	run(ctx context.Context, out *output) error
}

// commands by name, with what the list of them says.
func commands() []named {
	return []named{
		{"fanout", "CPU time of the relay against the bare loop", &fanoutCommand{}},
		{"memory", "memory and goroutines of a session, beside those of a bare connection", &memoryCommand{}},
		{"latency", "what each relay adds to the way of an object", &latencyCommand{}},
		{"flood", "what viewers notice of floods of handshakes and of namespaces", &floodCommand{}},
		{"names", "a relay that knows many namespaces and tracks", &namesCommand{}},
		{"soak", "a relay whose upstream dies again and again, with subscribers and publishers that come and go", &soakCommand{}},
	}
}

type named struct {
	name, help string
	command    command
}

func main() {
	if err := start(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(args []string) error {
	if len(args) == 2 && args[0] == process.Flag {
		role, err := newRole(args[1])
		if err != nil {
			return err
		}
		return process.Serve(role)
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	for _, c := range commands() {
		if c.name == name {
			return run(c, args[1:])
		}
	}
	var list strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&list, "\n  %-8s %s", c.name, c.help)
	}
	return fmt.Errorf("say what to measure, with -h after it for its flags:%s", list.String())
}

// run measures until it is done or Ctrl-C is pressed.
func run(c named, args []string) error {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print JSON")
	c.command.flags(f)
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q is not a flag of %s", f.Arg(0), c.name)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := newOutput(os.Stdout, os.Stderr, *asJSON)
	defer out.clear()
	err := c.command.run(ctx, out)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return errors.New("interrupted: what is above is not all")
	}
	return err
}
