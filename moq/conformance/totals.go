package conformance

import "fmt"

// Totals count rules by their status.
type Totals struct{ Rules, Tested, NotApplicable, Deviates int }

// Total counts rules by their status.
func Total(rules []Rule) Totals {
	t := Totals{Rules: len(rules)}
	for i := range rules {
		switch rules[i].Status() {
		case Tested:
			t.Tested++
		case NotApplicable:
			t.NotApplicable++
		case Deviates:
			t.Deviates++
		}
	}
	return t
}

// String is the sentence that the README has.
func (t Totals) String() string {
	return fmt.Sprintf("Of %d rules %d are proven by tests, %d do not apply and %d are not met, or not in full; each of the latter has its reason in the table.",
		t.Rules, t.Tested, t.NotApplicable, t.Deviates)
}
