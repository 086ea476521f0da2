package node

import (
	"fmt"
	"strings"
	"time"

	"moqedge/cmd/moqedge/config"
)

// StartLimit is what a start with a configuration may take, or 0 if it waits for nobody.
func StartLimit(c config.Config) time.Duration {
	if c.Certificate.ACME == nil {
		return 0
	}
	return obtainLimit + closeLimit
}

// StopLimit is what the end of the node may take, with a drain before it.
func (n *Node) StopLimit() time.Duration {
	drain := n.Config().Drain
	return drain.Limit() + drainGrace + closeLimit
}

// closeLimit is more than Close takes.
const closeLimit = 10 * time.Second

// Touch takes the locks that all of the node needs. It does not return while one of them is
// held: a node that is stuck is known by it.
func (n *Node) Touch() {
	n.relay.Touch()
	if n.hub != nil {
		n.hub.Touch()
	}
}

// Summary says in one line how the node fares, for people.
func (n *Node) Summary() string {
	s := n.relay.Stats()
	said := []string{count(int(s.Sessions), "session"), count(s.Tracks, "track")}
	above, connected := 0, 0
	for _, l := range s.Links {
		if l.Dialed {
			above++
			if l.State == "connected" {
				connected++
			}
		}
	}
	if above > 0 {
		said = append(said, fmt.Sprintf("%d of %d upstreams connected", connected, above))
	}
	if why := n.unprovable(time.Now()); why != "" {
		said = append(said, why)
	}
	if n.draining.Load() {
		said = append([]string{"draining"}, said...)
	}
	return strings.Join(said, ", ")
}

// count is a number of things in words.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
