package link

import (
	"net"
	"net/netip"
	"runtime"
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
		q.copy(due, buf[:1200], address{udp: netip.AddrPort{}})
		if _, _, err := q.take(out, true); err != nil {
			b.Fatal(err)
		}
	}
}

const (
	benchViewers = 200
	benchBurst   = 10
	benchFrames  = 30 // bursts per second and viewer
)

// BenchmarkViewers is what it costs to receive 300 packets/s by each of 200 viewers on
// real sockets, ten at a time 30 times a second: the CPU time of the process, without
// the thread that sends, per packet (ns/packet), the same with clean links just before
// (clean-ns/packet), and the difference, which is the emulator's, as a share of one core
// at that pace (%core).
func BenchmarkViewers(b *testing.B) {
	for _, l := range []Link{
		{Name: "50ms", Delay: 25 * ms},
		{Name: "50ms-1%", Delay: 25 * ms, Loss: 0.01},
		{Name: "jitter", Delay: 25 * ms, Jitter: 10 * ms},
		{Name: "4mbps", Delay: 25 * ms, Rate: 4e6},
	} {
		b.Run(l.Name, func(b *testing.B) {
			clean, _ := watch(b, Link{})
			each, arrived := watch(b, l)
			b.ReportMetric(clean, "clean-ns/packet")
			b.ReportMetric(each, "ns/packet")
			b.ReportMetric(100*(each-clean)*benchViewers*benchBurst*benchFrames/1e9, "%core")
			b.ReportMetric(100*arrived, "%arrived")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// watch has viewers behind a link for three seconds; it returns the CPU time per
// packet in nanoseconds, and the share of packets that came.
func watch(b *testing.B, l Link) (each, arrived float64) {
	b.Helper()
	runtime.LockOSThread() // that of the sender
	defer runtime.UnlockOSThread()
	server := loopback(b)
	var to [benchViewers]netip.AddrPort
	var readers sync.WaitGroup
	defer readers.Wait() // after they are closed
	var got atomic.Int64
	start := time.Now()
	for i := range to {
		socket := loopback(b)
		to[i] = socket.LocalAddr().(*net.UDPAddr).AddrPort()
		viewer := l.Emulate(uint64(i), start).Packets(socket)
		readers.Go(func() {
			buf := make([]byte, 1500)
			for {
				if _, _, err := viewer.ReadFrom(buf); err != nil {
					return
				}
				got.Add(1)
			}
		})
		defer viewer.Close()
	}
	packet := make([]byte, 1200)
	before, sent := cpu(b), 0
	start = time.Now()
	for ; sent < 3*benchViewers*benchBurst*benchFrames; sent += benchBurst {
		// A viewer's turn comes every 1/30 s, one after the other.
		time.Sleep(time.Until(start.Add(time.Duration(sent/benchBurst) * time.Second / (benchViewers * benchFrames))))
		for range benchBurst {
			if _, err := server.WriteToUDPAddrPort(packet, to[sent/benchBurst%benchViewers]); err != nil {
				b.Fatal(err)
			}
		}
	}
	time.Sleep(100 * ms)
	return float64(cpu(b)-before) / float64(sent), float64(got.Load()) / float64(sent)
}

// cpu is the time the process has used, but for this thread.
func cpu(t testing.TB) (used time.Duration) {
	t.Helper()
	for who, sign := range map[int]int64{syscall.RUSAGE_SELF: 1, syscall.RUSAGE_THREAD: -1} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			t.Fatal(err)
		}
		used += time.Duration(sign * (u.Utime.Nano() + u.Stime.Nano()))
	}
	return used
}
