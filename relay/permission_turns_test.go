package relay_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestReconsiderInTurn: of many permissions that are asked about again at once, some are
// at a time, as whoever is asked takes no more; all have their turn, and it goes on.
func TestReconsiderInTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const many, each, most, takes = 1500, 50, 256, 20 * time.Millisecond
		var now, peak, asked atomic.Int64
		var until atomic.Int64 // 0: without an end
		r := newRelay(t, relay.Config{Authorize: func(_ context.Context, a relay.Action) (relay.Verdict, error) {
			asked.Add(1)
			peak.Store(max(peak.Load(), now.Add(1)))
			time.Sleep(takes)
			now.Add(-1)
			if end := until.Load(); end > 0 {
				return relay.Verdict{Until: time.Unix(end, 0)}, nil
			}
			return relay.Verdict{}, nil
		}})
		var s *moq.Session
		var all []*moq.NamespacePublication
		for i := range many {
			if i%each == 0 {
				s = connect(t, r, wire.Draft18, moq.Config{})
			}
			p, err := s.PublishNamespace(t.Context(), wire.Namespace{"n", fmt.Sprint(i)})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		turns := func(what string) {
			t.Helper()
			if n := asked.Swap(0); n != many+many/each { // the sessions as well
				t.Errorf("%s: asked about %d, want %d", what, n, many+many/each)
			}
			if n := peak.Swap(0); n != most {
				t.Errorf("%s: %d at a time, want %d", what, n, most)
			}
		}
		asked.Store(0)
		peak.Store(0)
		end := time.Now().Add(time.Minute).Truncate(time.Second)
		until.Store(end.Unix())
		r.Reconsider()
		time.Sleep(many / most * takes * 2)
		turns("by a change")
		until.Store(0)
		time.Sleep(time.Until(end) + many/most*takes*2)
		turns("when all are over")
		time.Sleep(time.Hour)
		if n := asked.Load(); n > 0 {
			t.Errorf("asked %d times more", n)
		}
		for _, p := range all {
			select {
			case <-p.Done():
				t.Fatal("a namespace is withdrawn")
			default:
			}
		}
	})
}
