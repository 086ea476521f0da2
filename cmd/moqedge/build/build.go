package build

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// version and revision are set by the linker alone (-X), before the program runs.
var version, revision string

// Info is what is known of the binary.
type Info struct {
	Version  string // "(devel)" if nobody said
	Revision string // of the source; "" if nobody said
	Time     string // of the revision, RFC 3339; "" if not known
	Modified bool   // there were changes that are not in the revision
	Go       string // the Go version
	Platform string // such as linux/amd64
}

// Read returns it. What the linker was given goes before what the Go command recorded.
func Read() Info {
	i := Info{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		i.Version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				i.Revision = s.Value
			case "vcs.time":
				i.Time = s.Value
			case "vcs.modified":
				i.Modified = s.Value == "true"
			}
		}
	}
	i.Version = cmp.Or(version, i.Version, "(devel)")
	i.Revision = cmp.Or(revision, i.Revision)
	return i
}
