package topology

import "strings"

// Report is a tree for programs.
type Report struct {
	Nodes    []ReportNode `json:"nodes"`
	Links    []ReportLink `json:"links"`
	Findings []Finding    `json:"findings"`
}

// ReportNode is a relay of a Report.
type ReportNode struct {
	Name      string   `json:"name"`
	ID        string   `json:"id,omitempty"`
	Region    string   `json:"region,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
	Ingest    bool     `json:"takesPublications"`
	External  bool     `json:"external"`
}

// ReportLink leads from a relay to one of its upstreams.
type ReportLink struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	URL      string   `json:"url"`
	Prefixes []string `json:"prefixes,omitempty"`
	Priority int      `json:"priority"`
	Cost     uint32   `json:"cost"`
	Peer     bool     `json:"peer"`
	OnDemand bool     `json:"onDemand"`
}

// Report returns the tree and what Check finds.
func (g *Graph) Report() Report {
	r := Report{Nodes: []ReportNode{}, Links: []ReportLink{}, Findings: append([]Finding{}, g.Check()...)}
	for _, v := range g.nodes {
		r.Nodes = append(r.Nodes, ReportNode{v.Name, v.ID, v.Region, v.Addresses, v.Ingest, v.external})
	}
	for _, l := range g.links {
		var prefixes []string
		for _, p := range l.Prefixes {
			prefixes = append(prefixes, strings.Join(p, "/"))
		}
		r.Links = append(r.Links, ReportLink{l.from.Name, l.to.Name, l.URL, prefixes, l.Priority, l.Cost, l.Peer, l.OnDemand})
	}
	return r
}
