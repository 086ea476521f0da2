package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Each property is told in both directions: down is what the viewer reads.
func bothWays(t *testing.T, l Link, test func(t *testing.T, x ends, send, receive net.PacketConn, counted func() Direction)) {
	for _, down := range []bool{true, false} {
		t.Run(fmt.Sprintf("down=%v", down), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := connect(t, l, 1)
				defer x.close()
				if down {
					test(t, x, x.server, x.viewer, func() Direction { return x.e.Counters().Down })
				} else {
					test(t, x, x.viewer, x.server, func() Direction { return x.e.Counters().Up })
				}
			})
		})
	}
}

func TestDelay(t *testing.T) {
	for _, delay := range []time.Duration{2 * time.Millisecond, 25 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			bothWays(t, Link{Delay: delay}, func(t *testing.T, x ends, send, receive net.PacketConn, _ func() Direction) {
				const pace = 3 * time.Millisecond
				got := flow(t, send, receive, 100, 1200, pace)
				if len(got) != 100 {
					t.Fatalf("%d of 100 packets came", len(got))
				}
				for i, a := range got {
					if a.n != i {
						t.Fatalf("packet %d came in place of %d", a.n, i)
					}
					near(t, "delay", (a.at - time.Duration(i)*pace).Seconds(), delay.Seconds())
				}
			})
		})
	}
}

func TestJitter(t *testing.T) {
	const delay, jitter, count, pace = 20 * time.Millisecond, 10 * time.Millisecond, 4000, 11 * time.Millisecond
	bothWays(t, Link{Delay: delay, Jitter: jitter}, func(t *testing.T, x ends, send, receive net.PacketConn, _ func() Direction) {
		// Packets that are further apart than the jitter have all of it.
		late := []float64{}
		for i, a := range flow(t, send, receive, count, 200, pace) {
			late = append(late, (a.at - time.Duration(i)*pace - delay).Seconds())
		}
		slices.Sort(late)
		early := late[0] // what is taken off the delay
		if early < -0.02*delay.Seconds() || early > 0 {
			t.Errorf("the earliest packet is off by %v", early)
		}
		for share, want := range map[float64]float64{0.25: 0.25, 0.5: 0.5, 0.9: 0.9} {
			near(t, fmt.Sprintf("jitter at %v", share), (late[int(share*count)]-early)/jitter.Seconds(), want)
		}
		if most := late[count-1]; most > jitter.Seconds() {
			t.Errorf("at most %v", most)
		}
	})
}

// Packets that are closer together than the jitter do not overtake each other.
func TestOrder(t *testing.T) {
	bothWays(t, Link{Delay: 5 * time.Millisecond, Jitter: 50 * time.Millisecond}, func(t *testing.T, x ends, send, receive net.PacketConn, _ func() Direction) {
		got := flow(t, send, receive, 1000, 200, time.Millisecond)
		if len(got) != 1000 || !slices.IsSortedFunc(got, func(a, b arrival) int { return a.n - b.n }) {
			t.Errorf("%d of 1000 packets in order: %v", len(got), slices.IsSortedFunc(got, func(a, b arrival) int { return a.n - b.n }))
		}
	})
}

func TestLoss(t *testing.T) {
	for _, loss := range []float64{0.1, 0.3} {
		t.Run(fmt.Sprint(loss), func(t *testing.T) {
			bothWays(t, Link{Delay: time.Millisecond, Loss: loss}, func(t *testing.T, x ends, send, receive net.PacketConn, counted func() Direction) {
				// 5 % is three standard deviations of so many packets.
				count := int((1 - loss) / loss * 3600)
				got := flow(t, send, receive, count, 200, 10*time.Microsecond)
				near(t, "loss", float64(count-len(got))/float64(count), loss)
				d := counted()
				if int(d.Lost) != count-len(got) || int(d.Packets) != count || int(d.Arrived) != len(got) || d.Dropped != 0 || d.Overrun != 0 {
					t.Errorf("%d packets sent, %d came, counted %+v", count, len(got), d)
				}
				if d.Bytes != uint64(count)*228 || d.ArrivedBytes != uint64(len(got))*228 {
					t.Errorf("bytes of %d packets, %d came, counted %+v", count, len(got), d)
				}
			})
		})
	}
}

