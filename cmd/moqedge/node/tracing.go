package node

import (
	"context"
	"fmt"
	"strings"
	"time"

	"moqedge/certs"
	"moqedge/cmd/moqedge/build"
	"moqedge/cmd/moqedge/config"
	"moqedge/moq/wire"
	"moqedge/relay/trace"
)

// flushTimeout is how long a node that ends may take to hand over its last spans.
const flushTimeout = 3 * time.Second

// openTracing makes the tracer, before what it follows requests through.
func (n *Node) openTracing(ctx context.Context) error {
	c := n.config.Tracing
	if c.Endpoint == "" {
		return nil
	}
	collector, err := collectorOf(c)
	if err != nil {
		return err
	}
	exporter, err := collector.Exporter(ctx)
	if err != nil {
		return fmt.Errorf("tracing.endpoint: %w", err)
	}
	n.tracer, err = trace.New(trace.Config{
		Exporter: exporter, Service: c.Service, Version: build.Read().Version, Node: n.config.Name, ID: n.config.ID, Region: n.config.Region,
		Attributes: c.Attributes, Sample: c.Sample.Share(), Trust: c.Trusted(), Logger: n.log,
	})
	if err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	n.undo = append(n.undo, func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		if err := n.tracer.Shutdown(ctx); err != nil {
			n.log.Warn("the last spans were not handed over in time", "error", err)
		}
	})
	n.OnApply(func(next config.Config) (Step, error) {
		return Step{Commit: func() { n.tracer.Set(next.Tracing.Sample.Share(), next.Tracing.Trusted()) }}, nil
	}, "tracing.sample", "tracing.trust")
	return nil
}

// collectorOf is where spans go.
func collectorOf(c config.Tracing) (trace.Collector, error) {
	collector := c.Collector()
	if c.CA == "" {
		return collector, nil
	}
	trust, _, err := certs.Client(c.CA, "", false)
	if err != nil {
		return collector, fmt.Errorf("tracing.ca: %w", err)
	}
	collector.TLS = trust
	return collector, nil
}

// countSpans is what became of spans (meter.Config).
func (n *Node) countSpans() (sent, overflown, failed uint64) {
	if n.tracer == nil {
		return 0, 0, 0
	}
	return n.tracer.Counts()
}

// ingestOf is where a track of the bridge comes from (trace.Ingest).
func (n *Node) ingestOf(track wire.FullTrackName) (protocol, remote string, ok bool) {
	i, ok := n.hub.IngestOf(track.Namespace)
	return i.Protocol, i.Remote, ok
}

func checkTracing(c config.Config, _ time.Time) []Problem {
	if c.Tracing.Endpoint == "" {
		return nil
	}
	if _, err := collectorOf(c.Tracing); err != nil {
		return []Problem{{Err: err}}
	}
	if len(c.Tracing.Headers) > 0 && strings.HasPrefix(c.Tracing.Endpoint, "http://") {
		return warning("tracing.headers: they are sent without encryption: give an endpoint with https://")
	}
	return nil
}
