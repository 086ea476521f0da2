package media

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Checker tells whether a frame that arrived is the one that was sent. What each
// frame should be is worked out once, however many viewers get it; then a frame
// costs a hash of its bytes. It is safe for concurrent use.
type Checker struct {
	source Source
	seed   maphash.Seed
	tracks []expected
}

// expected has what is known of the frames of a track.
type expected struct {
	table atomic.Pointer[[]*[checkChunk]atomic.Uint64] // hashes by number, 0: not known; replaced under mu
	mu    sync.Mutex                                   // held while a hash is worked out
}

const checkChunk = 256

// NewChecker returns a checker of a source's frames.
func NewChecker(s Source) *Checker {
	return &Checker{source: s, seed: maphash.MakeSeed(), tracks: make([]expected, len(s.Tracks()))}
}

// Check reports whether payload is that of frame n of a track. The caller sees to
// it that n is plausible: memory is kept for all frames up to n.
func (c *Checker) Check(track int, n uint64, payload []byte) bool {
	want := c.tracks[track].get(n)
	if want == 0 {
		want = c.learn(track, n)
	}
	return c.hash(payload) == want
}

// hash is never 0. It is over the length, too.
func (c *Checker) hash(payload []byte) uint64 {
	return max(maphash.Bytes(c.seed, payload), 1)
}

func (e *expected) get(n uint64) uint64 {
	table := e.table.Load()
	if table == nil || n/checkChunk >= uint64(len(*table)) {
		return 0
	}
	chunk := (*table)[n/checkChunk]
	if chunk == nil {
		return 0
	}
	return chunk[n%checkChunk].Load()
}

func (c *Checker) learn(track int, n uint64) uint64 {
	e := &c.tracks[track]
	e.mu.Lock()
	defer e.mu.Unlock()
	if h := e.get(n); h != 0 {
		return h // another viewer was first
	}
	h := c.hash(c.source.Frame(track, n).Payload)
	e.chunk(n)[n%checkChunk].Store(h)
	return h
}

// chunk returns the chunk for n. Readers may hold the table that it replaces; its
// chunks stay the same.
func (e *expected) chunk(n uint64) *[checkChunk]atomic.Uint64 {
	var table []*[checkChunk]atomic.Uint64
	if old := e.table.Load(); old != nil {
		table = *old
	}
	i := n / checkChunk
	if i < uint64(len(table)) && table[i] != nil {
		return table[i]
	}
	larger := make([]*[checkChunk]atomic.Uint64, max(uint64(len(table)), i+1))
	copy(larger, table)
	larger[i] = new([checkChunk]atomic.Uint64)
	e.table.Store(&larger)
	return larger[i]
}
