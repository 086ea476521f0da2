package live

import (
	"runtime"
	"strconv"
	"testing"

	"moqedge/moq/wire"
)

// ledger is a Keeper that counts.
type ledger struct {
	bytes, groups int64
	forgotten     [Reasons]int
	stirred       int
}

func (l *ledger) Keep(bytes, groups int64)      { l.bytes += bytes; l.groups += groups }
func (l *ledger) Forgot(why Reason, groups int) { l.forgotten[why] += groups }
func (l *ledger) Stirred(*Track)                { l.stirred++ }

// heap returns the bytes that live on the heap.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCostIsReal compares what objects count with what they take on the heap, all
// framing caches included: what counts is no less than the real thing, but for 3 %
// of rounding, and no more than twice of it.
func TestCostIsReal(t *testing.T) {
	for _, c := range []struct {
		size, perGroup, properties int
		datagrams                  bool
	}{
		{0, 1, 0, false}, {2, 50, 0, false}, {160, 1, 0, false}, {160, 1, 0, true}, {300, 50, 40, false}, {1200, 30, 0, true},
		{9000, 30, 40, false}, {33_000, 5, 0, false}, {100_000, 10, 0, false}, {1 << 20, 3, 0, false},
	} {
		t.Run(strconv.Itoa(c.size)+"x"+strconv.Itoa(c.perGroup), func(t *testing.T) {
			groups := min(20_000, 64<<20/(c.size+500)) / c.perGroup
			l := &ledger{}
			var properties wire.Properties
			if c.properties > 0 {
				properties = wire.AppendProperties(nil, wire.KeyValue{Type: 0x0D, Bytes: make([]byte, c.properties)})
			}
			before := heap()
			track := NewTrack(name, Options{RetainGroups: 1 << 30, MaxBytes: 1 << 40, Keeper: l})
			for g := range uint64(groups) {
				if c.datagrams {
					for id := range uint64(c.perGroup) {
						if err := track.AppendDatagram(wire.Datagram{Group: g, ID: id, Payload: make([]byte, c.size)}); err != nil {
							t.Fatal(err)
						}
					}
					continue
				}
				w := open(t, track, SubgroupInfo{Group: g, FirstObject: true})
				feed, cursors := w.subgroup, [2]wire.ObjectCursor{}
				for id := range uint64(c.perGroup) {
					p := append(wire.Properties(nil), properties...)
					if err := w.Begin(ObjectHeader{ID: id, Size: uint64(c.size), Properties: p}); err != nil {
						t.Fatal(err)
					}
					for n := 0; n < c.size; {
						k := len(w.Buffer())
						w.Commit(k)
						n += k
					}
					o, _, _ := feed.Next(id)
					for i, v := range []wire.Version{wire.Draft16, wire.Draft18} {
						o.Framing(v, &cursors[i], c.properties > 0)
					}
				}
				w.Close()
			}
			real := heap() - before
			counted, kept := track.Size()
			if l.bytes != int64(counted) || l.groups != int64(kept) || kept != groups {
				t.Errorf("the keeper heard of %d bytes and %d groups, the track has %d and %d", l.bytes, l.groups, counted, kept)
			}
			t.Logf("%d objects: counted %d each, on the heap %d", groups*c.perGroup, int(counted)/(groups*c.perGroup), int(real)/(groups*c.perGroup))
			if real > int64(counted)+int64(counted)/33 || int64(counted) > 2*real {
				t.Errorf("counted %d bytes, %d are on the heap", counted, real)
			}
			track.Drop()
			if l.bytes != 0 || l.groups != 0 || l.forgotten[Dropped] != groups {
				t.Errorf("%d bytes and %d groups are left after Drop, which told of %d groups", l.bytes, l.groups, l.forgotten[Dropped])
			}
			runtime.KeepAlive(track)
			if left := heap() - before; left > real/10+64<<10 {
				t.Errorf("%d of %d bytes are still on the heap after Drop", left, real)
			}
		})
	}
}

// A group that is lost while it is written gives up objects that do not count any
// more, which must not be taken from what does.
func TestLostGroupCounts(t *testing.T) {
	track := NewTrack(wire.FullTrackName{}, Options{RetainGroups: 1})
	w := open(t, track, SubgroupInfo{Group: 0})
	fill := func(w *SubgroupWriter, id uint64, size int) {
		t.Helper()
		if err := w.Append(WholeObject{ID: id, Payload: make([]byte, size)}); err != nil {
			t.Fatal(err)
		}
	}
	fill(w, 0, 5_000_000)
	newer := open(t, track, SubgroupInfo{Group: 1})
	fill(newer, 0, 1000)
	fill(w, 1, 700_000)
	fill(w, 2, 700_000)
	kept := func(when string, most uint64) {
		t.Helper()
		if bytes, _ := track.Size(); bytes < 1000 || bytes > most {
			t.Errorf("%s: %d bytes are kept", when, bytes)
		}
	}
	kept("while the lost group is written", 2_000_000)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	kept("afterwards", 4000)
}
