package deploy

import (
	"encoding/json"
	"net"
	"strconv"
	"testing"
)

// listen is a port that a node opens.
type listen struct {
	key      string // of the configuration
	port     int
	protocol string // udp or tcp
}

// listening are the keys of all ports that there can be, by protocol.
func listening() map[string]string {
	return map[string]string{
		"listen": "udp", "bridge.srt.listen": "udp", "bridge.whip.ice": "udp",
		"http.listen": "tcp", "admin.listen": "tcp", "cluster.listen": "tcp", "cluster.routeListen": "tcp", "certificate.acme.listen": "tcp",
	}
}

// settings are the values of the configuration that a node would run with, by key.
func settings(t *testing.T, env []string, file string) map[string]string {
	t.Helper()
	text, code := moqedge(t, env, "serve", "-c", file, "--print-config", "--json")
	var values []struct{ Key, Value string }
	if err := json.Unmarshal([]byte(text), &values); err != nil || code != 0 {
		t.Fatalf("%s: %v, code %d: %s", file, err, code, text)
	}
	all := map[string]string{}
	for _, v := range values {
		all[v.Key] = v.Value
	}
	return all
}

// listens are the ports that a node would open.
func listens(t *testing.T, env []string, file string) (all []listen) {
	t.Helper()
	set := settings(t, env, file)
	for key, protocol := range listening() {
		if set[key] == "" {
			continue
		}
		_, port, err := net.SplitHostPort(set[key])
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		n, err := strconv.Atoi(port)
		if err != nil || n == 0 {
			t.Fatalf("%s: %q has no port", key, set[key])
		}
		all = append(all, listen{key, n, protocol})
	}
	return all
}
