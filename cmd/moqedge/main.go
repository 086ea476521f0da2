package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/console"
)

// Exit codes.
const (
	exitOK = iota
	exitFailure
	exitUsage
)

func main() {
	if role, ok := roleAsked(os.Args); ok {
		os.Exit(serveRole(role))
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := <-signals
		signal.Stop(signals) // a second one ends the process at once
		if first == syscall.SIGTERM {
			cancel(errTerminated)
		}
		cancel(nil)
	}()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// errTerminated is the cause of the context that SIGTERM has ended, as opposed
// to Ctrl-C: somebody who manages processes wants this one to leave in order.
var errTerminated = errors.New("terminated")

// streams are the three of the process.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// commands is the grammar of the command line.
type commands struct {
	LogLevel  string `enum:",debug,info,warn,error" default:"" placeholder:"LEVEL" help:"What is logged to stderr: debug, info, warn or error. (default: info for serve, else warn)"`
	LogFormat string `enum:",text,json" default:"" placeholder:"FORMAT" help:"How it is logged: text or json. (default: text)"`

	Demo     demoCommand     `cmd:"" help:"Run everything on this machine, with a clip that plays in a loop."`
	Serve    serveCommand    `cmd:"" help:"Run a relay, with pages and ingests as configured."`
	Check    checkCommand    `cmd:"" help:"Check configuration files without running anything."`
	Health   healthCommand   `cmd:"" help:"Ask whether a node is ready, for health checks."`
	Topology topologyCommand `cmd:"" help:"Draw the tree that configuration files describe, and name its mistakes."`
	Pub      pubCommand      `cmd:"" help:"Publish an MP4 file in a loop to a relay."`
	Sub      subCommand      `cmd:"" help:"Subscribe to a track, or to all of a publication."`
	Ls       lsCommand       `cmd:"" help:"List the namespaces that are live at a relay."`
	Bench    benchCommand    `cmd:"" help:"Measure: this relay against WebRTC, or any server."`
	Top      topCommand      `cmd:"" help:"Watch a node in the terminal: tracks, sessions, links, rates."`
	Interop  interopCommand  `cmd:"" help:"Test a relay as the public MOQT interop runner does, and beyond."`
	Cert     certCommand     `cmd:"" help:"Make a development certificate, or show the one that is there."`
	Token    tokenCommand    `cmd:"" help:"Issue and inspect tokens, and make keys for them."`
	Version  versionCommand  `cmd:"" help:"Tell the version of this binary."`
}

// environment is what every subcommand gets.
type environment struct {
	context.Context
	streams
	console *console.Console // stdout
	aside   *console.Console // stderr, for what is not the result
	log     *slog.Logger
	level   string // what the command line says of logs; "" is nothing
	format  string
	logs    io.Writer // where they go
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	var c commands
	helped := false
	parser, err := kong.New(&c,
		kong.Name("moqedge"),
		kong.Description("Media over QUIC: SRT and WebRTC in, a tree of relays, a browser out."),
		kong.Writers(s.out, s.err),
		kong.Exit(func(int) { helped = true }), // help was printed
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	if err != nil {
		return fail(s.err, err, exitFailure)
	}
	bare := len(args) == 0
	if bare {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if helped && bare {
		return exitUsage
	}
	if helped {
		return exitOK
	}
	if err != nil {
		return fail(s.err, fmt.Errorf("%w; see %s --help", err, asked(err)), exitUsage)
	}
	e := newEnvironment(ctx, s, c.LogLevel, c.LogFormat)
	defer e.console.Close()
	defer e.aside.Close()
	if err := parsed.Run(e); err != nil {
		e.aside.Close()
		e.console.Close()
		code := exitFailure
		var exit *exitError
		if errors.As(err, &exit) {
			code = exit.code
		}
		if exit != nil && exit.err == nil {
			return code
		}
		return fail(s.err, err, code)
	}
	return exitOK
}

// asked is the command that a mistake is in, as far as it is known.
func asked(err error) string {
	name := "moqedge"
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context != nil {
		for _, p := range wrong.Context.Path {
			if p.Command != nil {
				name += " " + p.Command.Name
			}
		}
	}
	return name
}

// exitError ends the command with an exit code of its own. Without an err it
// says nothing: what there is to say was printed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return fmt.Sprint(e.err) }

// Unwrap returns the cause.
func (e *exitError) Unwrap() error { return e.err }

// fail prints an error as one line; faults of a configuration as one line each.
func fail(w io.Writer, err error, code int) int {
	var faults config.Faults
	if errors.As(err, &faults) && len(faults) > 1 {
		for _, f := range faults {
			fail(w, f, code)
		}
		return code
	}
	fmt.Fprintln(w, "moqedge:", strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
	return code
}

func newEnvironment(ctx context.Context, s streams, level, format string) *environment {
	out := console.New(s.out, func() int { return width(s.out) })
	aside := console.New(s.err, func() int { return width(s.err) })
	logs := s.err
	if aside.Terminal() {
		if out.Terminal() {
			logs = out.Above(logs)
		}
		logs = aside.Above(logs)
	}
	e := &environment{Context: ctx, streams: s, console: out, aside: aside, level: level, format: format, logs: logs}
	e.log = newLogger(logs, levelOf(first(level, "warn")), format)
	slog.SetDefault(e.log) // for libraries that log by themselves
	return e
}

func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		return console.Width(f)
	}
	return 0
}

// levelOf is the level that a word of the configuration means, info for none.
func levelOf(word string) slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(first(word, "info"))) // validated with the configuration, or by kong
	return l
}

func newLogger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	o := slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &o))
	}
	return slog.New(slog.NewTextHandler(w, &o))
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
