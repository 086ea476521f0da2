package trace

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"
)

// Protocol is how a collector is spoken to.
type Protocol uint8

// Protocols of OTLP, both with protobuf.
const (
	GRPC Protocol = iota
	HTTP
)

// Collector is where spans are sent by OTLP.
type Collector struct {
	// Endpoint is https://HOST:PORT, or http:// without encryption. HTTP takes a path; without
	// one it is /v1/traces.
	Endpoint string
	Protocol Protocol
	// TLS is how an https endpoint is trusted; nil: by the roots of the system.
	TLS *tls.Config
	// Headers go with each batch.
	Headers map[string]string
}

// retries of a batch end with exportTimeout at the latest.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// Exporter returns an exporter that sends to the collector, which need not be there yet:
// nothing is sent before there are spans.
func (c Collector) Exporter(ctx context.Context) (sdk.SpanExporter, error) {
	u, err := c.url()
	if err != nil {
		return nil, err
	}
	if c.Protocol == HTTP {
		o := []otlptracehttp.Option{
			otlptracehttp.WithEndpoint(u.Host), otlptracehttp.WithHeaders(c.Headers), otlptracehttp.WithTimeout(exportTimeout),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: firstRetry, MaxInterval: lastRetry, MaxElapsedTime: exportTimeout}),
		}
		if u.Path != "" && u.Path != "/" {
			o = append(o, otlptracehttp.WithURLPath(u.Path))
		}
		if u.Scheme == "http" {
			o = append(o, otlptracehttp.WithInsecure())
		} else {
			o = append(o, otlptracehttp.WithTLSClientConfig(c.trust()))
		}
		return otlptracehttp.New(ctx, o...)
	}
	o := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(u.Host), otlptracegrpc.WithHeaders(c.Headers), otlptracegrpc.WithTimeout(exportTimeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: firstRetry, MaxInterval: lastRetry, MaxElapsedTime: exportTimeout}),
	}
	if u.Scheme == "http" {
		o = append(o, otlptracegrpc.WithInsecure())
	} else {
		o = append(o, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(c.trust())))
	}
	return otlptracegrpc.New(ctx, o...)
}

func (c Collector) trust() *tls.Config {
	if c.TLS == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return c.TLS.Clone()
}

// Validate reports what can not be.
func (c Collector) Validate() error {
	_, err := c.url()
	return err
}

func (c Collector) url() (*url.URL, error) {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil:
		return nil, errors.New("the endpoint can not be read: want https://HOST:PORT, or http://HOST:PORT without encryption")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("endpoint %q: want https://HOST:PORT, or http://HOST:PORT without encryption", u.Redacted())
	case u.Hostname() == "":
		return nil, fmt.Errorf("endpoint %q names no host", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("endpoint of %s: who asks is told in headers, not in the URL", u.Host)
	case c.Protocol == GRPC && u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("endpoint %q: gRPC takes no path; with one it is HTTP", u.Redacted())
	}
	if u.Port() == "" {
		port := "4317"
		if c.Protocol == HTTP {
			port = "4318"
		}
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return u, nil
}
