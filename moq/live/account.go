package live

import (
	"math/bits"
	"time"
)

// Keeper is told what the tracks keep that are given to it (Options.Keeper), so
// that one budget can bound all of them: package relay/cache. Its methods are
// called with the lock of a track held, Keep for every object: they return at
// once and call no method of a track.
type Keeper interface {
	// Keep adds to what is kept. Both may be negative.
	Keep(bytes, groups int64)
	// Forgot counts groups that were forgotten, and why.
	Forgot(why Reason, groups int)
	// Stirred says that a track has something to be forgotten again for which
	// Track.Eldest or Track.Reap had nothing, or sooner than Track.Reap said.
	Stirred(t *Track)
}

// Reason is why a group was forgotten.
type Reason uint8

const (
	// Retained: Options.RetainGroups and RetainFor said so.
	Retained Reason = iota
	// Overflown: the track alone had more than Options.MaxBytes.
	Overflown
	// Aged: it had nothing left that MAX_CACHE_DURATION allows to keep.
	Aged
	// Evicted: Track.Evict was asked for room.
	Evicted
	// Purged: by Track.Purge.
	Purged
	// Dropped: with the whole track, by Track.Drop.
	Dropped
	// Reasons is how many there are.
	Reasons
)

// What counts besides payload and properties, in bytes: about what it takes in
// memory. An object has its struct, the headers of its segments, its places in
// lists and, for two kinds of drafts, the framing that sessions share.
const (
	objectCost   = 512
	subgroupCost = 384
	groupCost    = 256
)

// cost is what an object takes in memory now.
func (o *Object) cost() int64 {
	n := objectCost + allocated(len(o.Properties))
	if p := o.segments.Load(); p != nil {
		for _, s := range *p {
			n += allocated(len(s))
		}
	}
	return n
}

// allocated is about what a slice of n bytes takes in memory: the allocator has
// sizes that are an eighth apart, and pages from 32 KiB on.
func allocated(n int) int64 {
	step := 8 << 10
	if n <= 32<<10 {
		step = max(16, 1<<bits.Len(uint(n))>>4)
	}
	return int64((n + step - 1) / step * step)
}

// charge adds to what a group, its track and the keeper of that count.
func (g *group) charge(n int64) {
	g.bytes.Add(n)
	g.track.bytes.Add(n)
	g.track.keep(n, 0)
}

// discharge takes back all that was charged to a group.
func (g *group) discharge() (freed int64) {
	freed = g.bytes.Swap(0)
	g.track.bytes.Add(-freed)
	g.track.keep(-freed, 0)
	return freed
}

func (t *Track) keep(bytes, groups int64) {
	if k := t.options.Keeper; k != nil {
		k.Keep(bytes, groups)
	}
}

func (t *Track) forgot(why Reason) {
	if k := t.options.Keeper; k != nil {
		k.Forgot(why, 1)
	}
}

// account adds an object to what a group and the track keep. The caller holds mu.
func (t *Track) account(g *group, o *Object) {
	g.charge(o.cost())
	if !o.fetched {
		t.came.Add(o.Size)
	}
	o.came = t.came.Load()
	switch {
	case g.lost:
		if g.bytes.Load() > maxLostBytes {
			t.shorten(g, maxLostBytes)
		}
	case t.bytes.Load() > int64(t.options.MaxBytes):
		t.evict()
	}
	if len(g.objects) == 1 {
		t.stir()
		if g := t.outlived(); g != nil {
			t.hasten(t.outlives(g))
		}
	}
}

// stir tells the keeper when there is something to be forgotten again. The caller
// holds mu.
func (t *Track) stir() {
	if t.still {
		t.still = false
		t.options.Keeper.Stirred(t)
	}
}

// hasten tells the keeper when something is to be forgotten sooner than Reap said.
// The caller holds mu.
func (t *Track) hasten(at time.Time) {
	if at.Before(t.due) {
		t.due = at
		t.options.Keeper.Stirred(t)
	}
}

// Since returns how many payload bytes were appended to the track after an object
// of it, as far as they are announced; what was fetched does not count.
func (t *Track) Since(o *Object) uint64 { return t.came.Load() - o.came }

// Came returns how many payload bytes were appended to the track; what was fetched
// does not count.
func (t *Track) Came() uint64 { return t.came.Load() }

// Objects returns how many objects the track keeps.
func (t *Track) Objects() (n int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, g := range t.groups {
		n += len(g.objects)
	}
	return n
}

// Size returns what the track keeps: bytes, as they take memory, and groups.
func (t *Track) Size() (bytes uint64, groups int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return uint64(t.bytes.Load()), len(t.groups)
}
