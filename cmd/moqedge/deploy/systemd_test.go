package deploy

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

// directives are those of a unit, by section and name, in their order.
func directives(t *testing.T, file string) map[string][]string {
	t.Helper()
	options, err := unit.DeserializeOptions(strings.NewReader(read(t, file)))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	all := map[string][]string{}
	for _, o := range options {
		all[o.Section+"."+o.Name] = append(all[o.Section+"."+o.Name], o.Value)
	}
	return all
}

// The unit tells systemd what the node tells, ends it no sooner than it has drained, and
// leaves it nothing that it does not need.
func TestUnit(t *testing.T) {
	u := directives(t, "systemd/moqedge.service")
	for name, want := range map[string]string{
		"Type": "notify", "NotifyAccess": "main", "ExecStart": "/usr/local/bin/moqedge serve", "User": "moqedge", "Restart": "on-failure", "KillMode": "mixed",
		"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "PrivateUsers": "yes",
		"CapabilityBoundingSet": "", "AmbientCapabilities": "", "ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectKernelLogs": "yes",
		"ProtectControlGroups": "yes", "ProtectClock": "yes", "ProtectHostname": "yes", "RestrictNamespaces": "yes", "RestrictRealtime": "yes",
		"RestrictSUIDSGID": "yes", "LockPersonality": "yes", "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native",
		"StateDirectory": "moqedge", "LogsDirectory": "moqedge", "ConfigurationDirectory": "moqedge", "LimitNOFILE": "65536",
	} {
		if got := u["Service."+name]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := u["Service.ExecReload"]; !slices.Equal(got, []string{"/usr/local/bin/moqedge check", "/bin/kill -HUP $MAINPID"}) {
		t.Errorf("ExecReload is %q", got)
	}
	for _, family := range []string{"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"} {
		if !slices.Contains(strings.Fields(strings.Join(u["Service.RestrictAddressFamilies"], " ")), family) {
			t.Errorf("%s is not permitted", family)
		}
	}
	seconds := func(name string) time.Duration {
		d, err := time.ParseDuration(strings.ReplaceAll(u["Service."+name][0], "min", "m"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return d
	}
	set := settings(t, environ(), "docker/node.yaml")
	drain, err := time.ParseDuration(set["drain.timeout"])
	if err != nil || seconds("TimeoutStopSec") < drain+10*time.Second {
		t.Errorf("%v: ended after %v, it drains for %v", err, seconds("TimeoutStopSec"), drain)
	}
	if seconds("TimeoutStartSec") < 100*time.Second {
		t.Errorf("started for %v, a first certificate takes 90 s", seconds("TimeoutStartSec"))
	}
	if w := seconds("WatchdogSec"); w < 10*time.Second || w > time.Minute {
		t.Errorf("the watchdog waits for %v", w)
	}
	config := ""
	for _, e := range u["Service.Environment"] {
		config, _ = strings.CutPrefix(e, "MOQEDGE_CONFIG=")
	}
	if text, code := moqedge(t, environ("MOQEDGE_CONFIG=docker/node.yaml"), strings.Fields(u["Service.ExecReload"][0])[1:]...); code != 0 || !strings.Contains(text, "docker/node.yaml: valid") {
		t.Errorf("a reload checks nothing: code %d: %s", code, text)
	}
	if !strings.HasPrefix(config, "/etc/"+u["Service.ConfigurationDirectory"][0]+"/") {
		t.Errorf("the file is %q", config)
	}

	low := directives(t, "systemd/low-ports.conf")
	for name, want := range map[string]string{"CapabilityBoundingSet": "CAP_NET_BIND_SERVICE", "AmbientCapabilities": "CAP_NET_BIND_SERVICE", "PrivateUsers": "no"} {
		if got := low["Service."+name]; !slices.Equal(got, []string{want}) {
			t.Errorf("low-ports.conf: %s is %q, want %q", name, got, want)
		}
	}
	if len(low) != 3 {
		t.Errorf("low-ports.conf has more than that: %v", low)
	}
}

// The buffers that the machine permits are those that QUIC asks for.
func TestSysctl(t *testing.T) {
	got := map[string]int{}
	for line := range strings.Lines(read(t, "systemd/90-moqedge.conf")) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got[strings.TrimSpace(key)] = n
	}
	for _, key := range []string{"net.core.rmem_max", "net.core.wmem_max"} {
		if got[key] < 7<<20 {
			t.Errorf("%s is %d, QUIC asks for 7 MiB", key, got[key])
		}
	}
}
