package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// All profiles reach all subscribers through the relay and from the bare loop, over
// both transports, in processes of their own.
func TestFanout(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		profile, transport, against, without string
	}{
		{"3mbps", overQUIC, "", ""}, {"audio", overWebTransport, overQUIC, ""}, {"datagram", overQUIC, "", ""}, {"datagram", overWebTransport, "", ""},
		{"3mbps", overQUIC, "", withoutObserving}, {"audio", overQUIC, "", withoutLimits},
	} {
		t.Run(x.profile+" over "+x.transport+" "+x.without, func(t *testing.T) {
			t.Parallel()
			c := &fanoutCommand{
				subscribers: numbers{3}, profile: x.profile, transport: x.transport, against: x.against, without: x.without,
				tracks: 2, rounds: 1, duration: 500 * time.Millisecond,
			}
			var printed bytes.Buffer
			if err := c.run(t.Context(), &output{results: &printed, json: true}); err != nil {
				t.Fatal(err)
			}
			var got []fanout
			if err := json.Unmarshal(printed.Bytes(), &got); err != nil || len(got) != 1 {
				t.Fatalf("%v: %s", err, printed.String())
			}
			for name, w := range map[string][]window{"relay": got[0].Relay.Windows, "bare": got[0].Loop.Windows} {
				if len(w) == 0 || w[0].Received == 0 || w[0].CPU == 0 || w[0].Latency.Count == 0 || w[0].Latency.P99 > w[0].Span {
					t.Errorf("%s: %+v", name, w)
				}
			}
		})
	}
}

// A chain of two relays forwards, and its latency is compared with that of one.
func TestLatency(t *testing.T) {
	t.Parallel()
	c := &latencyCommand{subscribers: 2, profile: "3mbps", transport: overQUIC, tracks: 1, hops: 2, rounds: 1, duration: 500 * time.Millisecond}
	var printed bytes.Buffer
	if err := c.run(t.Context(), &output{results: &printed}); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(printed.String(), "\n"); len(lines) < 4 || !strings.HasPrefix(lines[3], "2 ") {
		t.Error(printed.String())
	}
}

// A window in which something was missing does not count.
func TestInvalid(t *testing.T) {
	p, err := findProfile("3mbps")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{profile: p, plan: plan{Subscribers: 10, Tracks: 1}}
	// at is what a load says that was received in part, after a second.
	at := func(received, published float64, s sample) (before, after reading) {
		after.server.At = before.server.At.Add(time.Second)
		after.load = s
		after.load.Bytes = uint64(received * 10 * p.rate())
		after.published = uint64(published * 30)
		return before, after
	}
	for _, x := range []struct {
		name                string
		received, published float64
		load                sample
		invalid             string
	}{
		{"all", 1, 1, sample{}, ""},
		{"some still on their way", 0.985, 1, sample{}, ""},
		{"too few received", 0.97, 1, sample{}, "received"},
		{"a publisher without time", 1, 0.9, sample{}, "publisher"},
		{"a connection lost", 1, 1, sample{Lost: 1}, "lost"},
		{"a stream broken", 1, 1, sample{Broken: 1}, "streams"},
	} {
		before, after := at(x.received, x.published, x.load)
		w := r.judge(before, after)
		if (w.Invalid == "") != (x.invalid == "") || !strings.Contains(w.Invalid, x.invalid) {
			t.Errorf("%s: %q, want %q", x.name, w.Invalid, x.invalid)
		}
	}
}

// Rounds with an invalid window are left out of the ratio.
func TestConclude(t *testing.T) {
	w := func(cpu time.Duration, invalid string) window {
		return window{Span: time.Second, Received: 1e9, CPU: cpu, Invalid: invalid}
	}
	f := fanout{
		Relay: side{Windows: []window{w(11, ""), w(99, "bad"), w(12, ""), w(99, ""), w(13, "")}},
		Loop:  side{Windows: []window{w(10, ""), w(10, ""), w(10, ""), w(10, "bad"), w(10, "")}},
	}
	f.conclude()
	near := func(got, want float64) bool { return math.Abs(got-want) < 1e-9 }
	if f.Ratio.N != 3 || f.Invalid != 2 || !near(f.Ratio.Median, 1.2) || !near(f.Ratio.Min, 1.1) || !near(f.Ratio.Max, 1.3) {
		t.Errorf("%+v, %d invalid", f.Ratio, f.Invalid)
	}
}
