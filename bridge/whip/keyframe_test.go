package whip

import (
	"testing"
	"time"
)

func TestKeyRequests(t *testing.T) {
	start := time.UnixMilli(0)
	k := keyRequests{every: 2 * time.Second, last: start}
	for i, c := range []struct {
		at      int // milliseconds
		got     bool
		missing bool
		coming  bool
		due     bool
	}{
		{at: 0, missing: true, due: true},       // at the start
		{at: 200, missing: true},                // not again within a round trip
		{at: 300, missing: true, due: true},     // the first request was lost
		{at: 400, got: true},                    //
		{at: 2399},                              // young enough
		{at: 2400, due: true},                   // a group should start
		{at: 2500},                              // asked already
		{at: 2600, got: true},                   //
		{at: 3000, missing: true, due: true},    // loss
		{at: 3010, missing: true},               //
		{at: 3310, missing: true, coming: true}, // the answer is arriving
		{at: 3320, got: true},
		{at: 5319},
		{at: 5320, due: true},
		{at: 5700, due: true}, // and again until one comes
	} {
		now := start.Add(time.Duration(c.at) * time.Millisecond)
		if c.got {
			k.got(now)
		}
		if due := k.due(now, c.missing, c.coming); due != c.due {
			t.Errorf("%d: at %d ms: due = %v", i, c.at, due)
		}
	}
}
