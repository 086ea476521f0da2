package node

import (
	"testing"

	"moqedge/relay/limit"
)

// Limits change while the node runs.
func TestApplyLimits(t *testing.T) {
	n := start(t, everything())
	l := n.relay.Limits()
	if got := l.Limit(limit.Address, limit.Sessions); got != 4096 {
		t.Errorf("%v sessions of an address", got)
	}
	next := everything()
	next.Limits.Address.Sessions = 7
	if _, err := n.Apply(next); err != nil || l.Limit(limit.Address, limit.Sessions) != 7 || len(n.Pending()) != 0 {
		t.Errorf("%v, %v sessions of an address", err, l.Limit(limit.Address, limit.Sessions))
	}
	if s := l.Stats(); len(s.Refused) != 0 {
		t.Errorf("%+v refused by a node that nobody uses", s.Refused)
	}
}
