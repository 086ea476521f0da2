package process

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Usage is what a process has used since it began, and what it holds now.
type Usage struct {
	At           time.Time     `json:"at"`
	User, System time.Duration // CPU time of all threads
	// Resident is the memory held now, PeakResident the most there was, in bytes.
	Resident, PeakResident uint64
	// Heap is what the Go heap holds in objects, Stacks what goroutines' stacks
	// take, in bytes; Collections counts garbage collections.
	Heap, Stacks uint64
	Collections  uint32
	Goroutines   int
	// Voluntary and Involuntary context switches of the threads.
	Voluntary, Involuntary int64
}

// CPU is user and system time.
func (u Usage) CPU() time.Duration { return u.User + u.System }

// Measure looks at this process.
func Measure() (Usage, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return Usage{}, err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := Usage{
		At:   time.Now(),
		User: time.Duration(r.Utime.Nano()), System: time.Duration(r.Stime.Nano()),
		Heap: m.HeapAlloc, Stacks: m.StackInuse, Collections: m.NumGC, Goroutines: runtime.NumGoroutine(),
		Voluntary: r.Nvcsw, Involuntary: r.Nivcsw,
	}
	return u, u.readStatus("/proc/self/status")
}

// readStatus takes the resident memory from a file of Linux's proc.
func (u *Usage) readStatus(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		var to *uint64
		switch key {
		case "VmRSS":
			to = &u.Resident
		case "VmHWM":
			to = &u.PeakResident
		default:
			continue
		}
		if _, err := fmt.Sscanf(strings.TrimSpace(value), "%d kB", to); err != nil {
			return fmt.Errorf("%s: %s: %w", name, key, err)
		}
		*to <<= 10
	}
	return nil
}
