package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/build"
	"moqedge/cmd/moqedge/config"
	"moqedge/relay"
	"moqedge/relay/meter"
)

// observing is what tells operators of the node.
type observing struct {
	meter    *meter.Meter
	qlog     *meter.Qlog
	registry *prometheus.Registry
	log      *meter.Log // the access log; guarded by the mu of reloading once the node is started
}

// openObserving makes the metrics, the access log and the qlogs, before what they are of.
func (n *Node) openObserving(ctx context.Context) error {
	o := &n.observing
	o.qlog = meter.NewQlog(n.log)
	if err := o.qlog.Set(qlogOf(n.config)); err != nil {
		return fmt.Errorf("qlog.dir: %w", err)
	}
	o.meter = meter.New(meter.Config{Build: running(), Ingests: n.countIngests, Certificates: n.countCertificates, MaxTracks: n.config.Metrics.MaxTracks, Qlog: o.qlog, Spans: n.countSpans})
	o.registry = prometheus.NewRegistry()
	if err := o.meter.Register(o.registry); err != nil {
		return err
	}
	log, err := n.openAccessLog(n.config)
	if err != nil {
		return err
	}
	o.log = log
	o.meter.SetLog(log)
	n.undo = append(n.undo, func() {
		o.qlog.Wait()
		o.meter.SetLog(nil)
	})
	n.tasks.Go(func() { o.meter.Run(ctx) })
	n.OnApply(func(next config.Config) (Step, error) {
		return Step{Commit: func() { o.meter.SetMaxTracks(next.Metrics.MaxTracks) }}, nil
	}, "metrics")
	n.OnApply(n.reloadAccessLog, "accessLog")
	n.OnApply(func(next config.Config) (Step, error) {
		return Step{Commit: func() {
			if err := o.qlog.Set(qlogOf(next)); err != nil {
				n.log.Error("qlog.dir can not be used, that of before stays", "error", err)
			}
		}}, nil
	}, "qlog")
	return nil
}

func qlogOf(c config.Config) meter.QlogConfig {
	return meter.QlogConfig{Dir: c.Qlog.Dir, Sample: c.Qlog.Sample, MaxFiles: c.Qlog.MaxFiles, MaxBytes: int64(c.Qlog.MaxBytes)}
}

// openAccessLog opens the log that a configuration names; nil: none.
func (n *Node) openAccessLog(c config.Config) (*meter.Log, error) {
	if c.AccessLog.File == "" {
		return nil, nil
	}
	log, err := meter.OpenLog(c.AccessLog.File, n.log)
	if err != nil {
		return nil, fmt.Errorf("accessLog.file: %w", err)
	}
	return log, nil
}

func (n *Node) reloadAccessLog(next config.Config) (Step, error) {
	log, err := n.openAccessLog(next)
	if err != nil {
		return Step{}, err
	}
	return Step{
		Commit: func() {
			n.observing.log = log
			n.observing.meter.SetLog(log)
		},
		Cancel: func() {
			if log != nil {
				log.Close()
			}
		},
	}, nil
}

// reopenLogs opens the access log again, which may have been moved away.
func (n *Node) reopenLogs() {
	n.reloading.mu.Lock()
	defer n.reloading.mu.Unlock()
	if n.observing.log != nil {
		n.observing.log.Reopen()
	}
}

// metrics are /metrics and /metrics/track of the admin server.
func (n *Node) metrics() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", meter.Handler(n.observing.registry))
	mux.Handle("GET /metrics/track", n.observing.meter.TrackHandler())
	return mux
}

// countIngests is what the bridge takes, by protocol.
func (n *Node) countIngests() []meter.Ingests {
	if n.hub == nil {
		return nil
	}
	var all []meter.Ingests
	for _, protocol := range []string{"srt", "whip", "file"} {
		all = append(all, meter.Ingests{Protocol: protocol, State: "live"}, meter.Ingests{Protocol: protocol, State: "grace"})
	}
	for _, p := range n.hub.Names() {
		state := "grace"
		if p.Live {
			state = "live"
		}
		for i := range all {
			if all[i].Protocol == p.Ingest.Protocol && all[i].State == state {
				all[i].Count++
			}
		}
	}
	return all
}

// ingestEnded writes a line of a publication that the bridge took.
func (n *Node) ingestEnded(e bridge.Ended) {
	r := relay.Record{
		Kind: "ingest", Began: e.Began, Ended: time.Now(), Remote: e.Ingest.Remote, Transport: e.Ingest.Protocol, Role: "publisher",
		Track: e.Name, BytesIn: e.Bytes, ObjectsIn: e.Frames, Code: "ENDED", By: "remote",
	}
	switch {
	case errors.Is(e.Reason, bridge.ErrClosed):
		r.By, r.Reason = "local", "the node stops"
	case e.Reason != nil && !errors.Is(e.Reason, io.EOF):
		r.Code, r.Reason = "FAILED", e.Reason.Error()
	}
	n.observing.meter.Ended(r)
}

// running says what runs.
func running() meter.Build {
	b := build.Read()
	return meter.Build{Version: b.Version, Revision: cmp.Or(b.Revision, "unknown"), GoVersion: b.Go}
}

// countCertificates says until when what the node shows is valid, by its first name. Of
// several of one name, as RSA beside ECDSA, it is the first end that counts.
func (n *Node) countCertificates() []meter.Certificate {
	var all []meter.Certificate
	at := map[[2]string]int{}
	for i, c := range n.Certificates() {
		name, source := c.Fingerprint, "given"
		if len(c.Names) > 0 {
			name = c.Names[0]
		}
		if i == 0 && n.certificate.current().development != nil { // the default is the first
			source = "development"
		}
		j, known := at[[2]string{name, source}]
		if !known {
			at[[2]string{name, source}] = len(all)
			all = append(all, meter.Certificate{Name: name, Source: source, NotAfter: c.NotAfter})
		} else if c.NotAfter.Before(all[j].NotAfter) {
			all[j].NotAfter = c.NotAfter
		}
	}
	return all
}
