package relay_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
)

// flapping is a server that comes and goes, as one client sees it. Its fields
// belong to the client's goroutine.
type flapping struct {
	life, outage time.Duration
	rounds       int           // how often it comes back
	limit        time.Duration // if that takes less

	attempts int
	up       time.Time       // when it is, or was, back
	found    []time.Duration // how long after that the client was there
}

// run has a client follow the server from its first outage on.
func (f *flapping) run(n *network, server *node, first time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), f.limit)
	defer cancel()
	f.up = time.Now().Add(first)
	client := moq.Client{
		URL: server.url(), Config: moq.Config{Logger: quiet()}, Failed: func(error) {},
		Refresh: func(_ context.Context, d *transport.DialConfig) error {
			f.attempts++
			if time.Now().Before(f.up) {
				return errors.New("nobody is there")
			}
			*d = *n.dial(server)
			return nil
		},
		Connected: func(ctx context.Context, s *moq.Session) {
			f.found = append(f.found, time.Since(f.up))
			pauseFor(ctx, f.life)
			if f.up = time.Now().Add(f.outage); len(f.found) == f.rounds {
				cancel()
			}
		},
	}
	client.Run(ctx)
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// TestFlappingServer: a server that serves meanwhile is found soon each time it
// comes back, also after a long outage; one that sends everybody away, or falls
// over whenever somebody comes, is not asked often.
func TestFlappingServer(t *testing.T) {
	for name, c := range map[string]struct {
		flapping
		first    time.Duration
		attempts int           // at most
		soon     time.Duration // from the fifth time on
	}{
		"sends away at once":              {flapping{rounds: 1000, limit: 10 * time.Minute}, 0, 130, 0},
		"falls over after a second":       {flapping{life: time.Second, outage: 100 * time.Millisecond, rounds: 1000, limit: 10 * time.Minute}, 0, 120, 0},
		"restarts each 2.5 s":             {flapping{life: 2500 * time.Millisecond, outage: 500 * time.Millisecond, rounds: 20, limit: time.Hour}, 0, 140, time.Second},
		"away a minute, then each 5 s":    {flapping{life: 5 * time.Second, outage: 500 * time.Millisecond, rounds: 20, limit: time.Hour}, time.Minute, 160, time.Second},
		"away a minute, then each minute": {flapping{life: time.Minute, outage: 500 * time.Millisecond, rounds: 20, limit: time.Hour}, time.Minute, 160, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, time.Millisecond, 0)
				server := n.relay("origin", nil)
				f := c.flapping
				f.run(n, server, c.first)
				t.Logf("%d attempts, back after %v", f.attempts, f.found)
				if f.attempts > c.attempts {
					t.Errorf("%d attempts, want at most %d", f.attempts, c.attempts)
				}
				if c.soon == 0 {
					return
				}
				if len(f.found) < f.rounds {
					t.Fatalf("found %d times of %d", len(f.found), f.rounds)
				}
				if slowest := slices.Max(f.found[4:]); slowest > c.soon {
					t.Errorf("found after %v, want at most %v", slowest, c.soon)
				}
			})
		})
	}
}

// TestLostServerIsNotStormed: clients that lose their server at the same moment
// do not come back at the same moment.
func TestLostServerIsNotStormed(t *testing.T) {
	const clients, span = 300, 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		attempts := map[time.Duration]int{}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var tasks sync.WaitGroup
		for range clients {
			tasks.Go(func() {
				client := moq.Client{Failed: func(error) {}, Refresh: func(context.Context, *transport.DialConfig) error {
					mu.Lock()
					defer mu.Unlock()
					attempts[time.Since(began)/span]++
					return errors.New("nobody is there")
				}}
				client.Run(ctx)
			})
		}
		tasks.Wait()
		if attempts[0] != clients {
			t.Fatalf("%d first attempts", attempts[0])
		}
		delete(attempts, 0)
		most := 0
		for _, n := range attempts {
			most = max(most, n)
		}
		t.Logf("at most %d of %d clients within %v", most, clients, span)
		if most > clients/3 {
			t.Errorf("%d of %d clients come within %v", most, clients, span)
		}
	})
}
