package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"moqedge/moq/conformance"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

// run prints the report; ok is false if a test failed.
func run(ctx context.Context, args []string, out, progress io.Writer) (ok bool, err error) {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(progress)
	asJSON := flags.Bool("json", false, "print JSON: one object with the rules and the totals")
	asMarkdown := flags.Bool("markdown", false, "print tables in Markdown")
	noRun := flags.Bool("no-run", false, "print the table without running its tests")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	rules, err := choose(conformance.Rules(), flags.Args())
	if err != nil {
		return false, err
	}
	var results conformance.Results
	if !*noRun {
		dir, err := moduleRoot(ctx)
		if err != nil {
			return false, err
		}
		if results, err = conformance.Run(ctx, dir, rules, progress); err != nil {
			return false, err
		}
	}
	lines, failed := describe(rules, results)
	print := printText
	switch {
	case *asJSON:
		print = printJSON
	case *asMarkdown:
		print = printMarkdown
	}
	return failed == 0, print(out, lines, conformance.Total(rules), failed)
}

// choose keeps the rules with the given numbers; without any, all.
func choose(rules []conformance.Rule, numbers []string) ([]conformance.Rule, error) {
	if len(numbers) == 0 {
		return rules, nil
	}
	var chosen []conformance.Rule
	for _, text := range numbers {
		n, err := strconv.Atoi(text)
		i := slices.IndexFunc(rules, func(r conformance.Rule) bool { return r.Number == n })
		if err != nil || i < 0 {
			return nil, fmt.Errorf("%q is no rule: they have the numbers 1 to %d", text, conformance.Count)
		}
		chosen = append(chosen, rules[i])
	}
	return chosen, nil
}

// moduleRoot is the folder of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("the go command is needed to run tests: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("not inside the module: change to its folder")
	}
	return filepath.Dir(file), nil
}
