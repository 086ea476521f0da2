package transport

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/quic-go/quic-go"
	"golang.org/x/net/ipv4"
)

// A server that was killed and started again knows nothing of the connections of
// its predecessor, and clients that hear nothing wait for the idle timeout. A
// stateless reset tells them (RFC 9000 §10.3): it ends in a token that only who
// gave out the connection ID can know, so both processes derive it from the same
// key.
//
// quic-go answers so to packets of more than 42 bytes; the PING of an idle client
// has half of that. Those are answered here. They can not be told from packets of
// connections that exist but by their connection ID: all IDs of a listener begin
// with the same bytes, and others are of a predecessor, or of nobody. (That they
// are of one listener is no secret: so is its address.)
const (
	resetTagLength = 4
	resetIDLength  = 8 // what is left is random
	// maxUnanswered is up to which size quic-go leaves packets unanswered.
	maxUnanswered = 42
	// minReset is the smallest packet that is one (RFC 9000 §10.3).
	minReset = 21
)

// resetKeyInfo tells the key apart from all else that is derived from a
// certificate's key.
const resetKeyInfo = "moqedge QUIC stateless reset key 2 "

// resetKey derives the key from that of a certificate; it is random when that is
// not at hand, as with keys that are kept in hardware. place is of the server: another
// one with the same certificate has another key, as it would tell who has seen a
// connection ID the token with which to end the connection (RFC 9000 §21.11).
func resetKey(certificate *tls.Certificate, place string) *quic.StatelessResetKey {
	var key quic.StatelessResetKey
	if certificate != nil {
		if secret, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey); err == nil {
			if derived, err := hkdf.Key(sha256.New, secret, nil, resetKeyInfo+place, len(key)); err == nil {
				copy(key[:], derived)
				return &key
			}
		}
	}
	rand.Read(key[:])
	return &key
}

// connectionIDs implements quic.ConnectionIDGenerator.
type connectionIDs struct{ tag [resetTagLength]byte }

func newConnectionIDs() *connectionIDs {
	g := &connectionIDs{}
	rand.Read(g.tag[:])
	return g
}

// GenerateConnectionID returns the tag and random bytes.
func (g *connectionIDs) GenerateConnectionID() (quic.ConnectionID, error) {
	var id [resetIDLength]byte
	n := copy(id[:], g.tag[:])
	rand.Read(id[n:])
	return quic.ConnectionIDFromBytes(id[:]), nil
}

// ConnectionIDLen is the same for all.
func (g *connectionIDs) ConnectionIDLen() int { return resetIDLength }

// resetting is the socket of a listener that answers small packets for
// connections of a predecessor.
type resetting struct {
	*net.UDPConn
	packets *ipv4.PacketConn
	tag     [resetTagLength]byte
	key     *quic.StatelessResetKey
}

// ReadBatch is what quic-go reads by. One packet of a batch is answered at most,
// which bounds what a flood of them costs; clients repeat theirs.
func (r *resetting) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	n, err := r.packets.ReadBatch(ms, flags)
	for i := range max(n, 0) {
		m := &ms[i]
		if answer := r.answer(m.Buffers[0][:m.N]); answer != nil {
			r.send(answer, m)
			break
		}
	}
	return n, err
}

// answer returns the reset for a packet, or nil when there is none to send. It
// is smaller than the packet, so that two servers can not go on answering each
// other (RFC 9000 §10.3.3).
func (r *resetting) answer(packet []byte) []byte {
	if len(packet) > maxUnanswered || len(packet) <= minReset {
		return nil
	}
	// 01 are the first bits of short headers (RFC 9000 §17.3.1).
	if packet[0]>>6 != 1 || [resetTagLength]byte(packet[1:]) == r.tag {
		return nil
	}
	reset := make([]byte, len(packet)-1)
	rand.Read(reset)
	reset[0] = reset[0]&0x3f | 0x40
	// As quic-go derives it, which gave it to the client.
	mac := hmac.New(sha256.New, r.key[:])
	mac.Write(packet[1 : 1+resetIDLength])
	copy(reset[len(reset)-16:], mac.Sum(nil))
	return reset
}

// send answers from the address that a packet came to, where the system takes
// back what it said of that. Resets can be lost like any packet.
func (r *resetting) send(b []byte, m *ipv4.Message) {
	to, ok := m.Addr.(*net.UDPAddr)
	if !ok {
		return
	}
	if _, _, err := r.WriteMsgUDP(b, m.OOB[:m.NN], to); err != nil && m.NN > 0 {
		_, _ = r.WriteTo(b, to)
	}
}