// Small losses need many packets.
func TestSmallLoss(t *testing.T) {
	for _, loss := range []float64{0.001, 0.005, 0.01, 0.02} {
		e := Link{Loss: loss}.Emulate(1, time.Now())
		count := int((1 - loss) / loss * 3600)
		for i := range count {
			e.down.pass(int64(i), 100)
			e.up.pass(int64(i), 100)
		}
		c := e.Counters()
		near(t, "loss down", float64(c.Down.Lost)/float64(count), loss)
		near(t, "loss up", float64(c.Up.Lost)/float64(count), loss)
	}
}

// losses of a seed and link in a direction.
func losses(t *testing.T, l Link, seed uint64, down bool, pace time.Duration) (lost []int) {
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, l, seed)
		defer x.close()
		from, to := x.server, x.viewer
		if !down {
			from, to = to, from
		}
		came := map[int]bool{}
		for _, a := range flow(t, from, to, 3000, 200, pace) {
			came[a.n] = true
		}
		for i := range 3000 {
			if !came[i] {
				lost = append(lost, i)
			}
		}
	})
	return lost
}

// The same seed loses the same packets, whatever else there is to the link and
// whenever they are sent; other seeds and the other direction lose others.
func TestSeed(t *testing.T) {
	l := Link{Delay: time.Millisecond, Loss: 0.1}
	first := losses(t, l, 7, true, time.Millisecond)
	other := Link{Delay: 50 * time.Millisecond, Loss: 0.1, Jitter: 20 * time.Millisecond, Rate: 10e6}
	if got := losses(t, other, 7, true, 2*time.Millisecond); !slices.Equal(got, first) {
		t.Errorf("the same seed lost %d packets, and %d others before", len(got), len(first))
	}
	for _, c := range []struct {
		seed uint64
		down bool
	}{{8, true}, {6, true}, {7, false}} {
		shared := 0
		for _, n := range losses(t, l, c.seed, c.down, time.Millisecond) {
			if slices.Contains(first, n) {
				shared++
			}
		}
		if shared < 10 || shared > 60 { // 30 by chance
			t.Errorf("seed %d, down %v: %d lost packets are the same", c.seed, c.down, shared)
		}
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, Link{Delay: time.Second}, 1)
		defer x.close()
		start := time.Now()
		b := make([]byte, 100)
		check := func(what string, err, want error, after time.Duration) {
			t.Helper()
			if !errors.Is(err, want) || time.Since(start) != after {
				t.Errorf("%s: %v after %v, want %v after %v", what, err, time.Since(start), want, after)
			}
		}
		x.viewer.SetReadDeadline(start.Add(100 * time.Millisecond))
		_, _, err := x.viewer.ReadFrom(b)
		check("nothing there", err, os.ErrDeadlineExceeded, 100*time.Millisecond)
		x.server.WriteTo([]byte("a"), x.bare.LocalAddr())
		x.viewer.SetReadDeadline(start.Add(200 * time.Millisecond))
		_, _, err = x.viewer.ReadFrom(b)
		check("nothing due", err, os.ErrDeadlineExceeded, 200*time.Millisecond)
		x.viewer.SetReadDeadline(time.Time{})
		time.AfterFunc(100*time.Millisecond, func() { x.viewer.SetReadDeadline(time.Now()) })
		_, _, err = x.viewer.ReadFrom(b)
		check("a deadline set meanwhile", err, os.ErrDeadlineExceeded, 300*time.Millisecond)
		x.viewer.SetReadDeadline(time.Time{})
		_, from, err := x.viewer.ReadFrom(b)
		check("due", err, nil, 1100*time.Millisecond-500*time.Microsecond)
		if err == nil && from.String() != x.server.LocalAddr().String() {
			t.Errorf("from %v", from)
		}
		var timeout net.Error
		x.viewer.SetWriteDeadline(time.Now())
		if _, err = x.viewer.WriteTo(b, x.server.LocalAddr()); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("written after the deadline: %v", err)
		}
		x.viewer.SetDeadline(time.Time{})
		if _, err = x.viewer.WriteTo(b, x.server.LocalAddr()); err != nil {
			t.Error(err)
		}
	})
}

