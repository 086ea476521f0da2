package node

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"

	"moqedge/cmd/moqedge/config"
	"moqedge/relay"
)

// upstreamsOf are the relays above, in the terms of the relay.
func upstreamsOf(c config.Config) ([]relay.Upstream, error) {
	var all []relay.Upstream
	for _, u := range c.AllUpstreams() {
		dial, refresh, err := u.Dial()
		if err != nil {
			return nil, fmt.Errorf("upstreams: %s: %w", cmp.Or(u.Name, u.URL), err)
		}
		prefixes, err := u.Namespaces()
		if err != nil {
			return nil, fmt.Errorf("upstreams: %s: %w", cmp.Or(u.Name, u.URL), err)
		}
		all = append(all, relay.Upstream{
			Name: u.Name, URL: u.URL, Dial: dial, Refresh: refresh, Prefixes: prefixes,
			Priority: u.Priority, Cost: u.Cost, Peer: u.Peer, OnDemand: u.OnDemand, Revision: revision(u),
		})
	}
	return all, nil
}

// revision tells apart how an upstream is connected to: by what, and with which roots.
func revision(u config.Upstream) string {
	roots, _ := os.ReadFile(u.CA) // Dial has read it, if there is one
	return fmt.Sprintf("%q %q %x %q %q %v %v %d", u.Fingerprint, u.FingerprintURL, sha256.Sum256(roots), u.Cert, u.Key, u.Insecure, u.Timeout, u.Draft)
}

func (n *Node) reloadUpstreams(next config.Config) (Step, error) {
	upstreams, err := upstreamsOf(next)
	if err != nil {
		return Step{}, err
	}
	return Step{Commit: func() { n.relay.SetUpstreams(upstreams) }}, nil
}

// rereadUpstreams looks whether their roots are others: those links are made anew.
func (n *Node) rereadUpstreams() error {
	upstreams, err := upstreamsOf(n.Config())
	if err == nil {
		n.relay.SetUpstreams(upstreams)
	}
	return err
}

// retentionOf is what the relay keeps, and nothing else.
func retentionOf(c config.Config) relay.Config {
	keep := c.Retention
	return relay.Config{
		CacheBytes: uint64(keep.CacheBytes), RetainGroups: keep.Groups, RetainFor: keep.Time, MaxTrackBytes: uint64(keep.MaxTrackBytes),
		Linger: keep.Linger, MaxLag: keep.MaxLag, MaxLagBytes: uint64(keep.MaxLagBytes), Ungoverned: keep.Ungoverned,
	}
}

func (n *Node) reloadRetention(next config.Config) (Step, error) {
	return Step{Commit: func() { n.relay.Tune(retentionOf(next)) }}, nil
}
