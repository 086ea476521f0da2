package interop

import (
	"slices"
	"time"
)

// Case is one thing asked of a relay.
type Case struct {
	// Name identifies the case in flags and in reports.
	Name string
	// Summary says in one line what the relay has to do.
	Summary string
	// Standard is true for the six cases of the public interop runner.
	Standard bool
	// Timeout is how long the case may take when Config.Timeout is 0.
	Timeout time.Duration

	do func(*run) error
}

// The times of the standard cases are those of the runner's specification.
var cases = []Case{
	{"setup-only", "connect and exchange SETUP", true, 2 * time.Second, setupOnly},
	{"announce-only", "accept a PUBLISH_NAMESPACE", true, 2 * time.Second, announceOnly},
	{"publish-namespace-done", "let a namespace be withdrawn", true, 2 * time.Second, publishNamespaceDone},
	{"subscribe-error", "refuse a SUBSCRIBE for a track that nobody has", true, 2 * time.Second, subscribeError},
	{"announce-subscribe", "bring a SUBSCRIBE to the publisher of its namespace", true, 3 * time.Second, announceSubscribe},
	{"subscribe-before-announce", "hold or refuse a SUBSCRIBE that comes before its publisher", true, 3500 * time.Millisecond, subscribeBeforeAnnounce},

	{"single-object", "deliver one object", false, 10 * time.Second, singleObject},
	{"single-group", "deliver a group of ten objects", false, 10 * time.Second, singleGroup},
	{"subgroups-with-gaps", "deliver subgroups side by side, with gaps in groups, subgroups and object IDs", false, 10 * time.Second, subgroupsWithGaps},
	{"late-joiner", "give a late subscriber the groups before, by joining FETCH or by fill", false, 10 * time.Second, lateJoiner},
	{"fetch-old-groups", "answer FETCH of groups from before any subscription, in both orders", false, 10 * time.Second, fetchOldGroups},
	{"datagrams", "deliver objects as datagrams", false, 10 * time.Second, datagrams},
	{"priorities", "send the more important track first when the link is full", false, 30 * time.Second, priorities},
	{"goaway", "go on when a publisher sends GOAWAY and moves to another session", false, 10 * time.Second, goaway},
	{"status-objects", "deliver the ends of groups and of the track", false, 10 * time.Second, statusObjects},
	{"properties", "leave properties of tracks and objects as they are", false, 10 * time.Second, properties},
	{"large-object", "deliver an object of 3 MiB, and empty ones", false, 20 * time.Second, largeObject},
	{"track-status", "answer TRACK_STATUS as the publisher would", false, 10 * time.Second, trackStatus},
	{"namespaces", "tell of namespaces below a prefix, and of their end", false, 10 * time.Second, namespaces},
}

// Cases returns all cases, those of the public runner first.
func Cases() []Case { return slices.Clone(cases) }

// Names that stand for several cases, for Select.
const (
	SelectStandard = "standard" // the six of the public runner
	SelectObjects  = "objects"  // all others
	SelectAll      = "all"
)

// Select returns the cases that names stand for, in the order of the names, and
// those names that stand for nothing. No names mean SelectStandard.
func Select(names ...string) (selected []Case, unknown []string) {
	if len(names) == 0 {
		names = []string{SelectStandard}
	}
	for _, name := range names {
		found := false
		for _, c := range cases {
			if name == c.Name || name == SelectAll || name == SelectStandard && c.Standard || name == SelectObjects && !c.Standard {
				selected = append(selected, c)
				found = true
			}
		}
		if !found {
			unknown = append(unknown, name)
		}
	}
	return selected, unknown
}
