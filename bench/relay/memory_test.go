package main

import (
	"bytes"
	"math"
	"testing"
	"time"
)

// Sessions have the goroutines that bench/RESULTS.md lists, and no more: each is
// 2.5 to 4.5 kB. Those of quic-go and webtransport-go are told by the bare connections.
func TestGoroutinesOfSessions(t *testing.T) {
	c := &memoryCommand{sessions: 20, profile: "slow", settle: 200 * time.Millisecond}
	own := map[string]int{"idle": 1, "subscribed": 6}
	for _, over := range []string{overQUIC, overWebTransport} {
		counts := map[string]int{}
		for _, k := range memoryCases() {
			if k.over != over || k.active || k.stream {
				continue
			}
			m, err := c.measure(t.Context(), k)
			if err != nil {
				t.Fatal(k.name, err)
			}
			counts[k.name] = int(math.Round(m.Goroutines))
		}
		bare := counts[over+"-bare-idle"]
		if bare == 0 {
			t.Fatalf("no goroutines of %s were counted: %v", over, counts)
		}
		for name, want := range own {
			if got := counts[over+"-"+name] - bare; got > want {
				t.Errorf("%s, %s: %d goroutines more than a bare connection, want at most %d", over, name, got, want)
			}
		}
	}
}

// The command for names measures what it says, at a size that takes no time.
func TestNames(t *testing.T) {
	for _, dense := range []bool{false, true} {
		c := &namesCommand{namespaces: 2 * namesBelow, tracks: 300, watchers: 5, samples: 20, dense: dense}
		var printed bytes.Buffer
		if err := c.run(t.Context(), &output{results: &printed}); err != nil {
			t.Fatalf("dense %v: %v", dense, err)
		}
		if n := bytes.Count(printed.Bytes(), []byte("\n")); n != 7 {
			t.Errorf("printed %d lines:\n%s", n, printed.String())
		}
	}
}
