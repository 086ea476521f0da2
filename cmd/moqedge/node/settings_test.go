package node

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"moqedge/cmd/moqedge/config"
	"moqedge/relay/admin"
)

// /config tells of each value where it comes from: at the start, after a reload, and of
// what waits for a restart where the old one came from. Secrets are masked.
func TestSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() (*config.Settings, error) {
		return config.Sources{
			File: file, Environ: []string{"MOQEDGE_RETENTION_GROUPS=5", "MOQEDGE_BRIDGE_SRT_PASSPHRASE=correct horse"}, Flags: []config.Flag{{Name: "--name", Key: "name", Value: "fra-1"}},
		}.Read()
	}
	write("listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\nbridge: {srt: {listen: '127.0.0.1:0'}}\ndrain: {timeout: 3s}\nregion: eu\n")
	set, err := read()
	if err != nil {
		t.Fatal(err)
	}
	n, err := StartRead(t.Context(), set, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	check := func(want map[string][2]string) {
		t.Helper()
		_, text := get(t, "http://"+n.Addresses().Admin+"/config", nil)
		var got admin.Settings
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		seen := map[string][2]string{}
		for _, v := range got.Values {
			seen[v.Key] = [2]string{v.Value, v.From}
		}
		for key, x := range want {
			if seen[key] != x {
				t.Errorf("%s: %q, want %q", key, seen[key], x)
			}
		}
	}
	check(map[string][2]string{
		"listen": {"127.0.0.1:0", "file, line 1"}, "name": {"fra-1", "flag: --name"}, "drain.timeout": {"3s", "file, line 4"}, "region": {"eu", "file, line 5"},
		"retention.groups": {"5", "environment: MOQEDGE_RETENTION_GROUPS"}, "retention.linger": {"5s", "default"},
		"bridge.srt.passphrase": {"***", "environment: MOQEDGE_BRIDGE_SRT_PASSPHRASE"},
	})

	write("listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\nbridge: {srt: {listen: '127.0.0.1:0'}}\n\nregion: us\n\nretention: {linger: 9s}\n\ndrain: {timeout: 4s}\n")
	if err := n.Reload(read); err != nil {
		t.Fatal(err)
	}
	check(map[string][2]string{
		"drain.timeout": {"4s", "file, line 9"}, "retention.linger": {"9s", "file, line 7"},
		"region": {"eu", "file, line 5"}, // that of before, which stays until a restart
	})
	write("listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\nbridge: {srt: {listen: '127.0.0.1:0'}}\nregion: eu\n")
	if err := n.Reload(read); err != nil {
		t.Fatal(err)
	}
	check(map[string][2]string{"drain.timeout": {"10s", "default"}, "retention.linger": {"5s", "default"}, "region": {"eu", "file, line 4"}})
}
