package link

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPacket is what the emulator itself does to a packet: it enters, is queued,
// and is taken out.
func BenchmarkPacket(b *testing.B) {
	l := Link{Delay: time.Microsecond, Jitter: time.Microsecond, Loss: 0.01, Rate: 1e12}
	e := l.Emulate(1, time.Now())
	q := newQueue(e.now, int64(time.Second))
	buf, out := make([]byte, maxDatagram+1), make([]byte, maxDatagram+1)
	b.ReportAllocs()
	b.SetBytes(1200)
	for b.Loop() {
		due, arrives := e.down.pass(e.now(), 1228)
		if !arrives {
			continue
		}
		spare, _ := q.put(due, buf, 1200, address{udp: netip.AddrPort{}})
		if buf = spare[:cap(spare)]; len(buf) == 0 {
			buf = make([]byte, maxDatagram+1)
		}
		if _, _, err := q.take(out, true); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkViewers is what 200 emulators cost that receive 300 packets/s each from
// real sockets, ten at a time 30 times a second: the CPU time of the process per
// packet, and per second as a share of one core. That of clean links is the cost of
// sending and of reading alone.
func BenchmarkViewers(b *testing.B) {
	const viewers, burst, frames = 200, 10, 30
	for _, l := range []Link{
		{Name: "clean"},
		{Name: "50ms", Delay: 25 * time.Millisecond},
		{Name: "50ms-1%", Delay: 25 * time.Millisecond, Loss: 0.01},
		{Name: "jitter", Delay: 25 * time.Millisecond, Jitter: 10 * time.Millisecond},
		{Name: "4mbps", Delay: 25 * time.Millisecond, Rate: 4e6},
	} {
		b.Run(l.Name, func(b *testing.B) {
			server := loopback(b)
			sockets := make([]net.PacketConn, viewers)
			to := make([]netip.AddrPort, viewers)
			var readers sync.WaitGroup
			var got atomic.Int64
			start := time.Now()
			for i := range sockets {
				socket := loopback(b)
				to[i] = socket.LocalAddr().(*net.UDPAddr).AddrPort()
				sockets[i] = l.Emulate(uint64(i), start).Packets(socket)
				readers.Go(func() {
					buf := make([]byte, 1500)
					for {
						if _, _, err := sockets[i].ReadFrom(buf); err != nil {
							return
						}
						got.Add(1)
					}
				})
			}
			packet := make([]byte, 1200)
			total := max(b.N, 3*viewers*burst*frames) // 3 s at least
			before, sent := cpu(b), 0
			start = time.Now()
			for ; sent < total; sent += burst {
				// A viewer's turn comes every 1/30 s, one after the other.
				time.Sleep(time.Until(start.Add(time.Duration(sent/burst) * time.Second / (viewers * frames))))
				viewer := sent / burst % viewers
				for range burst {
					if _, err := server.WriteToUDPAddrPort(packet, to[viewer]); err != nil {
						b.Fatal(err)
					}
				}
			}
			time.Sleep(100 * time.Millisecond)
			used, elapsed := cpu(b)-before, time.Since(start)
			for _, s := range sockets {
				s.Close()
			}
			readers.Wait()
			b.ReportMetric(float64(used)/float64(sent), "cpu-ns/packet")
			b.ReportMetric(100*used.Seconds()/elapsed.Seconds(), "%core")
			b.ReportMetric(100*float64(got.Load())/float64(sent), "%arrived")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func loopback(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// cpu is the time the process has used.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
