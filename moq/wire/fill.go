package wire

import "time"

// FillParameters ask for Objects published before a subscription, which come on
// a fetch stream (draft 20, FILL_PARAMETERS). What is unset is as in the
// subscription.
type FillParameters struct {
	// FillTimeout is how long a relay may look for Objects upstream; 0 means not
	// at all, unset leaves it to the relay.
	FillTimeout        Option[time.Duration]
	SubscriberPriority Option[uint8]
	// Filter is the range to fill.
	Filter       Option[Filter]
	GroupOrder   Option[GroupOrder]
	RangeFilters []RangeFilter
}
