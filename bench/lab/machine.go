package lab

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Machine is what the measuring was done on.
type Machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`  // that the processes may use
	Memory    uint64 `json:"memory"` // bytes
	System    string `json:"system"` // name and version
	Kernel    string `json:"kernel"`
	Go        string `json:"go"`
}

// thisMachine looks at what Linux tells; elsewhere fields stay empty.
func thisMachine() Machine {
	m := Machine{Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	m.Processor = value("/proc/cpuinfo", "model name", ":")
	if name := strings.Trim(value("/etc/os-release", "PRETTY_NAME", "="), `"`); name != "" {
		m.System = name + ", " + m.System
	}
	var kilobytes uint64
	if _, err := fmt.Sscan(value("/proc/meminfo", "MemTotal", ":"), &kilobytes); err == nil {
		m.Memory = kilobytes << 10
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(b))
	}
	return m
}

// value returns what a file says of a key, "" when it says nothing.
func value(file, key, separator string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), separator); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// takingPart are the modules whose versions matter.
var takingPart = []string{
	"github.com/quic-go/quic-go", "github.com/quic-go/webtransport-go",
	"github.com/pion/webrtc/v4", "github.com/pion/interceptor", "github.com/pion/ice/v4", "github.com/pion/srtp/v3", "github.com/pion/dtls/v3",
}

// versions of what takes part, this program first.
func versions() []string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	own := b.Main.Path + " " + b.Main.Version
	for _, s := range b.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" && s.Value == "true" {
			own += " " + s.Value
		}
	}
	all := []string{own}
	for _, m := range b.Deps {
		if slices.Contains(takingPart, m.Path) {
			all = append(all, m.Path+" "+m.Version)
		}
	}
	return all
}

// CommandLine is what was typed, without secrets.
func CommandLine(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		args[i] = withoutTokens(a)
		if strings.HasPrefix(a, "--token=") {
			args[i] = "--token=..."
		} else if i > 0 && args[i-1] == "--token" {
			args[i] = "..."
		}
	}
	return args
}

// tokenIn finds a token in the query of a URL.
var tokenIn = regexp.MustCompile(`([?&](?:jwt|token)=)[^&#]*`)

// withoutTokens is a URL, or a text that has one, as it may be shown.
func withoutTokens(text string) string { return tokenIn.ReplaceAllString(text, "${1}...") }

// shown is what may be told of a place.
func (p Place) shown() Place {
	p.Token, p.URL = "", withoutTokens(p.URL)
	return p
}

// shown is a plan without secrets.
func (p Plan) shown() Plan {
	if p.Target != nil {
		t := *p.Target
		t.Publish, t.View = t.Publish.shown(), t.View.shown()
		p.Target = &t
	}
	return p
}
