package flood

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// yield has all threads of the process, and those to come, take only the time that
// others leave: whoever else has something to do is served at once.
func yield() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0); err != nil {
			return err
		}
	}
	return nil
}
