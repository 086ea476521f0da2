package flood

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"github.com/quic-go/quic-go/quicvarint"
)

// packetSize is that of a datagram with an Initial packet (RFC 9000 §14.1).
const packetSize = 1200

// initialKeys protect the Initial packets of a client (RFC 9001 §5.2).
type initialKeys struct {
	seal cipher.AEAD
	iv   []byte
	mask cipher.Block // for headers (RFC 9001 §5.4.3)
}

// initialSalt is that of QUIC version 1.
func initialSalt() []byte {
	return []byte{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a}
}

// keysOf are those of a connection, by the ID that the client gave the server.
func keysOf(server []byte) (k initialKeys, err error) {
	secret, err := hkdf.Extract(sha256.New, server, initialSalt())
	if err != nil {
		return k, err
	}
	if secret, err = expand(secret, "client in", sha256.Size); err != nil {
		return k, err
	}
	key, err := expand(secret, "quic key", 16)
	if err != nil {
		return k, err
	}
	mask, err := expand(secret, "quic hp", 16)
	if err != nil {
		return k, err
	}
	if k.iv, err = expand(secret, "quic iv", 12); err != nil {
		return k, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return k, err
	}
	if k.seal, err = cipher.NewGCM(block); err != nil {
		return k, err
	}
	k.mask, err = aes.NewCipher(mask)
	return k, err
}

// expand is HKDF-Expand-Label of TLS 1.3 (RFC 8446 §7.1) without a context.
func expand(secret []byte, label string, n int) ([]byte, error) {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(append(append(info, "tls13 "...), label...), 0)
	return hkdf.Expand(sha256.New, secret, string(info), n)
}

// initials appends the Initial packets that carry a message of TLS, each a datagram:
// from is the connection ID of the client, server that of the server, token what a Retry
// gave.
func initials(packets [][]byte, server, from, token, message []byte) ([][]byte, error) {
	k, err := keysOf(server)
	if err != nil {
		return nil, err
	}
	for number, offset := uint32(0), 0; offset < len(message); number++ {
		header := []byte{0xc3, 0, 0, 0, 1, byte(len(server))} // long, Initial, four bytes of number
		header = append(header, server...)
		header = append(append(header, byte(len(from))), from...)
		header = append(quicvarint.Append(header, uint64(len(token))), token...)
		size := packetSize - len(header) - 2 - 4 - k.seal.Overhead()          // of the frames
		payload := quicvarint.Append([]byte{0x06}, uint64(offset))            // CRYPTO
		part := message[offset:min(len(message), offset+size-len(payload)-2)] // its length takes two bytes at most
		payload = append(quicvarint.Append(payload, uint64(len(part))), part...)
		payload = append(payload, make([]byte, size-len(payload))...) // PADDING
		packets = append(packets, k.protect(header, number, payload))
		offset += len(part)
	}
	return packets, nil
}

// protect makes a packet of a header, as far as it does not depend on what follows, and
// frames (RFC 9001 §5.3 and §5.4).
func (k initialKeys) protect(header []byte, number uint32, payload []byte) []byte {
	header = binary.BigEndian.AppendUint16(header, 0x4000|uint16(4+len(payload)+k.seal.Overhead()))
	at := len(header)
	header = binary.BigEndian.AppendUint32(header, number)
	nonce := append([]byte(nil), k.iv...)
	for i := range 4 {
		nonce[len(nonce)-4+i] ^= header[at+i]
	}
	packet := append(make([]byte, 0, packetSize), header...)
	packet = k.seal.Seal(packet, nonce, payload, header)
	var mask [aes.BlockSize]byte
	k.mask.Encrypt(mask[:], packet[at+4:at+4+aes.BlockSize])
	packet[0] ^= mask[0] & 0x0f
	for i := range 4 {
		packet[at+i] ^= mask[1+i]
	}
	return packet
}

// retry is a packet that asks a client to show that it is at its address (RFC 9000
// §17.2.5).
type retry struct {
	client, server []byte // connection IDs: who it is for, and what the server is to be called
	token          []byte
}

// parseRetry reads one; false: it is another packet. That nobody on the way made it up
// is not checked: who floods does not care.
func parseRetry(b []byte) (r retry, ok bool) {
	const tag = 16
	if len(b) < 7 || b[0]&0xf0 != 0xf0 || binary.BigEndian.Uint32(b[1:]) != 1 {
		return r, false
	}
	b = b[5:]
	if r.client, b, ok = shortBytes(b); !ok {
		return r, false
	}
	if r.server, b, ok = shortBytes(b); !ok || len(b) <= tag {
		return r, false
	}
	r.token = b[:len(b)-tag]
	return r, true
}

// shortBytes reads bytes after their length in one byte.
func shortBytes(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	return b[1 : 1+b[0]], b[1+b[0]:], true
}
