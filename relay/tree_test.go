package relay_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"moqedge/moq"
	"moqedge/moq/wire"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(processSpec); spec != "" { // this is not the test, but a relay of it
		runProcess(spec)
		return
	}
	goleak.VerifyTestMain(m)
}

// TestTree sends a track through two relays over links of 50 ms round trip
// time with 1 % loss: every viewer gets every object in order, the origin is
// subscribed to once.
func TestTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 25*time.Millisecond, 0.01)
		origin, edge := n.pair()
		n.publishAs(origin, 30, 12_500)
		time.Sleep(2500 * time.Millisecond) // virtual: into the third group

		const viewers = 5
		done := make(chan error, viewers)
		for range viewers {
			go func() { done <- watch(t, n, edge, 150) }()
		}
		for range viewers {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if s := origin.Stats(); s.Subscriptions != 1 {
			t.Errorf("the origin serves %d subscriptions, want 1", s.Subscriptions)
		}
	})
}

// watch subscribes at a node and reads count objects, of each group all from
// the first on.
func watch(t *testing.T, n *network, at *node, count int) error {
	s := n.client(at, nil)
	defer closeSession(s)
	sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
	if err != nil {
		return err
	}
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	next := map[uint64]uint64{} // by group: streams of two groups may overtake each other
	var longest time.Duration
	for range count {
		before := time.Now()
		o, err := r.Next(t.Context())
		if err != nil {
			return err
		}
		longest = max(longest, time.Since(before))
		if o.ID != next[o.Group] {
			t.Errorf("got object %s, want object %d of the group", o.Location(), next[o.Group])
		}
		next[o.Group] = o.ID + 1
	}
	t.Logf("longest wait for an object: %v", longest)
	return nil
}
