package glass

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"moqedge/bench/process"
)

// TestMain is the processes of a measurement, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == process.Flag {
		role, err := Role(os.Args[2])
		if err != nil || process.Serve(role) != nil {
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
