package link

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pion/transport/v5"
	"github.com/quic-go/quic-go"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

var (
	_ quic.OOBCapablePacketConn = (*Socket)(nil)
	_ transport.UDPConn         = (*Socket)(nil)
)

// burst sends b as packets of a size by one system call.
func burst(t testing.TB, from *net.UDPConn, to net.Addr, b []byte, size int) {
	t.Helper()
	oob := control(unix.IPPROTO_UDP, unix.UDP_SEGMENT, binary.NativeEndian.AppendUint16(nil, uint16(size)))
	if _, _, err := from.WriteMsgUDP(b, oob, to.(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
}

// noise is what packets carry.
func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// came is a packet, as some way of reading has it.
type came struct {
	b    []byte
	from netip.AddrPort
}

// ways of reading a socket, each some packets at a time.
var ways = []struct {
	name string
	read func(s *Socket) ([]came, error)
}{
	{"ReadBatch", func(s *Socket) (all []came, err error) {
		ms := make([]ipv4.Message, 8) // as quic-go has it
		for i := range ms {
			ms[i].Buffers, ms[i].OOB = [][]byte{make([]byte, 1000), make([]byte, 1000)}, make([]byte, 128)
		}
		n, err := s.ReadBatch(ms, 0)
		for _, m := range ms[:n] {
			all = append(all, came{slices.Concat(m.Buffers...)[:m.N], m.Addr.(*net.UDPAddr).AddrPort()})
		}
		return all, err
	}},
	{"ReadFrom", func(s *Socket) ([]came, error) {
		b := make([]byte, 2000)
		n, from, err := s.ReadFrom(b)
		if err != nil {
			return nil, err
		}
		return []came{{b[:n], from.(*net.UDPAddr).AddrPort()}}, nil
	}},
	{"ReadFromUDP", func(s *Socket) ([]came, error) {
		b := make([]byte, 2000)
		n, from, err := s.ReadFromUDP(b)
		return []came{{b[:n], from.AddrPort()}}, err
	}},
	{"ReadFromAddrPort", func(s *Socket) ([]came, error) {
		b := make([]byte, 2000)
		n, from, err := s.ReadFromAddrPort(b)
		return []came{{b[:n], from}}, err
	}},
	{"ReadMsgUDP", func(s *Socket) ([]came, error) {
		b := make([]byte, 2000)
		n, _, _, from, err := s.ReadMsgUDP(b, nil)
		return []came{{b[:n], from.AddrPort()}}, err
	}},
	{"ReadMsgUDPAddrPort", func(s *Socket) ([]came, error) {
		b := make([]byte, 2000)
		n, _, _, from, err := s.ReadMsgUDPAddrPort(b, nil)
		return []came{{b[:n], from}}, err
	}},
}

// What several senders send as one is read packet by packet, each as it was, with
// single packets between them.
func TestSocketSplits(t *testing.T) {
	sent := []struct{ sender, size, segment int }{
		{0, 8*1200 + 300, 1200}, // the last one is shorter
		{1, 5 * 1000, 1000},
		{0, 1200, 0},
		{0, 0, 0},
		{1, 45 * 1452, 1452}, // as much as a message can be
		{0, 64, 1},           // and as many
		{1, 1452, 0},
		{0, 2*1452 + 1, 1452},
		{1, 900, 900},
		{0, 700, 350},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			from := []*net.UDPConn{loopback(t), loopback(t)}
			s := socket(t)
			var want []came
			for i, c := range sent {
				b, sender := noise(uint64(i), c.size), from[c.sender].LocalAddr().(*net.UDPAddr).AddrPort()
				if c.segment == 0 {
					if _, err := from[c.sender].WriteTo(b, s.LocalAddr()); err != nil {
						t.Fatal(err)
					}
					want = append(want, came{b, sender})
					continue
				}
				burst(t, from[c.sender], s.LocalAddr(), b, c.segment)
				for packet := range slices.Chunk(b, c.segment) {
					want = append(want, came{packet, sender})
				}
			}
			for len(want) > 0 {
				got, err := way.read(s)
				if err != nil || len(got) == 0 || len(got) > len(want) {
					t.Fatalf("%d packets with %d to come, %v", len(got), len(want), err)
				}
				for _, p := range got {
					if !bytes.Equal(p.b, want[0].b) || p.from != want[0].from {
						t.Fatalf("%d bytes from %v, want %d from %v", len(p.b), p.from, len(want[0].b), want[0].from)
					}
					want = want[1:]
				}
			}
			s.SetReadDeadline(time.Unix(1, 0))
			if got, err := way.read(s); !os.IsTimeout(err) {
				t.Errorf("%d packets more, %v", len(got), err)
			}
			s.Close()
			if _, err := way.read(s); err == nil {
				t.Error("a closed socket is read")
			}
		})
	}
}

