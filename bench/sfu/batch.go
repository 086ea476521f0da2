package sfu

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

const (
	// batchMost is how many messages are kept for one system call. More do not make it
	// cheaper.
	batchMost = 64
	// batchMostSegments is the same where packets to a viewer are put together: it has
	// to be more than there are viewers, since each packet goes to all of them before
	// the next one does. It is what the kernel takes at most.
	batchMostSegments = 1024
	// batchMostBytes bounds what waits, all together.
	batchMostBytes = 8 << 20
	// batchWait ends the wait of packets that nobody flushes: repairs, and pictures
	// without an end.
	batchWait = time.Millisecond
	// Limits of a message that the kernel splits into packets of one size.
	segmentsMost      = 48
	segmentsMostBytes = 60000
	// knownMost bounds the addresses that are remembered in the form the socket wants.
	knownMost = 1 << 14
)

// batch is the shared UDP socket. Media written to it waits for flush, for a full
// batch or for batchWait; everything else is sent at once. Safe for concurrent use.
//
// Locks: sending is taken before mu; only sending is held while the kernel works.
type batch struct {
	*net.UDPConn
	kernel *ipv4.PacketConn

	sending sync.Mutex // held by who sends

	mu       sync.Mutex
	segments bool      // guarded by mu
	fill     *messages // guarded by mu
	spare    *messages // guarded by sending; what fill is exchanged for
	known    map[netip.AddrPort]*net.UDPAddr
	late     *time.Timer
}

// messages are what goes into one system call; the slots and their buffers are used
// again.
type messages struct {
	slots []ipv4.Message
	sizes []int // of a segment of each slot, 0 if nothing can be added to it
	used  int
	bytes int
	open  map[netip.AddrPort]int // the slot that more to an address may be added to
}

func newMessages(segments bool) *messages {
	n := batchMost
	if segments {
		n = batchMostSegments
	}
	return &messages{slots: make([]ipv4.Message, n), sizes: make([]int, n), open: make(map[netip.AddrPort]int)}
}

func newBatch(conn *net.UDPConn, segments bool) *batch {
	b := &batch{
		UDPConn: conn, kernel: ipv4.NewPacketConn(conn), segments: segments,
		fill: newMessages(segments), spare: newMessages(segments), known: make(map[netip.AddrPort]*net.UDPAddr),
	}
	b.late = time.AfterFunc(batchWait, b.flush)
	return b
}

// ReadFromAddrPort is part of ice.AddrPortReaderWriter.
func (b *batch) ReadFromAddrPort(p []byte) (int, netip.AddrPort, error) {
	return b.UDPConn.ReadFromUDPAddrPort(p)
}

// WriteTo is for callers who have no netip.AddrPort.
func (b *batch) WriteTo(p []byte, to net.Addr) (int, error) {
	if u, ok := to.(*net.UDPAddr); ok {
		return b.WriteToAddrPort(p, u.AddrPort())
	}
	return b.UDPConn.WriteTo(p, to)
}

// WriteToAddrPort is part of ice.AddrPortReaderWriter. Errors of media that waited
// are lost, as packets are.
func (b *batch) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if !isMedia(p) {
		return b.WriteToUDPAddrPort(p, to)
	}
	for !b.add(p, to) {
		b.flush()
	}
	return len(p), nil
}

// isMedia tells RTP from RTCP, STUN and DTLS (RFC 7983 §7, RFC 5761 §4).
func isMedia(p []byte) bool {
	return len(p) > 1 && p[0]>>6 == 2 && (p[1] < 192 || p[1] > 223)
}

// add puts a packet into the batch, unless that is full.
func (b *batch) add(p []byte, to netip.AddrPort) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.fill
	if m.bytes+len(p) > batchMostBytes {
		return false
	}
	if b.segments {
		if i, ok := m.open[to]; ok && m.extend(i, p) {
			return true
		}
	}
	if m.used == len(m.slots) {
		return false
	}
	if m.used == 0 {
		b.late.Reset(batchWait)
	}
	slot := &m.slots[m.used]
	if slot.Buffers == nil {
		slot.Buffers = [][]byte{make([]byte, 0, receiveMTU)}
	}
	slot.Buffers[0] = append(slot.Buffers[0][:0], p...)
	slot.OOB = slot.OOB[:0]
	slot.Addr = b.address(to)
	m.sizes[m.used] = len(p)
	if b.segments {
		m.open[to] = m.used
	}
	m.used++
	m.bytes += len(p)
	return true
}

// address is to in the form that the kernel's side wants.
func (b *batch) address(to netip.AddrPort) *net.UDPAddr {
	a, ok := b.known[to]
	if !ok {
		if len(b.known) == knownMost {
			clear(b.known)
		}
		a = net.UDPAddrFromAddrPort(to)
		b.known[to] = a
	}
	return a
}

// extend adds a packet to a slot if the kernel can split it off again: all packets
// of a message have one size, and only the last may be shorter.
func (m *messages) extend(i int, p []byte) bool {
	slot, size := &m.slots[i], m.sizes[i]
	if len(p) > size || len(slot.Buffers[0])+len(p) > segmentsMostBytes || len(slot.Buffers[0]) >= segmentsMost*size {
		return false
	}
	slot.Buffers[0] = append(slot.Buffers[0], p...)
	m.bytes += len(p)
	slot.OOB = appendSegmentSize(slot.OOB[:0], size)
	if len(p) < size {
		m.sizes[i] = 0
	}
	return true
}

// flush sends what waits.
func (b *batch) flush() {
	b.sending.Lock()
	defer b.sending.Unlock()
	b.mu.Lock()
	m := b.fill
	if m.used == 0 {
		b.mu.Unlock()
		return
	}
	b.fill, b.spare = b.spare, m
	b.late.Stop()
	b.mu.Unlock()
	for sent := 0; sent < m.used; {
		n, err := b.kernel.WriteBatch(m.slots[sent:m.used], 0)
		if err != nil {
			n = max(n, 1) // the first of them is lost, as it would be alone
			b.check(err)
		}
		sent += n
	}
	m.used, m.bytes = 0, 0
	clear(m.open)
}

// check stops asking for what the network's hardware cannot do: it says so with EIO.
func (b *batch) check(err error) {
	if errors.Is(err, syscall.EIO) {
		b.mu.Lock()
		b.segments = false
		b.mu.Unlock()
	}
}

// Close ends the socket; what waits is lost.
func (b *batch) Close() error {
	b.mu.Lock()
	b.late.Stop()
	b.mu.Unlock()
	return b.UDPConn.Close()
}
