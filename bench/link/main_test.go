package link

import (
	"encoding/binary"
	"math"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds tests that hang; no test measures it.
const patience = 20 * time.Second

// near fails unless got is within 5 % of want.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.05*math.Abs(want) {
		t.Errorf("%s: %v, want %v within 5 %%", what, got, want)
	}
}

// ends of a link in a synctest bubble: the server's socket and the viewer's, which is
// behind the emulator.
type ends struct {
	server, bare, viewer net.PacketConn
	e                    *Emulator
}

func connect(t *testing.T, l Link, seed uint64) ends {
	t.Helper()
	if err := l.Validate(); err != nil {
		t.Fatal(err)
	}
	router := &simnet.PerfectRouter{}
	server := simnet.NewBlockingSimConn(&net.UDPAddr{IP: net.IP{192, 0, 2, 1}, Port: 443}, router)
	bare := simnet.NewBlockingSimConn(&net.UDPAddr{IP: net.IP{198, 51, 100, 1}, Port: 1000}, router)
	e := l.Emulate(seed, time.Now())
	return ends{server, bare, e.Packets(bare), e}
}

// close waits until what was written has left, as a bubble's time ends with the test.
func (x ends) close() {
	x.viewer.Close()
	time.Sleep(time.Minute)
	x.server.Close()
}

// arrival is when the n-th packet came.
type arrival struct {
	n  int
	at time.Duration
}

// flow sends numbered packets of a size (payload) at a pace, and returns the arrivals
// in their order. It is over when nothing comes for a while.
func flow(t *testing.T, from, to net.PacketConn, count, size int, pace time.Duration) []arrival {
	t.Helper()
	to.SetReadDeadline(time.Time{})
	start := time.Now()
	done := make(chan []arrival)
	go func() {
		var all []arrival
		b := make([]byte, 2000)
		for {
			n, _, err := to.ReadFrom(b)
			if err != nil {
				done <- all
				return
			}
			if n != size {
				t.Errorf("a packet has %d bytes, sent were %d", n, size)
			}
			all = append(all, arrival{int(binary.BigEndian.Uint32(b)), time.Since(start)})
		}
	}()
	b := make([]byte, size)
	for i := range count {
		time.Sleep(time.Until(start.Add(time.Duration(i) * pace)))
		binary.BigEndian.PutUint32(b, uint32(i))
		if _, err := from.WriteTo(b, to.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(5 * time.Second)
	to.SetReadDeadline(time.Now())
	return <-done
}

// loopback is a socket that is closed with the test.
func loopback(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