// socket is one that coalesces: a kernel since 5.0 can.
func socket(t testing.TB) *Socket {
	t.Helper()
	s, ok := Link{}.Emulate(1, time.Now()).Packets(loopback(t)).(*Socket)
	if !ok {
		t.Fatal("this system has no UDP_GRO, which came with Linux 5.0")
	}
	s.SetReadDeadline(time.Now().Add(patience))
	return s
}

// The negative control: the system hands on several packets as one, and who does not
// take them apart has one that is too long.
func TestSocketCoalesces(t *testing.T) {
	s := socket(t)
	burst(t, loopback(t), s.LocalAddr(), make([]byte, 8*1200+300), 1200)
	b := make([]byte, maxMessage)
	if n, err := s.UDPConn.Read(b); err != nil || n != 8*1200+300 {
		t.Errorf("%d bytes, %v, want what was sent by one call", n, err)
	}
}

// A line treats packets that come as one like those that come one by one: the same
// ones are lost, and each is counted.
func TestLineSplits(t *testing.T) {
	const count, together, size = 400, 10, 1200
	arrive := func(sent int) (all []uint32, counted Direction) {
		e := Link{Delay: time.Millisecond, Loss: 0.3}.Emulate(7, time.Now())
		from, viewer := loopback(t), e.Packets(loopback(t))
		defer viewer.Close()
		viewer.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, sent*size)
		for i := 0; i < count; i += sent {
			for k := range sent {
				binary.BigEndian.PutUint32(b[k*size:], uint32(i+k))
			}
			burst(t, from, viewer.LocalAddr(), b[:len(b)-1], size) // the last one is shorter
			for begun := time.Now(); int(e.Counters().Down.Packets) < i+sent; time.Sleep(ms / 10) {
				if time.Since(begun) > patience {
					t.Fatalf("%d packets were sent, %+v", i+sent, e.Counters().Down)
				}
			}
		}
		b, counted = make([]byte, 2*size), e.Counters().Down
		for len(all) < int(counted.Arrived) {
			if n, _, err := viewer.ReadFrom(b); err != nil {
				t.Fatalf("%d packets came, %v: %+v", len(all), err, counted)
			} else if i := binary.BigEndian.Uint32(b); n != size && (n != size-1 || int(i)%sent != sent-1) {
				t.Errorf("packet %d has %d bytes", i, n)
			} else {
				all = append(all, i)
			}
		}
		return all, counted
	}
	single, alone := arrive(1)
	many, counted := arrive(together)
	if !slices.Equal(single, many) || alone.Lost != counted.Lost || alone.Lost < count/5 {
		t.Errorf("of packets that came as one %+v arrived, of single ones %+v", counted, alone)
	}
}

// A packet that does not fit the line is lost, and those that came with it are too, as
// they are as long; the short one at the end is not.
func TestLineSplitsLong(t *testing.T) {
	e := Link{Delay: time.Millisecond}.Emulate(1, time.Now())
	viewer := e.Packets(loopback(t))
	defer viewer.Close()
	viewer.SetReadDeadline(time.Now().Add(patience))
	burst(t, loopback(t), viewer.LocalAddr(), make([]byte, 3*(maxDatagram+1)+40), maxDatagram+1)
	b := make([]byte, 2*maxDatagram)
	if n, _, err := viewer.ReadFrom(b); err != nil || n != 40 {
		t.Errorf("%d bytes came first, %v", n, err)
	}
}

// Nothing is allocated for packets, however they are read.
func TestSocketAllocates(t *testing.T) {
	s, from := socket(t), loopback(t)
	to, frame := s.LocalAddr(), make([]byte, 8*1200+300)
	ms := make([]ipv4.Message, 8)
	for i := range ms {
		ms[i].Buffers, ms[i].OOB = [][]byte{make([]byte, 1500)}, make([]byte, 128)
	}
	each := testing.AllocsPerRun(200, func() {
		burst(t, from, to, frame, 1200)
	})
	read := testing.AllocsPerRun(200, func() {
		burst(t, from, to, frame, 1200)
		for n := 0; n < 9; {
			got, err := s.ReadBatch(ms, 0)
			if err != nil {
				t.Fatal(err)
			}
			n += got
		}
		burst(t, from, to, frame, 1200)
		for range 9 {
			if _, _, err := s.ReadFrom(ms[0].Buffers[0]); err != nil {
				t.Fatal(err)
			}
		}
	})
	if read > 2*each {
		t.Errorf("%v allocations for 18 packets, %v are those of who sends", read, 2*each)
	}
}

// quic-go reads by ReadBatch what it sent by segmentation.
func TestQUICSocket(t *testing.T) {
	const size = 5_000_000
	server, s := loopback(t), socket(t)
	s.SetReadDeadline(time.Time{})
	defer quicServer(t, server, size)()
	if _, _, bytes := fetch(t, s, server.LocalAddr()); bytes != size {
		t.Errorf("%d of %d bytes came", bytes, size)
	}
}
