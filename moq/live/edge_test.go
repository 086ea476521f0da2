package live

import (
	"math/rand/v2"
	"testing"
	"time"

	"moqedge/moq/wire"
)

// TestEdge: what readers of the end of a subgroup see without the track's lock is what
// is there, whatever was done to the track, and a feed has news of all else.
func TestEdge(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		now := time.Unix(1000, 0)
		track := NewTrack(name, Options{RetainGroups: 2, MaxBytes: 20 << 10, Recover: random.IntN(2) == 0, Now: func() time.Time { return now }})
		stop := track.Listen(new(deaf))
		feed := track.NewFeed(at(0, 0))
		if !feed.News() || feed.News() {
			t.Fatal("a new feed has news, once")
		}
		var writers []*SubgroupWriter
		var known []*Subgroup
		done := track.Done()
		for step := range 60 {
			now = now.Add(time.Duration(random.IntN(1500)) * time.Millisecond)
			switch n := random.IntN(12); {
			case n == 0 || len(writers) == 0:
				if w, err := track.OpenSubgroup(SubgroupInfo{Group: random.Uint64N(4), ID: random.Uint64N(2), FirstObject: true}); err == nil {
					writers = append(writers, w)
				}
			case n == 1:
				_ = writers[random.IntN(len(writers))].Close()
			case n == 2:
				writers[random.IntN(len(writers))].Abort(wire.ResetCancelled)
			case n == 3:
				writers[random.IntN(len(writers))].Interrupt()
			case n == 4 && step > 40:
				track.Close(wire.DoneTrackEnded, "")
			case n == 4:
				track.Rest(true)
				track.Rest(false)
			case n == 5:
				track.Purge()
			case n == 6:
				track.Settle(random.Uint64N(4))
			case n == 7:
				_ = track.AppendDatagram(wire.Datagram{Group: random.Uint64N(4), ID: 100 + uint64(step), Payload: []byte("d")})
			default:
				w := writers[random.IntN(len(writers))]
				_ = w.Append(WholeObject{ID: w.last + random.Uint64N(3), Payload: make([]byte, random.IntN(4<<10))})
			}
			news := feed.News()
			late, datagrams := feed.Late(), feed.Datagrams(nil)
			before := len(known)
			for s, ok := feed.Subgroup(); ok; s, ok = feed.Subgroup() {
				known = append(known, s)
			}
			if !news && (len(late)+len(datagrams)+len(known)-before > 0 || track.Done() != done) {
				t.Fatalf("seed %d, step %d: the feed had no news of it", seed, step)
			}
			done = track.Done()
			for _, s := range known {
				for from := range uint64(70) {
					var want *Object
					if i, _ := position(s.objects, from); i < len(s.objects) {
						want = s.objects[i]
					}
					o, state, code := s.Next(from)
					if o != want || (o == nil && (state != s.state || state == Aborted && code != s.code)) {
						t.Fatalf("seed %d, step %d: the next from %d on is %v in state %v, not %v in %v", seed, step, from, o, state, want, s.state)
					}
					if s.Awaits(from) && (want != nil || s.state != Open) {
						t.Fatalf("seed %d, step %d: object %d is awaited in state %v", seed, step, from, s.state)
					}
				}
			}
		}
		stop()
	}
}

// deaf hears nothing.
type deaf struct{ _ int }

// TrackChanged implements Listener.
func (*deaf) TrackChanged() {}
