package transport

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
)

// Over a line that loses packets by chance a connection with a share of 4 gets
// well over twice as much through as quic-go alone: the fields that are set from
// outside do what they are set for.
func TestShare(t *testing.T) {
	for _, k := range []Kind{KindQUIC, KindWebTransport} {
		alone, four := received(t, k, 1), received(t, k, 0)
		t.Logf("%s: %.2f and %.2f Mbit/s", k, alone, four)
		if four < 2*alone {
			t.Errorf("%s: %.2f Mbit/s with a share of %d, %.2f with 1", k, four, DefaultShare, alone)
		}
	}
}

// received is how many Mbit/s arrive over 100 ms with 1 % of losses.
func received(t *testing.T, k Kind, share int) (rate float64) {
	t.Helper()
	simulate(t, ListenConfig{Share: share}, func(t *testing.T, s *simulation) {
		client, server := s.dial(k)
		s.router.lose(0.01)
		w, err := server.OpenUniStream(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for b := make([]byte, 16<<10); err == nil; {
				_, err = w.Write(b)
			}
		}()
		r, err := client.AcceptUniStream(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		const span = 30 * time.Second
		var n int64
		for end, b := time.Now().Add(span), make([]byte, 64<<10); time.Now().Before(end); {
			got, err := r.Read(b)
			if n += int64(got); err != nil && err != io.EOF {
				t.Fatal(err)
			}
		}
		rate = float64(n) * 8 / span.Seconds() / 1e6
		client.CloseWithError(0, "")
		synctest.Wait()
	})
	return rate
}

// A connection of another shape is left as it is.
func TestShareOfSomethingElse(t *testing.T) {
	if countAs(2, new(quic.Conn)) {
		t.Error("a connection without congestion control has a share")
	}
}
