package node

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"moqedge/cmd/moqedge/config"
)

// Step is what a part of the node has readied for a configuration. Either Commit or
// Cancel is called, once; nil does nothing. Commit can not fail: what can is done
// before.
type Step struct{ Commit, Cancel func() }

// reloading is how a running node changes.
type reloading struct {
	mu      sync.Mutex // held during a change; those of parts are taken after it
	parts   []part
	running config.Config  // what is in effect
	wanted  config.Config  // what was last applied; running differs in what needs a restart
	origins config.Origins // of running
	last    Reload
}

type part struct {
	keys  []string
	ready func(next config.Config) (Step, error)
}

// Reload tells of the last attempt to change the configuration.
type Reload struct {
	// At is when; zero: it never was.
	At time.Time
	// Err says why nothing was changed; nil when it was.
	Err error
	// Pending is what waits for a restart.
	Pending config.Change
}

// readWhenUsed is for keys that nobody has to be told of.
func readWhenUsed(config.Config) (Step, error) { return Step{}, nil }

// OnApply has ready called before a configuration that differs at one of the keys, or
// below, in what needs no restart; keys are written as in the schema (limits,
// access.jwt). next is valid. What ready returns is committed when all parts are ready;
// an error, whose text begins with the key, has the node stay as it is. It is called
// while the node is started.
func (n *Node) OnApply(ready func(next config.Config) (Step, error), keys ...string) {
	n.reloading.mu.Lock()
	defer n.reloading.mu.Unlock()
	n.reloading.parts = append(n.reloading.parts, part{keys, ready})
}

// takes reports whether a part of the node is told of changes of a key. The caller holds mu.
func (r *reloading) takes(key string) bool {
	return slices.ContainsFunc(r.parts, func(p part) bool {
		return slices.ContainsFunc(p.keys, func(above string) bool { return config.Within(key, above) })
	})
}

// diff is config.Diff, in which what no part takes needs a restart, such as keys of a
// section without which the part was not begun. The caller holds mu.
func (r *reloading) diff(before, after config.Config) config.Change {
	change := config.Diff(before, after)
	for i, d := range change {
		if !r.takes(d.Key) {
			change[i].Class = config.Restart
		}
	}
	return change
}

// Apply changes the running node to what next says, as far as that needs no restart,
// all of it or, with an error, nothing. The change has what is in effect now, and what
// waits for a restart (config.Restart), which Pending goes on telling.
func (n *Node) Apply(next config.Config) (config.Change, error) { return n.applyRead(next, nil) }

// applyRead is Apply with where the values come from.
func (n *Node) applyRead(next config.Config, origins config.Origins) (config.Change, error) {
	r := &n.reloading
	r.mu.Lock()
	defer r.mu.Unlock()
	change, err := n.apply(next)
	if err == nil {
		r.origins = r.origins.Adopt(origins, change.Of(config.Restart))
	}
	r.last = Reload{At: time.Now(), Err: err}
	return change, err
}

// apply does it. The caller holds reloading.mu.
func (n *Node) apply(next config.Config) (config.Change, error) {
	r := &n.reloading
	if err := next.Validate(); err != nil {
		return nil, err
	}
	merged := config.Overlay(r.running, next, r.takes)
	if err := merged.Validate(); err != nil {
		return nil, fmt.Errorf("%w (without what needs a restart: restart the node)", err)
	}
	change := r.diff(r.running, next)
	var steps []Step
	for _, p := range r.parts {
		if !slices.ContainsFunc(p.keys, change.Touches) {
			continue
		}
		s, err := p.ready(merged.Filled())
		if err != nil {
			for _, s := range steps {
				if s.Cancel != nil {
					s.Cancel()
				}
			}
			return nil, err
		}
		steps = append(steps, s)
	}
	for _, s := range steps {
		if s.Commit != nil {
			s.Commit()
		}
	}
	r.running, r.wanted = merged, next.Clone()
	return change, nil
}

// Pending is what was applied and waits for a restart.
func (n *Node) Pending() config.Change { return n.LastReload().Pending }

// LastReload tells of the last Apply or Reload.
func (n *Node) LastReload() Reload {
	r := &n.reloading
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.last
	last.Pending = r.diff(r.running, r.wanted)
	return last
}

// Config is the configuration that is in effect, with defaults filled in.
func (n *Node) Config() config.Config {
	r := &n.reloading
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running.Filled()
}

// Reload reads a configuration and applies it, looks whether the certificate and the
// roots of upstreams are others in the same files, and logs what came of it. After an
// error, which is config.Faults if what it is about has a place, the node is as before.
func (n *Node) Reload(read func() (*config.Settings, error)) error {
	if err := n.certificate.current().Reload(); err != nil {
		n.log.Error("certificate not renewed, the one of before stays", "error", err)
	}
	n.reopenLogs()
	next, err := read()
	var change config.Change
	if err == nil {
		if change, err = n.applyRead(next.Config, next.Origins()); err == nil {
			err = n.rereadUpstreams()
		}
		if err != nil {
			err = next.Locate(err)
		}
	} else {
		n.reloading.mu.Lock()
		n.reloading.last = Reload{At: time.Now(), Err: err}
		n.reloading.mu.Unlock()
	}
	if err != nil {
		n.refused(err)
		return err
	}
	n.changed(change)
	return nil
}

// refused logs why a configuration is not applied, each fault by itself.
func (n *Node) refused(err error) {
	var faults config.Faults
	if !errors.As(err, &faults) {
		n.log.Error("configuration not applied, that of before stays", "error", err)
	}
	for _, f := range faults {
		n.log.Error("configuration not applied, that of before stays", "error", f)
	}
}

// changed logs what an Apply has changed.
func (n *Node) changed(c config.Change) {
	waits, applied := c.Of(config.Restart), len(c)-len(c.Of(config.Restart))
	for _, d := range c {
		level, what := slog.LevelInfo, "configuration changed"
		switch d.Class {
		case config.Sessions:
			what = "configuration changed for new sessions"
		case config.Restart:
			level, what = slog.LevelWarn, "configuration change waits for a restart"
		}
		n.log.Log(n.ctx, level, what, "key", d.Key, "from", d.Old, "to", d.New)
	}
	n.log.Info("configuration read again", "applied", applied, "pending", len(waits))
}
