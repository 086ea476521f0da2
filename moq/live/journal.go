package live

import (
	"iter"
	"slices"
)

// journal is a list that grows at its end and is forgotten anywhere, so that a
// reader's position stays valid: entries have ascending positions.
type journal[T any] struct {
	entries []entry[T]
	next    uint64 // position after the last entry
	gone    int    // entries that were removed and still have a place
}

type entry[T any] struct {
	position uint64
	value    T
	removed  bool
}

// append returns the position of the new entry.
func (j *journal[T]) append(x T) uint64 {
	j.entries = append(j.entries, entry[T]{position: j.next, value: x})
	j.next++
	return j.next - 1
}

// end is the position after the last entry.
func (j *journal[T]) end() uint64 { return j.next }

func (j *journal[T]) find(position uint64) int {
	i, _ := slices.BinarySearchFunc(j.entries, position, func(e entry[T], p uint64) int {
		switch {
		case e.position < p:
			return -1
		case e.position > p:
			return 1
		}
		return 0
	})
	return i
}

// since goes through the entries from position on.
func (j *journal[T]) since(position uint64) iter.Seq[T] {
	return func(yield func(T) bool) {
		if position >= j.next {
			return
		}
		for _, e := range j.entries[j.find(position):] {
			if !e.removed && !yield(e.value) {
				return
			}
		}
	}
}

// remove forgets the entry at a position; one that is gone stays so.
func (j *journal[T]) remove(position uint64) {
	i := j.find(position)
	if i == len(j.entries) || j.entries[i].position != position || j.entries[i].removed {
		return
	}
	j.entries[i] = entry[T]{position: position, removed: true}
	j.gone++
	for len(j.entries) > 0 && j.entries[0].removed {
		j.entries = j.entries[1:] // append leaves what is before behind
		j.gone--
	}
	if j.gone > 32 && j.gone > len(j.entries)/2 {
		j.entries = slices.DeleteFunc(j.entries, func(e entry[T]) bool { return e.removed })
		j.gone = 0
	}
}
