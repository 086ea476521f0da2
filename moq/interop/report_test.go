package interop

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"moqedge/moq/transport"
)

// script are results as a suite would report them.
func script(r Report) {
	r.Begin(&Config{URL: "moqt://127.0.0.1:1", Dial: transport.DialConfig{Versions: []string{"moqt-18"}}}, 4)
	r.Step("setup-only", "SETUP of \"x\"\nok 1 - forged")
	r.Result(Result{Name: "setup-only", Outcome: Passed, Duration: 24400 * time.Microsecond, Draft: "moqt-18", Transport: "quic",
		Connections: []Connection{{"", "84ee7793841adcad"}}})
	r.Result(Result{Name: "announce-subscribe", Outcome: Failed, Duration: 3 * time.Second, Message: "relay: \"no\"\n---\nok 3", Expected: "SUBSCRIBE_OK", Received: "timeout",
		Connections: []Connection{{"publisher", "1234567890123456"}, {"subscriber", "12345e67"}}, Differences: []string{"a: b", "true"}})
	r.Result(Result{Name: "odd # TODO", Outcome: Skipped, Message: "not supported\nby this client"})
	r.Bail("dial\nfailed")
}

func TestTAP(t *testing.T) {
	var out strings.Builder
	script(&TAP{Out: &out, Client: "moqedge interop 1.0"})
	const want = `TAP version 14
# moqedge interop 1.0
# Relay: moqt://127.0.0.1:1
# Draft: moqt-18
1..4
# setup-only: SETUP of "x" ok 1 - forged
ok 1 - setup-only
  ---
  duration_ms: 24
  draft: moqt-18
  transport: quic
  connection_id: 84ee7793841adcad
  ...
not ok 2 - announce-subscribe
  ---
  duration_ms: 3000
  message: "relay: \"no\"\n---\nok 3"
  expected: SUBSCRIBE_OK
  received: timeout
  publisher_connection_id: "1234567890123456"
  subscriber_connection_id: "12345e67"
  differences:
    - "a: b"
    - "true"
  ...
ok 3 - odd \# TODO # SKIP not supported by this client
Bail out! dial failed
`
	if out.String() != want {
		t.Errorf("got:\n%s", out.String())
	}
}

// What a YAML reader makes of a scalar is the string itself.
func TestScalar(t *testing.T) {
	for _, s := range []string{
		"", "plain", "SUBSCRIBE_OK", "moqt-18", "true", "No", "null", "~", "12", "1e5", "0x1f", "12345678", "84ee7793", "0e12345678", "1234abcd", "e", "-", "- a",
		"a: b", "a #b", "#", "\"", "'", "\\", "line\nline", "\t", "\x00\x7f", "ä\u2028b", "<&>", "  ", "[a]", "{", "---", "...", "!x", "&x", "*x", "@", "`", "%", "?",
	} {
		text := "key: " + scalar(s) + "\n"
		var got struct{ Key any }
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || got.Key != s {
			t.Errorf("%q is written as %q and read as %#v, %v", s, text, got.Key, err)
		}
	}
}

func TestJSON(t *testing.T) {
	var out strings.Builder
	script(&JSON{Out: &out})
	var kinds []string
	for line := range strings.Lines(out.String()) {
		var v struct {
			Type, Name, Outcome string
			DurationMs          int64
			Connections         map[string]string
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		kinds = append(kinds, v.Type+" "+v.Outcome)
		if v.Name == "announce-subscribe" && (v.DurationMs != 3000 || v.Connections["subscriber_connection_id"] != "12345e67") {
			t.Errorf("%s", line)
		}
	}
	if got, want := strings.Join(kinds, ", "), "run , step , result passed, result failed, result skipped, bail "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Cases do what they do here without a relay.
func TestSuite(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pass := Case{Name: "pass", Timeout: time.Minute, do: func(*run) error { return nil }}
	fails := Case{Name: "fails", Timeout: time.Minute, do: func(r *run) error {
		r.await("an answer")
		return &failure{expected: "a", received: "b", differences: []string{"c"}}
	}}
	slow := Case{Name: "slow", Timeout: time.Millisecond, do: func(r *run) error {
		r.await("an answer")
		<-r.ctx.Done()
		return context.Cause(r.ctx)
	}}
	gone := Case{Name: "gone", Timeout: time.Minute, do: func(*run) error { return &transport.DialError{URL: "x", Err: context.DeadlineExceeded} }}
	interrupted := Case{Name: "interrupted", Timeout: time.Minute, do: func(r *run) error {
		cancel()
		<-r.ctx.Done()
		return context.Cause(r.ctx)
	}}
	for _, c := range []struct {
		name    string
		cases   []Case
		unknown []string
		want    Summary
		text    []string
	}{
		{"all pass", []Case{pass, pass}, nil, Summary{Passed: 2}, []string{"1..2\n", "ok 2 - pass\n"}},
		{"one fails", []Case{fails, pass}, nil, Summary{Passed: 1, Failed: 1}, []string{"not ok 1 - fails\n", "  expected: a\n  received: b\n", "    - c\n", "ok 2 - pass\n"}},
		{"one is slow", []Case{slow}, nil, Summary{Failed: 1}, []string{"  message: \"no answer in time\"\n  expected: \"an answer\"\n  received: timeout\n"}},
		{"one does not exist", []Case{pass}, []string{"nope"}, Summary{Passed: 1, Skipped: 1}, []string{"1..2\n", "ok 2 - nope # SKIP not supported by this client\n"}},
		{"no relay", []Case{gone, pass}, nil, Summary{Failed: 1, Bailed: true}, []string{"1..2\nnot ok 1 - gone\n", "  received: \"no connection\"\n", "Bail out! dial x: "}},
		{"Ctrl-C", []Case{pass, interrupted, pass}, nil, Summary{Passed: 1, Bailed: true}, []string{"1..3\nok 1 - pass\n", "...\nBail out! interrupted\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			s := Suite{Cases: c.cases, Unknown: c.unknown, Report: &TAP{Out: &out, Client: "test"}, Verbose: true}
			got := s.Run(ctx)
			if got != c.want || got.OK() != (got == Summary{Passed: got.Passed}) {
				t.Errorf("summary %+v, want %+v", got, c.want)
			}
			for _, text := range c.text {
				if !strings.Contains(out.String(), text) {
					t.Errorf("%q is missing in:\n%s", text, out.String())
				}
			}
		})
	}
}
