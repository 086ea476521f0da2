package link

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// fates of the first packets to a viewer.
func fates(e *Emulator) (lost []bool) {
	for i := range int64(1000) {
		_, arrives := e.down.pass(i*int64(ms), 100)
		lost = append(lost, !arrives)
	}
	return lost
}

// Times of arrival never go back, so a queue may take them as they come.
func TestArrivalsInOrder(t *testing.T) {
	e := Link{Delay: 5 * ms, Jitter: 50 * ms}.Emulate(1, time.Now())
	last := int64(0)
	for i := range int64(1000) {
		due, arrives := e.down.pass(i*int64(ms), 100)
		if !arrives || due < last {
			t.Fatalf("packet %d arrives (%v) at %v, after one at %v", i, arrives, due, last)
		}
		last = due
	}
}

// Two sockets may read the clock in one order and enter in the other.
func TestEnterAtOnce(t *testing.T) {
	e := Link{Delay: 5 * ms}.Emulate(1, time.Now())
	for _, now := range []int64{1000, 999, 500} {
		if _, arrives := e.down.pass(now, 100); !arrives {
			t.Errorf("a packet at %d is dropped: %+v", now, e.Counters().Down)
		}
	}
}

// Signalling does not change which packets are lost.
func TestSignallingApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Link{Delay: ms, Loss: 0.2}
		e := l.Emulate(1, time.Now())
		if err := e.handshake(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.down.carry(e.now(), 100)
		synctest.Wait()
		if !slices.Equal(fates(e), fates(l.Emulate(1, time.Now()))) {
			t.Error("other packets are lost")
		}
	})
}

// A change of the rate is one of the direction to the viewer.
func TestChangeDown(t *testing.T) {
	l := Link{Changes: []Change{{At: 0, Rate: 1e6}}}
	e := l.Emulate(1, time.Now())
	if due, _ := e.down.pass(0, 1250); due != int64(10*ms) {
		t.Errorf("to the viewer after %v", time.Duration(due))
	}
	if due, _ := e.up.pass(0, 1250); due != 0 {
		t.Errorf("from the viewer after %v", time.Duration(due))
	}
}
