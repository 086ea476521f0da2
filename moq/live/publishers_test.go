package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"moqedge/moq/wire"
)

// script is what one publisher sends of a subgroup: streams one after the
// other, each from an object on in pieces, some of which end in a reset.
type script struct {
	track  *Track
	info   SubgroupInfo
	ids    []uint64 // of the subgroup
	random *rand.Rand

	at       int // in ids
	resets   int // streams that still end early
	w        *SubgroupWriter
	object   []byte // rest of the current one
	stopSoon int    // pieces until the reset; -1 is never
}

func payloadOf(id uint64) []byte {
	b := make([]byte, 1+id*7919%(3*segmentSize))
	for i := range b {
		b[i] = byte(uint64(i)*31 + id)
	}
	return b
}

// step does the next thing; false when all was sent.
func (s *script) step(t *testing.T) bool {
	if s.w == nil {
		s.info.FirstObject = s.at == 0
		w, err := s.track.OpenSubgroup(s.info)
		if err != nil {
			t.Error(err)
			return false
		}
		s.w, s.stopSoon = w, -1
		if s.resets > 0 {
			s.resets--
			s.stopSoon = s.random.IntN(12)
		}
	}
	if s.stopSoon == 0 { // what was not complete comes again, on another stream
		s.w.Abort(wire.ResetInternalError)
		s.w, s.object = nil, nil
		return true
	}
	s.stopSoon--
	if len(s.object) == 0 {
		if s.at == len(s.ids) {
			if err := s.w.Close(); err != nil {
				t.Error(err)
			}
			return false
		}
		s.object = payloadOf(s.ids[s.at])
		if err := s.w.Begin(ObjectHeader{ID: s.ids[s.at], Size: uint64(len(s.object))}); err != nil {
			t.Error(err)
			return false
		}
	}
	n := copy(s.w.Buffer(), s.object[:1+s.random.IntN(len(s.object))])
	s.w.Commit(n)
	if s.object = s.object[n:]; len(s.object) == 0 {
		s.at++
	}
	return true
}

// readAll reads until the track has ended, and complains of what comes twice,
// in part, or not at all.
func readAll(t *testing.T, r *Reader, ids []uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	seen := map[uint64]int{}
	for {
		o, err := r.Next(ctx)
		if errors.Is(err, ErrClosed) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seen[o.ID]++
		if !bytes.Equal(o.Payload(), payloadOf(o.ID)) {
			t.Errorf("object %d is not what was sent", o.ID)
		}
	}
	for _, id := range ids {
		if seen[id] != 1 {
			t.Errorf("object %d was read %d times", id, seen[id])
		}
	}
	if len(seen) != len(ids) {
		t.Errorf("%d objects were read, %d sent", len(seen), len(ids))
	}
}

func scripts(track *Track, ids []uint64, random *rand.Rand) []*script {
	var out []*script
	for range 2 + random.IntN(2) {
		s := &script{track: track, info: SubgroupInfo{Group: 1, Priority: 3}, ids: ids, random: random, resets: random.IntN(3)}
		if len(out) > 0 && random.IntN(2) == 0 {
			s.at = random.IntN(len(ids)) // it joined in the middle
		}
		out = append(out, s)
	}
	return out
}

// TestWriters: publishers of one track bring the same subgroup, each at its own
// pace, from where it was joined, and over streams that break off. Readers get
// each object once and whole (moqt-18 §9.1, §9.3).
func TestWriters(t *testing.T) {
	ids := []uint64{0, 1, 2, 3, 5, 6, 9, 10}
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			track := NewTrack(name, Options{})
			r := track.NewReader(wire.Location{})
			defer r.Close()
			feed := track.NewFeed(wire.Location{})
			read := map[uint64]int{}
			todo := scripts(track, ids, random)
			for len(todo) > 0 {
				i := random.IntN(len(todo))
				if !todo[i].step(t) {
					todo = slices.Delete(todo, i, i+1)
				}
				if o := r.poll(); o != nil { // at most as fast as it comes
					read[o.ID]++
				}
			}
			for o := r.poll(); o != nil; o = r.poll() {
				read[o.ID]++
			}
			track.Close(wire.DoneTrackEnded, "")
			for _, id := range ids {
				if read[id] != 1 {
					t.Errorf("object %d was read %d times", id, read[id])
				}
			}
			late := track.NewReader(wire.Location{})
			defer late.Close()
			readAll(t, late, ids)
			if s, ok := feed.Subgroup(); !ok || len(s.objects) != len(ids) {
				t.Error("the subgroup does not hold each object once")
			}
		})
	}
}

// TestWritersAtOnce is TestWriters with a goroutine for each publisher and each
// reader: with the race detector it shows that no bytes are shared unguarded.
func TestWritersAtOnce(t *testing.T) {
	ids := []uint64{0, 1, 2, 3, 4, 7, 8, 11, 12, 13}
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 2))
		track := NewTrack(name, Options{})
		var readers, writers sync.WaitGroup
		for range 2 {
			r := track.NewReader(wire.Location{})
			readers.Go(func() {
				defer r.Close()
				readAll(t, r, ids)
			})
		}
		for i, s := range scripts(track, ids, random) {
			s.random = rand.New(rand.NewPCG(seed, uint64(10+i)))
			writers.Go(func() {
				for s.step(t) {
				}
			})
		}
		writers.Wait()
		track.Close(wire.DoneTrackEnded, "")
		readers.Wait()
	}
}
