package node

import (
	"moqedge/cmd/moqedge/config"
	"moqedge/relay/limit"
)

// newLimits makes what bounds the node's peers, by its configuration as that changes.
func (n *Node) newLimits() *limit.Limiter {
	l := limit.New(n.config.Limits.Relay())
	n.OnApply(func(next config.Config) (Step, error) {
		return Step{Commit: func() { l.Set(next.Limits.Relay()) }}, nil
	}, "limits")
	return l
}
