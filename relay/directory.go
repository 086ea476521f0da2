package relay

import (
	"context"
	"time"

	"moqedge/moq/wire"
)

// Role is what a relay is for; it decides who asks whom (nextHops).
type Role string

// Roles.
const (
	// RoleEdge serves subscribers: what others hold it asks its region's shield for.
	RoleEdge Role = "edge"
	// RoleShield stands between its region and all others: what is held elsewhere
	// it asks for there, once for its region.
	RoleShield Role = "shield"
	// RoleOrigin is where publishers are expected. It asks as an edge does.
	RoleOrigin Role = "origin"
)

// Valid reports whether a role is one of those above.
func (r Role) Valid() bool { return r == RoleEdge || r == RoleShield || r == RoleOrigin }

// Node is a relay as others see it.
type Node struct {
	ID     string // not empty, the same as in hop lists
	Region string // "" is a region too
	Role   Role
	URL    string // where relays reach it: moqt:// or https://
	// Fingerprints are the SHA-256 hashes of the certificates it may show
	// (transport.DialConfig.Fingerprints); none: roots decide.
	Fingerprints [][32]byte
	// Load is the share of its capacity that is used, 0 to 1. A relay at
	// LoadFull or more is asked after others that hold the same.
	Load    float64
	Cost    uint32 // of asking it; 0 means 1
	Version string // of its program, for people
}

// LoadFull is the load from which on a relay counts as full.
const LoadFull = 0.9

// DirectoryEvents is told what a directory knows of other relays: first a node,
// then its namespaces. What is told again has changed. Before a node is down its
// namespaces are removed, one by one. The calls come one after another and must
// not block for long.
type DirectoryEvents interface {
	NodeUp(n Node)
	NodeDown(id string)
	NodeNamespaceAdded(id string, ns wire.Namespace, hidden bool)
	NodeNamespaceRemoved(id string, ns wire.Namespace)
}

// Directory says which relay holds which namespace.
type Directory interface {
	// Announce and Withdraw tell it the namespaces of the relay's own publishers.
	// They never block, may come before Join, and are kept while the directory
	// cannot be reached. Hidden is one that nobody announced although tracks in it
	// were published. Announcing again replaces hidden.
	Announce(ns wire.Namespace, hidden bool)
	Withdraw(ns wire.Namespace)
	// Join makes a relay known and tells events of all others, until ctx is
	// done; then it withdraws the relay and returns. self is asked each time
	// the relay is made known again; ID, Region and Role must stay. What the
	// directory told is valid until it tells otherwise, through outages too.
	Join(ctx context.Context, self func() Node, events DirectoryEvents)
	// Status says how it stands now.
	Status() DirectoryStatus
}

// DirectoryStatus is how a directory stands.
type DirectoryStatus struct {
	Connected  bool      `json:"connected"`       // what is known is current
	Since      time.Time `json:"since"`           // it has been so
	Server     string    `json:"server"`          // what it is connected to, or tries to be; without secrets
	Relays     int       `json:"relays"`          // other relays that are alive
	Namespaces int       `json:"namespaces"`      // that they hold
	Own        int       `json:"own"`             // that this relay holds
	Error      string    `json:"error,omitempty"` // why it is not connected
}
