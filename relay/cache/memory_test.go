package cache

import (
	"testing"
	"testing/fstest"
)

func TestDefaultBytes(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	const gib = 1 << 30
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  uint64
	}{
		"nothing known": {nil, 512 << 20},
		"large machine": {fstest.MapFS{"proc/meminfo": file("MemTotal:       16777216 kB\n")}, 512 << 20},
		"small machine": {fstest.MapFS{"proc/meminfo": file("MemTotal:        1048576 kB\nMemFree: 1 kB\n")}, gib / 4},
		"version 2": {fstest.MapFS{
			"proc/meminfo": file("MemTotal: 16777216 kB\n"), "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/memory.max": file("1073741824\n"), "sys/fs/cgroup/a/b/memory.max": file("max\n"),
		}, gib / 4},
		"version 2 in a container": {fstest.MapFS{
			"proc/self/cgroup": file("0::/../x\n"), "sys/fs/cgroup/memory.max": file("536870912\n"),
		}, gib / 8},
		"version 1": {fstest.MapFS{
			"proc/self/cgroup": file("5:cpu:/c\n4:memory,hugetlb:/m\n"),
			"sys/fs/cgroup/memory/m/memory.limit_in_bytes": file("268435456\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   file("9223372036854771712\n"),
		}, gib / 16},
		"garbage": {fstest.MapFS{"proc/meminfo": file("MemTotal: many kB\n"), "proc/self/cgroup": file("x\n0::\n"), "sys/fs/cgroup/memory.max": file("-1")}, 512 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			if got := defaultBytes(c.files); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
	if n := DefaultBytes(); n == 0 || n > 512<<20 {
		t.Errorf("here: %d", n)
	}
}
