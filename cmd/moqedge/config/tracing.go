package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"moqedge/relay/trace"
)

// Tracing says where spans of requests go, see [observing](observing.md#traces).
type Tracing struct {
	// Endpoint is a collector that takes OTLP: `https://HOST:PORT`, or `http://HOST:PORT`
	// without encryption; the port is 4317 if missing, 4318 with `http`.
	Endpoint string `yaml:"endpoint" reload:"restart" without:"nothing is traced"`
	// Protocol is `grpc` or `http`, both with protobuf; a path of the endpoint is for the
	// latter, which else asks for `/v1/traces`.
	Protocol string `yaml:"protocol" reload:"restart" default:"grpc"`
	// CA is a PEM file with the roots to trust.
	CA string `yaml:"ca" reload:"restart" without:"the roots of the system"`
	// Headers go with what is sent, `NAME: VALUE`.
	Headers map[string]string `yaml:"headers" reload:"restart" secret:"true" without:"none"`
	// Sample is the share of the traces that is kept of those that begin here; about others
	// it is decided where they begin.
	Sample Portion `yaml:"sample" reload:"live" unit:"share" default:"100%"`
	// Trust says whose traces go on here: of relays that somebody `vouched` for, of all
	// `relays`, of `all` peers, or of `none`.
	Trust string `yaml:"trust" reload:"live" default:"vouched"`
	// Service is the `service.name`.
	Service string `yaml:"service" reload:"restart" without:"OTEL_SERVICE_NAME, or moqedge"`
	// Attributes of the process, `KEY: VALUE`, besides those of `OTEL_RESOURCE_ATTRIBUTES`.
	Attributes map[string]string `yaml:"attributes" reload:"restart" without:"none"`
}

// Collector is where spans go, without the roots that CA names.
func (t Tracing) Collector() trace.Collector {
	c := trace.Collector{Endpoint: t.Endpoint, Headers: t.Headers}
	if t.Protocol == protocols()[1] {
		c.Protocol = trace.HTTP
	}
	return c
}

// Trusted is Trust in the terms of package trace.
func (t Tracing) Trusted() trace.Trust {
	word, _ := trace.ParseTrust(t.Trust) // that it can be read is validated; "" is the default
	return word
}

// protocols are the words of Tracing.
func protocols() []string { return []string{"grpc", "http"} }

// maxHeaders bounds what goes with each batch.
const maxHeaders = 32

func (t Tracing) validate() error {
	if err := word("tracing.protocol", t.Protocol, protocols()); err != nil {
		return err
	}
	if t.Trust != "" {
		if _, err := trace.ParseTrust(t.Trust); err != nil {
			return fmt.Errorf("tracing.trust: %w", err)
		}
	}
	if t.Endpoint == "" {
		if t.CA != "" || len(t.Headers) > 0 {
			return errors.New("tracing.endpoint: it is missing: give https://HOST:PORT of a collector")
		}
		return nil
	}
	if err := t.Collector().Validate(); err != nil {
		return fmt.Errorf("tracing.endpoint: %w", err)
	}
	if t.CA != "" && strings.HasPrefix(t.Endpoint, "http://") {
		return errors.New("tracing.ca: there is nothing to trust without encryption: give an endpoint with https://")
	}
	if len(t.Headers) > maxHeaders {
		return fmt.Errorf("tracing.headers: there are %d, more than %d", len(t.Headers), maxHeaders)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		if !httpguts.ValidHeaderFieldName(name) || strings.HasPrefix(strings.ToLower(name), "grpc-") {
			return fmt.Errorf("tracing.headers: %q can not be the name of a header", name)
		}
		if !httpguts.ValidHeaderFieldValue(t.Headers[name]) {
			return fmt.Errorf("tracing.headers: what is given for %q can not be in a header", name)
		}
	}
	for key := range t.Attributes {
		if key == "" {
			return errors.New("tracing.attributes: one has no name")
		}
	}
	return nil
}

// Portion is a part of all, written as 5% or 0.05. 0 is not given: less is none.
type Portion float64

// UnmarshalText reads a percentage, as 5%, or a part of 1, as 0.05.
func (p *Portion) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		n /= 100
	}
	if err != nil || math.IsNaN(n) || n < 0 || n > 1 {
		return fmt.Errorf("%q is not a share of 0 to 1 such as 5%% or 0.05", text)
	}
	if *p = Portion(n); n == 0 {
		*p = -1
	}
	return nil
}

// MarshalText writes it as a percentage.
func (p Portion) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(math.Round(p.Share()*1e8)/1e6, 'f', -1, 64) + "%"), nil
}

// Share is the part, 0 to 1.
func (p Portion) Share() float64 { return max(float64(p), 0) }
