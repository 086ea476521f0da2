package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/wire"
)

// TestDatagramsInVolleys: of many datagrams that come at once no more are sent in a
// moment than a receiver keeps, so that none is lost there; all go out soon, in order.
func TestDatagramsInVolleys(t *testing.T) {
	virtual(t, wire.Draft18, func(t *testing.T, r *rig) {
		track := newTrack()
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
		r.start()
		synctest.Wait()
		const all = 300
		for id := range uint64(all) {
			packet(t, track, 1, id)
		}
		began, had := time.Now(), uint64(0)
		for had < all && time.Since(began) < time.Second {
			synctest.Wait()
			now := r.counters.Datagrams.Load()
			if now-had > 64 {
				t.Errorf("after %v %d datagrams are sent at once", time.Since(began), now-had)
			}
			had = now
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(began); took > 20*time.Millisecond {
			t.Errorf("%d datagrams took %v", had, took)
		}
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if n := len(r.packets); n != all {
			t.Errorf("%d datagrams arrived, want %d", n, all)
		}
	})
}
