package live

// journal is a list that only grows at its end and is forgotten from its
// start, so that a reader's position stays valid.
type journal[T any] struct {
	entries []T
	base    uint64 // position of entries[0]
}

func (j *journal[T]) append(x T) { j.entries = append(j.entries, x) }

// end is the position after the last entry.
func (j *journal[T]) end() uint64 { return j.base + uint64(len(j.entries)) }

// since returns the entries from position on; a position that is already
// forgotten starts at the oldest kept.
func (j *journal[T]) since(position uint64) []T {
	if position < j.base {
		position = j.base
	}
	if position >= j.end() {
		return nil
	}
	return j.entries[position-j.base:]
}

// trim forgets entries from the start while drop says so.
func (j *journal[T]) trim(drop func(T) bool) {
	n := 0
	for n < len(j.entries) && drop(j.entries[n]) {
		n++
	}
	if n > 0 {
		j.entries = append([]T(nil), j.entries[n:]...)
		j.base += uint64(n)
	}
}
