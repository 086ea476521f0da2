package node

import (
	"fmt"

	"moqedge/relay"
	"moqedge/relay/cluster"
)

// joinCluster gives a relay the directory by which it finds others, if there is
// to be one.
func (n *Node) joinCluster(c *relay.Config) error {
	from := n.config.Cluster
	if from == nil {
		return nil
	}
	peers, _, err := from.Peers().Dial()
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	settings := from.Directory()
	settings.Logger = n.log
	if settings.TLS, err = from.NATSTLS(); err != nil {
		return fmt.Errorf("cluster.%w", err)
	}
	directory, err := cluster.New(settings)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	n.undo = append(n.undo, directory.Close)
	c.Directory = directory
	c.Advertise = relay.Advertise{URL: from.URL, Role: from.RelayRole(), Cost: from.Cost, Fingerprints: n.toldPins}
	if from.CA != "" || from.Cert != "" {
		c.Peers = peers
	}
	return nil
}
