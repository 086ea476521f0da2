package sfu_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"moqedge/bench/process"
	"moqedge/bench/sfu"
)

// TestMain is the servers, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == process.Flag {
		roles := map[string]process.Role{"sfu": &sfu.Role{}, "example": &exampleRole{}}
		if err := process.Serve(roles[os.Args[2]]); err != nil {
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
