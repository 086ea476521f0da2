package relay

import "moqedge/moq/wire"

// offersTrack reports whether a track with these properties is offered to a
// SUBSCRIBE_TRACKS with range filters: the conditions on tracks of at least one
// of their sets hold (moqt-19 §5.1.3). Those on objects are looked at as
// objects are sent.
func offersTrack(filters []wire.RangeFilter, properties wire.Properties) bool {
	sets := map[uint8]bool{} // whether what was seen of it holds
	for _, f := range filters {
		if len(f.Ranges) == 0 {
			continue
		}
		holds, seen := sets[f.SetID]
		sets[f.SetID] = (!seen || holds) && (f.Type != wire.RangeTrackProperty || hasPropertyIn(f, properties))
	}
	for _, holds := range sets {
		if holds {
			return true
		}
	}
	return len(sets) == 0
}

func hasPropertyIn(f wire.RangeFilter, properties wire.Properties) bool {
	v, ok := properties.Uint(f.Property)
	if !ok {
		return false
	}
	for _, r := range f.Ranges {
		if r.First <= v && v <= r.Last {
			return true
		}
	}
	return false
}
