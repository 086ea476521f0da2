package node

import (
	"context"
	"regexp"
	"sync/atomic"
	"time"

	"moqedge/cmd/moqedge/build"
	"moqedge/cmd/moqedge/config"
	"moqedge/relay/admin"
)

// openAdmin serves operators, until Close.
func (n *Node) openAdmin(context.Context) error {
	c := n.config.Admin
	if c == nil {
		return nil
	}
	var token atomic.Pointer[string]
	token.Store(&c.Token)
	n.operators = admin.New(admin.Config{
		Relay: n.relay, Name: n.config.Name, Region: n.config.Region, Version: build.Read().Version, Started: n.started,
		Local: c.Local(), Token: func() string { return *token.Load() },
		Draining: n.draining.Load, Drain: n.drainAside, Unready: n.unready, Certificates: n.Certificates, Ingests: n.ingests, Delays: n.observing.meter.Delays, Settings: n.settings, Metrics: n.metrics(), Logger: n.log,
	})
	n.undo = append(n.undo, n.operators.Close)
	n.OnApply(func(next config.Config) (Step, error) {
		return Step{Commit: func() { token.Store(&next.Admin.Token) }}, nil
	}, "admin")
	var err error
	n.admin, err = n.openWeb("admin", c.Listen, c.TLS, n.operators)
	return err
}

// drainAside begins to drain, for who does not wait. limit 0 is that of the
// configuration, uri "" as well.
func (n *Node) drainAside(uri string, limit time.Duration) {
	c := n.Config().Drain
	if uri == "" {
		uri = c.URI
	}
	if limit == 0 {
		limit = c.Limit()
	}
	n.tasks.Go(func() {
		if err := n.Drain(uri, limit); err != nil {
			n.log.Warn("not drained", "reason", err)
		}
	})
}

// unready says why nobody is to be sent here, besides what the relay tells.
func (n *Node) unready() []string {
	if why := n.unprovable(time.Now()); why != "" {
		return []string{why}
	}
	return nil
}

// index is the number of an entry of a list in a key.
var index = regexp.MustCompile(`\[\d+\]`)

// running is the configuration that is in effect, and where its values come from.
func (n *Node) running() (config.Config, config.Origins) {
	r := &n.reloading
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running, r.origins // both are replaced, and not changed
}

// settings is the configuration that is in effect, secrets masked.
func (n *Node) settings() admin.Settings {
	classes := map[string]string{}
	for _, f := range config.Fields() {
		classes[f.Key] = f.Class.String()
	}
	running, origins := n.running()
	var s admin.Settings
	for _, v := range origins.Values(running) {
		s.Values = append(s.Values, admin.Setting{Key: v.Key, Value: v.Value, From: v.From, Variable: v.Variable, Reload: classes[index.ReplaceAllString(v.Key, "[]")]})
	}
	last := n.LastReload()
	for _, d := range last.Pending {
		s.Pending = append(s.Pending, admin.Pending{Key: d.Key, Old: d.Old, New: d.New})
	}
	if !last.At.IsZero() {
		s.Reloaded = &last.At
	}
	if last.Err != nil {
		s.Refused = last.Err.Error()
	}
	return s
}
