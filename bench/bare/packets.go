package bare

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// packetSize is the payload of a full UDP packet: what quic-go's path discovery
// finds where it may be as large, such as on loopback.
const packetSize = 1452

// PacketsConfig is of Packets.
type PacketsConfig struct {
	// Conn is a socket of IPv4, which is closed by Close.
	Conn *net.UDPConn
	// Segments has the kernel split up to 44 packets to a client that it gets by one
	// system call (UDP_SEGMENT of Linux, which quic-go uses, too). Else each packet
	// is a system call.
	Segments bool
	// Encrypt seals each packet by AES-128-GCM with a key for each client. Client and
	// loop know it without a handshake: it costs what encryption costs and hides
	// nothing.
	Encrypt bool
	// Tracks returns what a client wants; nil: track 0.
	Tracks func(client uint64) []int
}

// Packets sends what it is given by UDP alone.
type Packets struct {
	config  PacketsConfig
	reading sync.WaitGroup
	clients clients[*receiver]
	// buffer has packets that are about to be sent to one client; it belongs to who
	// calls Send.
	buffer []byte
}

// receiver is a client; all but addr belongs to who calls Send.
type receiver struct {
	addr   netip.AddrPort
	sealer cipher.AEAD // nil: packets are sent as they are
	next   uint64      // number of the next packet
}

// header is before the payload of each packet: its number, then track, group, ID
// and size of the object, and where in it the payload belongs.
const (
	headerSize = 8 + 2 + 4 + 4 + 4 + 4
	tagSize    = 16
	nonceSize  = 12
)

// messageMost bounds a message that the kernel splits, into 44 packets: it splits
// off 64 at most.
const messageMost = 65_000

// maxObject bounds the objects that clients put together.
const maxObject = 16 << 20

// maxNumber bounds the numbers of clients.
const maxNumber = 1 << 20

// NewPackets begins to wait for clients. It owns the socket from then on, errors
// excepted.
func NewPackets(c PacketsConfig) (*Packets, error) {
	if c.Tracks == nil {
		c.Tracks = func(uint64) []int { return []int{0} }
	}
	if c.Segments {
		if err := segment(c.Conn, packetSize); err != nil {
			return nil, fmt.Errorf("bare: segmentation: %w", err)
		}
	}
	p := &Packets{config: c, buffer: make([]byte, 0, messageMost)}
	p.reading.Go(p.read)
	return p, nil
}

// read takes in clients, who say who they are until they get something.
func (p *Packets) read() {
	known := map[uint64]bool{}
	b := make([]byte, packetSize)
	for {
		n, addr, err := p.config.Conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n != 8 {
			continue
		}
		number := binary.BigEndian.Uint64(b)
		if number >= maxNumber || known[number] {
			continue
		}
		r := &receiver{addr: addr}
		if p.config.Encrypt {
			if r.sealer, err = seal(number); err != nil {
				continue // the client gets nothing, and says so
			}
		}
		known[number] = true
		p.clients.join(r, p.config.Tracks(number))
	}
}

// seal returns the cipher of a client.
func seal(client uint64) (cipher.AEAD, error) {
	key := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("bare loop"), client))
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Send sends an object to all clients that want its track. A packet that the
// kernel does not take is lost. It is called by one goroutine at a time.
func (p *Packets) Send(o Object) {
	for _, r := range p.clients.of(o.Track) {
		r.send(p, o)
	}
}

func (r *receiver) send(p *Packets, o Object) {
	room := packetSize - headerSize
	if r.sealer != nil {
		room -= tagSize
	}
	b := p.buffer[:0]
	for at := 0; at == 0 || at < len(o.Payload); at += room {
		end := min(at+room, len(o.Payload))
		b = r.packet(b, o, at, end)
		full := len(b)+packetSize > messageMost
		if !p.config.Segments || full || end == len(o.Payload) {
			_, _ = p.config.Conn.WriteToUDPAddrPort(b, r.addr)
			b = b[:0]
		}
	}
}

// packet appends one packet with a part of an object.
func (r *receiver) packet(b []byte, o Object, from, to int) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint64(b, r.next)
	r.next++
	b = binary.BigEndian.AppendUint16(b, uint16(o.Track))
	for _, x := range []uint64{o.Group, o.ID, uint64(len(o.Payload)), uint64(from)} {
		b = binary.BigEndian.AppendUint32(b, uint32(x))
	}
	if r.sealer == nil {
		return append(b, o.Payload[from:to]...)
	}
	var nonce [nonceSize]byte
	copy(nonce[nonceSize-8:], b[start:start+8])
	return r.sealer.Seal(b, nonce[:], o.Payload[from:to], b[start:start+headerSize])
}

// Addr is where it listens.
func (p *Packets) Addr() net.Addr { return p.config.Conn.LocalAddr() }

// Close closes the socket and waits for everything. Nobody may be in Send.
func (p *Packets) Close() error {
	err := p.config.Conn.Close()
	p.reading.Wait()
	return err
}
