package node

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"moqedge/moq/msf"
	"moqedge/moq/wire"
	"moqedge/relay/collector"
)

// isCatalog says which tracks the relay's cache spares: a player that comes needs
// the catalog, however old it is.
func isCatalog(name wire.FullTrackName) bool { return name.Name == msf.TrackName }

// What the process takes besides the cache, in bytes.
const (
	baseMemory    = 24 << 20
	sessionMemory = 256 << 10
	// memorySlack is the part of the budget, one in this many, that the collector
	// may leave as garbage.
	memorySlack = 8
)

// memoryEvery is how often the limit is looked at.
const memoryEvery = time.Second

// LimitMemory has the collector keep the whole process near what the cache and the
// sessions need: left to itself it lets the heap grow to twice of what is kept. And it
// has it suit the sessions (package collector). The first has no effect when the
// environment sets GOMEMLIMIT, the second when it sets GOGC. Close ends it. It is for
// a process that runs one node.
func (n *Node) LimitMemory() {
	n.until(func(ctx context.Context) {
		collector.Run(ctx, n.relay.Sessions, func() uint64 { return garbageRoom(n.relay.CacheBudget(), collector.Live()) })
	})
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	before := debug.SetMemoryLimit(-1)
	n.until(func(ctx context.Context) {
		defer debug.SetMemoryLimit(before)
		tick := time.NewTicker(memoryEvery)
		defer tick.Stop()
		for {
			debug.SetMemoryLimit(memoryLimit(n.relay.CacheBudget(), uint64(n.relay.Sessions()), collector.Live()))
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// until runs f in a goroutine until Close, which waits for it.
func (n *Node) until(f func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		f(ctx)
	}()
	n.undo = append(n.undo, func() {
		stop()
		<-over
	})
}

// memoryLimit is how much the process may take with a cache of a budget and a
// number of sessions. It leaves room above what is in use, for whatever it is: a
// collector that is left none does nothing but collect.
func memoryLimit(budget, sessions, inUse uint64) int64 {
	limit := baseMemory + budget + budget/memorySlack + sessions*sessionMemory
	return int64(max(limit, inUse+inUse/4))
}

// garbageRoom is how much garbage there may be in any case: half of what is free of the
// budget for the cache.
func garbageRoom(budget, inUse uint64) uint64 { return (budget - min(inUse, budget)) / 2 }