// Closing ends a read at once, and what was written before still gets there.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, Link{Delay: 50 * time.Millisecond}, 1)
		start := time.Now()
		x.viewer.WriteTo([]byte("goodbye"), x.server.LocalAddr())
		time.AfterFunc(10*time.Millisecond, func() {
			if err := x.viewer.Close(); err != nil {
				t.Error(err)
			}
		})
		if _, _, err := x.viewer.ReadFrom(make([]byte, 10)); !errors.Is(err, net.ErrClosed) || time.Since(start) != 10*time.Millisecond {
			t.Errorf("read: %v after %v", err, time.Since(start))
		}
		if _, err := x.viewer.WriteTo([]byte("more"), x.server.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write: %v", err)
		}
		if err := x.viewer.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed twice: %v", err)
		}
		b := make([]byte, 100)
		if n, _, err := x.server.ReadFrom(b); err != nil || string(b[:n]) != "goodbye" {
			t.Errorf("%q, %v", b[:n], err)
		}
		synctest.Wait()
		if _, err := x.bare.WriteTo([]byte("x"), x.server.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the socket is open: %v", err)
		}
		x.server.Close()
	})
}

// A socket that fails ends reading, after what has come before; one that cannot
// write says so a call later.
func TestSocketFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, Link{Delay: 50 * time.Millisecond}, 1)
		defer x.close()
		x.server.WriteTo([]byte("last"), x.bare.LocalAddr())
		synctest.Wait()
		x.bare.Close()
		b := make([]byte, 100)
		if n, _, err := x.viewer.ReadFrom(b); err != nil || string(b[:n]) != "last" {
			t.Errorf("%q, %v", b[:n], err)
		}
		if _, _, err := x.viewer.ReadFrom(b); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if _, err := x.viewer.WriteTo(b, x.server.LocalAddr()); err != nil {
			t.Error(err)
		}
		time.Sleep(60 * time.Millisecond)
		if _, err := x.viewer.WriteTo(b, x.server.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// What does not fit into an IP packet of 1500 bytes is lost, in both directions.
func TestTooLarge(t *testing.T) {
	bothWays(t, Link{Delay: time.Millisecond}, func(t *testing.T, x ends, send, receive net.PacketConn, _ func() Direction) {
		if got := flow(t, send, receive, 10, maxDatagram, time.Millisecond); len(got) != 10 {
			t.Errorf("%d of 10 packets of 1500 bytes came", len(got))
		}
		if got := flow(t, send, receive, 10, maxDatagram+1, time.Millisecond); len(got) != 0 {
			t.Errorf("%d of 10 packets of 1501 bytes came", len(got))
		}
	})
}

// A viewer that does not read has a limited number of packets waiting, and the
// rest is counted.
func TestOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, Link{Delay: time.Millisecond}, 1)
		defer x.close()
		for range maxQueued + 10 {
			x.server.WriteTo([]byte("x"), x.bare.LocalAddr())
		}
		synctest.Wait()
		if d := x.e.Counters().Down; d.Overrun != 10 || d.Arrived != maxQueued {
			t.Errorf("%+v", d)
		}
	})
}

// The negative control: a clean link is the socket itself.
func TestClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, Link{Name: "clean"}, 1)
		defer x.close()
		if x.viewer != x.bare {
			t.Errorf("a clean link gives a %T", x.viewer)
		}
		for i, a := range flow(t, x.server, x.viewer, 100, 1200, time.Millisecond) {
			if a.at != time.Duration(i)*time.Millisecond {
				t.Errorf("packet %d came after %v", i, a.at)
			}
		}
	})
}
