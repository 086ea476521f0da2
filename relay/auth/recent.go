package auth

import "time"

// Recent keeps a bounded number of things that are good for a while each: claims of
// tokens, answers of a hook. Its methods are called by whoever has it locked; the zero
// value keeps nothing.
type Recent[K comparable, V any] struct {
	// Most is how many there are at a time.
	Most int

	known map[K]recent[V]
}

type recent[V any] struct {
	value V
	until time.Time
}

// Get returns what is kept, if it still is good.
func (r *Recent[K, V]) Get(key K, now time.Time) (value V, ok bool) {
	if known, found := r.known[key]; found && now.Before(known.until) {
		return known.value, true
	}
	return value, false
}

// Put keeps something until a time.
func (r *Recent[K, V]) Put(key K, value V, until, now time.Time) {
	if !now.Before(until) || r.Most <= 0 {
		return
	}
	if r.known == nil {
		r.known = map[K]recent[V]{}
	}
	if _, known := r.known[key]; !known && len(r.known) >= r.Most {
		r.makeRoom(now)
	}
	r.known[key] = recent[V]{value, until}
}

// Len is how many are kept, those that are not good any more included.
func (r *Recent[K, V]) Len() int { return len(r.known) }

// makeRoom forgets what is not good any more, of which it looks at a few, or else any one.
func (r *Recent[K, V]) makeRoom(now time.Time) {
	looked := 0
	for key, one := range r.known {
		if looked++; looked > 64 {
			break
		}
		if !now.Before(one.until) {
			delete(r.known, key)
		}
	}
	for key := range r.known {
		if len(r.known) < r.Most {
			return
		}
		delete(r.known, key)
	}
}
