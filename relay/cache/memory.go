package cache

import (
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// maxDefault is the most that a budget is without being asked for.
const maxDefault = 512 << 20

// DefaultBytes is the budget of a cache that is told none: 512 MiB, or a quarter
// of the memory that this process may have, if that is less. Limits of control
// groups count.
func DefaultBytes() uint64 { return defaultBytes(os.DirFS("/")) }

func defaultBytes(root fs.FS) uint64 { return min(maxDefault, memory(root)/4) }

// memory is how much the process may have, as the files of Linux tell; without
// them, there is no limit that is known.
func memory(root fs.FS) uint64 {
	least := uint64(math.MaxUint64)
	take := func(n uint64) {
		if n > 0 {
			least = min(least, n)
		}
	}
	take(total(root))
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // there are none without it
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path; that of version 2 has no controllers.
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		at, file := "sys/fs/cgroup", "memory.max"
		if fields[1] != "" {
			if !strings.Contains(","+fields[1]+",", ",memory,") {
				continue
			}
			at, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		// A group has no more than those it is in. Inside a container its own path may
		// be unknown: then the root is its group.
		for below := path.Clean("/" + fields[2]); ; below = path.Dir(below) {
			take(number(root, path.Join(at, below, file)))
			if below == "/" {
				break
			}
		}
	}
	return least
}

// total is MemTotal of the machine, 0 when it is not told.
func total(root fs.FS) uint64 {
	b, _ := fs.ReadFile(root, "proc/meminfo") // other systems have none
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			n, _ := strconv.ParseUint(fields[1], 10, 53) // 0 when it is none
			return n << 10
		}
	}
	return 0
}

// number reads a file that holds one; 0 when it does not ("max").
func number(root fs.FS, name string) uint64 {
	b, _ := fs.ReadFile(root, name)
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
