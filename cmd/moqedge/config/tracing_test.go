package config

import (
	"strings"
	"testing"

	"moqedge/relay/trace"
)

func TestTracing(t *testing.T) {
	for text, want := range map[string]string{
		"endpoint: http://c": "",
		"sample: 0":          "", // before there is a collector
		"endpoint: https://c:1/v1/x, protocol: http":    "",
		"endpoint: c:4317":                              "tracing.endpoint: ",
		"endpoint: http://c/x":                          "gRPC takes no path",
		"endpoint: 'http://u:password@c'":               "told in headers",
		"protocol: udp":                                 `tracing.protocol: "udp" is none of grpc, http`,
		"trust: everybody":                              "tracing.trust: there is no trust everybody, but vouched, relays, all, none",
		"headers: {a: b}":                               "tracing.endpoint: it is missing",
		"ca: x.pem":                                     "tracing.endpoint: it is missing",
		"endpoint: http://c, ca: x.pem":                 "tracing.ca: ",
		"endpoint: http://c, headers: {'a b': c}":       `tracing.headers: "a b" can not be the name`,
		"endpoint: http://c, headers: {grpc-x: c}":      "can not be the name",
		`endpoint: http://c, headers: {a: "secret\nx"}`: `tracing.headers: what is given for "a"`,
		"endpoint: http://c, attributes: {'': x}":       "tracing.attributes: ",
		"sample: 101%":                                  "is not a share",
		"sample: -1":                                    "is not a share",
		"sample: NaN":                                   "is not a share",
		"sampel: 1":                                     "sample",
	} {
		_, err := Parse("c.yaml", []byte("listen: :1\ntracing: {"+text+"}\n"))
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		case err != nil && (strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: a secret is told: %v", text, err)
		}
	}
}

// That nothing is to be sampled can be told from what was not said.
func TestTracingValues(t *testing.T) {
	for text, want := range map[string]float64{"": 1, "sample: 0": 0, "sample: 0%": 0, "sample: 5%": 0.05, "sample: 0.25": 0.25, "sample: 1": 1, "sample: 0.001%": 0.00001} {
		c, err := Parse("c.yaml", []byte("listen: :1\ntracing: {"+text+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		filled := c.Filled().Tracing
		if got := filled.Sample.Share(); got != want || filled.Trusted() != trace.TrustVouched {
			t.Errorf("%s: %v, %v, want %v", text, got, filled.Trusted(), want)
		}
	}
	c := Tracing{Endpoint: "https://c:1", Protocol: "http", Trust: "relays"}
	if got := c.Collector(); got.Protocol != trace.HTTP || got.Endpoint != c.Endpoint || c.Trusted() != trace.TrustRelays {
		t.Errorf("%+v, %v", got, c.Trusted())
	}
}
