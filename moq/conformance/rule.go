package conformance

import (
	"slices"
	"strconv"

	"moqedge/moq/wire"
)

// Count is how many rules there are: they are numbered from 1.
const Count = 218

// Level is the weight of a rule, in the words of RFC 2119.
type Level uint8

// Levels. A rule with two of them has the stronger one. Fact is what a draft
// states without any of these words.
const (
	Fact Level = iota
	May
	ShouldNot
	Should
	MustNot
	Must
)

var levelNames = [...]string{Fact: "fact", May: "MAY", ShouldNot: "SHOULD NOT", Should: "SHOULD", MustNot: "MUST NOT", Must: "MUST"}

// String returns the level as the drafts write it.
func (l Level) String() string { return levelNames[l] }

// Role is who a rule binds. A relay is all of them.
type Role string

// Roles.
const (
	Relay      Role = "relay"
	Publisher  Role = "publisher"
	Subscriber Role = "subscriber"
	Server     Role = "server"
	Endpoint   Role = "endpoint"
)

// Status says how a rule stands.
type Status uint8

// Statuses.
const (
	Tested        Status = iota // by the tests named
	NotApplicable               // there is nothing here that it could bind
	Deviates                    // not met, or not in full; tests named show what is met
)

var statusNames = [...]string{Tested: "tested", NotApplicable: "n.a.", Deviates: "deviates"}

// String returns the status as printed in the table.
func (s Status) String() string { return statusNames[s] }

// Rule is one rule of MOQT.
type Rule struct {
	Number  int
	Level   Level
	Role    Role
	Section string // of moqt-18, or of a later draft that brought the rule: "19:5.1.3"
	Text    string // what it demands, in our words
	// Since and Until bound the drafts that have the rule; 0: no bound.
	Since, Until wire.Version
	// Delta says what differs in other drafts; empty if nothing does.
	Delta string
	// Tests prove the rule: folder in the module, ".", name of the test, and
	// "/name" of a subtest where one alone is meant.
	Tests []string
	// NotApplicable and Deviates are the reasons of these statuses; at most one
	// of them is set.
	NotApplicable, Deviates string
}

// Status says how the rule stands.
func (r *Rule) Status() Status {
	switch {
	case r.NotApplicable != "":
		return NotApplicable
	case r.Deviates != "":
		return Deviates
	}
	return Tested
}

// Reason is why the status is not Tested.
func (r *Rule) Reason() string { return r.NotApplicable + r.Deviates }

// Drafts names the drafts that have the rule: "all", "18-", "-19" or "16-19".
func (r *Rule) Drafts() string {
	if r.Since == 0 && r.Until == 0 {
		return "all"
	}
	number := func(v wire.Version) string {
		if v == 0 {
			return ""
		}
		return strconv.Itoa(int(v))
	}
	return number(r.Since) + "-" + number(r.Until)
}

// Section is a part of the table.
type Section struct {
	Letter, Title string
	Rules         []Rule
}

// Sections returns the table in its parts. It is not to be changed.
func Sections() []Section {
	return []Section{
		{"A", "Session establishment, negotiation, streams", sectionA},
		{"B", "Requests, parameters, closing streams", sectionB},
		{"C", "Authorization", sectionC},
		{"D", "Namespace discovery", sectionD},
		{"E", "Subscriptions and publications, aggregation", sectionE},
		{"F", "Forward state and LARGEST_OBJECT", sectionF},
		{"G", "Filters", sectionG},
		{"H", "FETCH, joining, fill", sectionH},
		{"I", "Caching", sectionI},
		{"J", "Objects and how they are forwarded", sectionJ},
		{"K", "Malformed tracks", sectionK},
		{"L", "Properties", sectionL},
		{"M", "Priorities and scheduling", sectionM},
		{"N", "Delivery timeouts", sectionN},
		{"O", "GOAWAY, migration, switchover", sectionO},
		{"P", "Limits, security, logging, congestion", sectionP},
	}
}

// Rules returns the whole table, in the order of its parts.
func Rules() []Rule {
	var all []Rule
	for _, s := range Sections() {
		all = slices.Concat(all, s.Rules)
	}
	return all
}
