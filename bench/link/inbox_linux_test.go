package link

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A batch has each packet's own size and sender, and buffers are used again.
func TestReadBatch(t *testing.T) {
	viewer := loopback(t)
	from := []*net.UDPConn{loopback(t), loopback(t)}
	r, _, err := newReader(viewer)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		const count = batch + 4
		for i := range count { // all are in the kernel before the first is read
			if _, err := from[i%2].WriteTo(make([]byte, 100*round+i), viewer.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		for next, want := 0, batch; next < count; want = count - batch {
			got, err := r.read()
			if err != nil || len(got) != want {
				t.Fatalf("%d packets, %v, want %d", len(got), err, want)
			}
			for _, p := range got {
				if sender := from[next%2].LocalAddr().(*net.UDPAddr).AddrPort(); p.size != 100*round+next || p.segment != 0 || p.from.udp != sender {
					t.Errorf("packet %d has %d bytes from %v, want %d from %v", next, p.size, p.from.udp, 100*round+next, sender)
				}
				next++
			}
		}
	}
	viewer.Close()
	if got, err := r.read(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d packets from a closed socket: %v", len(got), err)
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

func TestCut(t *testing.T) {
	for _, c := range []struct {
		size, segment int
		want          []int
	}{
		{0, 0, []int{0}},
		{0, 5, []int{0}},
		{7, 0, []int{7}},
		{7, 7, []int{7}},
		{7, 9, []int{7}},
		{7, 3, []int{3, 3, 1}},
		{9, 3, []int{3, 3, 3}},
		{3, 1, []int{1, 1, 1}},
	} {
		m := message{buf: []byte("0123456789"), size: c.size, segment: c.segment}
		var got []int
		for at, more := 0, true; more; more = at < m.size {
			var packet []byte
			if packet, at = m.cut(at); len(packet) > 0 && packet[0] != m.buf[at-len(packet)] {
				t.Errorf("%d bytes by %d: %q ends at %d", c.size, c.segment, packet, at)
			}
			got = append(got, len(packet))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d bytes by %d: %v, want %v", c.size, c.segment, got, c.want)
		}
	}
}

// control is a message of the system with as much data.
func control(level, kind int32, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func number(n int32) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }

var controls = []struct {
	name string
	b    []byte
	want int
}{
	{"nothing", nil, 0},
	{"a size", control(unix.IPPROTO_UDP, unix.UDP_GRO, number(1200)), 1200},
	{"after ECN", append(control(unix.IPPROTO_IP, unix.IP_TOS, []byte{2}), control(unix.IPPROTO_UDP, unix.UDP_GRO, number(1452))...), 1452},
	{"before ECN", append(control(unix.IPPROTO_UDP, unix.UDP_GRO, number(1452)), control(unix.IPPROTO_IP, unix.IP_TOS, []byte{2})...), 1452},
	{"another of UDP", control(unix.IPPROTO_UDP, unix.UDP_SEGMENT, number(1200)), 0},
	{"of another level", control(unix.IPPROTO_IP, unix.UDP_GRO, number(1200)), 0},
	{"too short", control(unix.IPPROTO_UDP, unix.UDP_GRO, []byte{1, 2}), 0},
	{"negative", control(unix.IPPROTO_UDP, unix.UDP_GRO, number(-1)), 0},
	{"cut off", control(unix.IPPROTO_UDP, unix.UDP_GRO, number(1200))[:unix.CmsgLen(0)+2], 0},
	{"half a header", control(unix.IPPROTO_UDP, unix.UDP_GRO, number(1200))[:unix.CmsgLen(0)-1], 0},
}

func TestSegmentOf(t *testing.T) {
	for _, c := range controls {
		if got := segmentOf(c.b); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// No control message makes a packet that is longer than what was read, or none.
func FuzzSegmentOf(f *testing.F) {
	for _, c := range controls {
		f.Add(c.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := message{buf: make([]byte, 100), size: 100, segment: segmentOf(b)}
		if packet, next := m.cut(0); m.segment < 0 || len(packet) == 0 || next != len(packet) {
			t.Errorf("%x: by %d, the first packet has %d bytes", b, m.segment, len(packet))
		}
	})
}
