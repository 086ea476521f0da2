package pattern

import (
	"context"
	"fmt"

	"moqedge/moq/live"
)

// Receive reads and checks objects until it has so many whole groups without a
// gap between them, and returns the first of these. Every object is checked; a
// group that lacks objects is only allowed before the first one: a subscription
// may begin within a group.
func (t Track) Receive(ctx context.Context, r *live.Reader, groups int, a Allow) (uint64, error) {
	seen := make(map[uint64]map[uint64]bool) // object IDs by group
	size := len(t.Group(0))
	for {
		o, err := r.Next(ctx)
		if err != nil {
			return 0, fmt.Errorf("after %s: %w", summary(seen, size), err)
		}
		if err := t.Check(o, a); err != nil {
			return 0, err
		}
		ids := seen[o.Group]
		if ids == nil {
			ids = make(map[uint64]bool)
			seen[o.Group] = ids
		}
		if ids[o.ID] {
			return 0, fmt.Errorf("%s %d/%d came twice", t, o.Group, o.ID)
		}
		ids[o.ID] = true
		// The groups around the one that grew, as far as they are whole.
		first, last := o.Group, o.Group
		for len(seen[first]) == size && first > 0 && len(seen[first-1]) == size {
			first--
		}
		for len(seen[last+1]) == size {
			last++
		}
		if len(ids) == size && last-first+1 >= uint64(groups) {
			return first, nil
		}
	}
}

// summary says how much of which groups came.
func summary(seen map[uint64]map[uint64]bool, size int) string {
	whole := 0
	for _, ids := range seen {
		if len(ids) == size {
			whole++
		}
	}
	return fmt.Sprintf("%d whole groups of %d", whole, len(seen))
}
