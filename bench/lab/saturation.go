package lab

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"moqedge/bench/tally"
)

// Saturation says whether the load kept up: if not, what it measured is about
// itself.
type Saturation struct {
	// Publisher is by how much frames of the window were written after their time.
	Publisher tally.Quantiles `json:"publisher"`
	// Turns is by how much a goroutine that wakes up every 5 ms did so after its
	// time.
	Turns tally.Quantiles `json:"turns"`
	// Drops are packets that the kernel threw away because the load did not read
	// them in time, at most: it counts messages, and what a server sends as one message
	// a socket of the load takes as one (UDP_GRO).
	Drops uint64 `json:"drops"`
	// Overrun are packets that an emulated line threw away for the same reason.
	Overrun uint64  `json:"overrun"`
	Cores   float64 `json:"cores"`   // that the load kept busy
	Machine float64 `json:"machine"` // share of the machine's processors that were busy, 0 to 1
}

// bounds of a load that keeps up.
const (
	maxLateness = 20 * time.Millisecond // p99, of the publisher and of turns
	maxDrops    = 0.001                 // of the packets that make up what was received, at 1200 bytes each
)

// faults says why a round tells nothing, received being bytes of payload.
func (s Saturation) faults(received uint64) (faults []string) {
	if s.Publisher.P99 > maxLateness {
		faults = append(faults, fmt.Sprintf("the publisher was %s late at the 99th percentile", s.Publisher.P99.Round(time.Millisecond)))
	}
	if s.Turns.P99 > maxLateness {
		faults = append(faults, fmt.Sprintf("the load got its turn %s late at the 99th percentile", s.Turns.P99.Round(time.Millisecond)))
	}
	if lost := s.Drops + s.Overrun; float64(lost) > maxDrops*float64(received)/1200 {
		faults = append(faults, fmt.Sprintf("the load did not read %d packets in time", lost))
	}
	return faults
}

// perMessage is how many packets a system's server hands to the kernel as one message at
// most: quic-go what fits into 20 kB, the others what their packages say.
func (s System) perMessage() uint64 {
	switch s {
	case WebRTC, BareUDP:
		return 1
	case BareUDPSegments, BareUDPEncrypted, WebRTCSegments:
		return 48
	}
	return 14
}

// ticker notes how late a goroutine gets its turn.
type ticker struct {
	late tally.Histogram
	stop chan struct{}
	done sync.WaitGroup
}

// tick is how often.
const tick = 5 * time.Millisecond

func newTicker() *ticker {
	t := &ticker{stop: make(chan struct{})}
	t.done.Go(func() {
		for next := time.Now().Add(tick); ; {
			select {
			case <-time.After(time.Until(next)):
			case <-t.stop:
				return
			}
			now := time.Now()
			for ; !next.After(now); next = next.Add(tick) { // each turn that was missed is late, too
				t.late.Add(now.Sub(next))
			}
		}
	})
	return t
}

func (t *ticker) end() {
	close(t.stop)
	t.done.Wait()
}

// socketDrops sums up what the kernel dropped at the UDP sockets of this process.
func socketDrops() (uint64, error) {
	own, err := ownSockets()
	if err != nil {
		return 0, err
	}
	var drops uint64
	for _, name := range []string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
		f, err := os.Open(name)
		if os.IsNotExist(err) {
			continue // no IPv6
		} else if err != nil {
			return 0, err
		}
		n, err := sumDrops(f, own)
		f.Close()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		drops += n
	}
	return drops, nil
}

// ownSockets returns the inodes of this process's sockets.
func ownSockets() (map[string]bool, error) {
	links, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, l := range links {
		to, err := os.Readlink(filepath.Join("/proc/self/fd", l.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return own, nil
}

// sumDrops reads a table of the kernel's, whose columns are those of proc(5).
func sumDrops(r io.Reader, own map[string]bool) (drops uint64, err error) {
	lines := bufio.NewScanner(r)
	lines.Scan() // the names of the columns
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) < 13 {
			return 0, fmt.Errorf("%d columns: %q", len(columns), lines.Text())
		}
		if !own[columns[9]] {
			continue
		}
		n, err := strconv.ParseUint(columns[len(columns)-1], 10, 64)
		if err != nil {
			return 0, err
		}
		drops += n
	}
	return drops, lines.Err()
}

// machineTime is the time that the machine's processors were busy and idle, in
// ticks of the kernel.
type machineTime struct{ busy, idle uint64 }

// measureMachine reads the first line of /proc/stat.
func measureMachine() (m machineTime, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	columns := strings.Fields(line)
	if len(columns) < 6 || columns[0] != "cpu" {
		return m, fmt.Errorf("/proc/stat: %q", line)
	}
	for i, c := range columns[1:min(len(columns), 9)] { // guests are counted as users already
		n, err := strconv.ParseUint(c, 10, 64)
		if err != nil {
			return m, fmt.Errorf("/proc/stat: %w", err)
		}
		if i == 3 || i == 4 { // idle, iowait
			m.idle += n
		} else {
			m.busy += n
		}
	}
	return m, nil
}

// since is the share of the time since an earlier reading that was busy.
func (m machineTime) since(before machineTime) float64 {
	busy, idle := m.busy-before.busy, m.idle-before.idle
	if busy+idle == 0 {
		return 0
	}
	return float64(busy) / float64(busy+idle)
}
