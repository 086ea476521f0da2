package main

import (
	"os"

	"moqedge/bench/glass"
	roles "moqedge/bench/process"
)

// roleAsked is the role that this process has in a benchmark, if that is what it was
// started for.
func roleAsked(args []string) (name string, ok bool) {
	if len(args) != 3 || args[1] != roles.Flag {
		return "", false
	}
	return args[2], true
}

// serveRole is a process of a benchmark. It returns the exit code.
func serveRole(name string) int {
	role, err := glass.Role(name)
	if err == nil {
		err = roles.Serve(role)
	}
	if err != nil {
		return fail(os.Stderr, err, exitFailure)
	}
	return exitOK
}
