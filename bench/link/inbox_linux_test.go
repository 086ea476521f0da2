package link

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"unsafe"
)

// A batch has each packet's own size and sender, and buffers are used again.
func TestReadBatch(t *testing.T) {
	viewer := loopback(t)
	from := []*net.UDPConn{loopback(t), loopback(t)}
	r, err := newReader(viewer)
	if err != nil {
		t.Fatal(err)
	}
	in := newInbox(batch)
	for round := range 3 {
		const count = batch + 4
		for i := range count { // all are in the kernel before the first is read
			if _, err := from[i%2].WriteTo(make([]byte, 100*round+i), viewer.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		for next, want := 0, batch; next < count; want = count - batch {
			n, err := r.read(in)
			if err != nil || n != want {
				t.Fatalf("%d packets, %v, want %d", n, err, want)
			}
			for _, p := range in.packets[:n] {
				if sender := from[next%2].LocalAddr().(*net.UDPAddr).AddrPort(); p.size != 100*round+next || p.from.udp != sender {
					t.Errorf("packet %d has %d bytes from %v, want %d from %v", next, p.size, p.from.udp, 100*round+next, sender)
				}
				next++
			}
		}
	}
	viewer.Close()
	if n, err := r.read(in); err == nil {
		t.Errorf("%d packets from a closed socket", n)
	}
}

func TestSender(t *testing.T) {
	port := [2]byte{0x10, 0xe1} // 4321
	v6 := syscall.RawSockaddrInet6{Family: syscall.AF_INET6, Port: *(*uint16)(unsafe.Pointer(&port)), Addr: [16]byte{0: 0xfe, 1: 0x80, 15: 1}, Scope_id: 2}
	if got, want := sender(&v6), netip.MustParseAddrPort("[fe80::1%2]:4321"); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	v4 := (*syscall.RawSockaddrInet4)(unsafe.Pointer(&v6))
	v4.Family, v4.Addr = syscall.AF_INET, [4]byte{127, 0, 0, 1}
	if got, want := sender(&v6), netip.MustParseAddrPort("127.0.0.1:4321"); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}
