package transport

import (
	"cmp"
	"reflect"
	"unsafe"

	"github.com/quic-go/quic-go"
)

// DefaultShare is the Share of a DialConfig or ListenConfig that has none.
//
// The congestion control of quic-go v0.64 is NewReno (RFC 9002 §7) and nothing
// else can be chosen: after a lost packet it sends 30 % less, and takes one packet
// more per round trip. On a line of 100 ms that loses 1 % by chance, as wireless ones
// do, this comes to 2 Mbit/s, on one of 50 ms to 4 on average and often to less: a
// stream of 3 Mbit/s is late every few seconds, while WebRTC, whose congestion control
// takes losses of up to 2 % for chance, is not. With a share of 4 it is 5 Mbit/s over
// 100 ms (TestShare).
//
// Live media sends what there is and no more, and what makes a queue longer is held
// back by delay before anything is lost (deliver.Config.Ungoverned), so a larger
// share matters where packets are lost otherwise. Beside other flows at a queue that
// is full it takes as much as four of them: as much as browsers take that fetch
// segments over parallel connections, and twice what Chromium's QUIC took.
const DefaultShare = 4

// MaxShare is the largest Share: beyond, a loss would hardly be answered.
const MaxShare = 16

// takeShare is countAs with the bounds of a config.
func takeShare(share int, c *quic.Conn) {
	if share = min(cmp.Or(share, DefaultShare), MaxShare); share > 1 {
		countAs(share, c)
	}
}

// countAs has a new connection share a bottleneck as so many flows would: quic-go has
// CUBIC, which can count for several (N-connection emulation, as in Chromium), but
// no way to ask for it. So its fields are set from outside; false when they
// are no longer what is known here (TestShare), and then nothing is changed.
//
// A connection that moves to another path begins with quic-go's default again.
func countAs(share int, c *quic.Conn) bool {
	sender := pointed(reflect.ValueOf(c), "sentPacketHandler", "congestion")
	if !sender.IsValid() {
		return false
	}
	cubic := pointed(sender.Addr(), "cubic")
	if !cubic.IsValid() {
		return false
	}
	reno, connections := sender.FieldByName("reno"), cubic.FieldByName("numConnections")
	if reno.Kind() != reflect.Bool || connections.Kind() != reflect.Int {
		return false
	}
	setShare((*bool)(unsafe.Pointer(reno.UnsafeAddr())), (*int)(unsafe.Pointer(connections.UnsafeAddr())), share)
	return true
}

// setShare is done while the connection's own goroutine may look: at worst it finds
// one of the two values as it was and answers one loss in the old way. Neither is
// written by anybody else. Hence the race detector is told nothing.
//
//go:norace
func setShare(reno *bool, connections *int, share int) {
	*connections = share
	*reno = false
}

// pointed follows fields that are pointers or interfaces with pointers in them, from a
// pointer to a struct on, and returns the struct at the end; not valid when a field
// is something else.
func pointed(p reflect.Value, fields ...string) reflect.Value {
	v := p.Elem()
	for _, name := range fields {
		if v.Kind() != reflect.Struct {
			return reflect.Value{}
		}
		for v = v.FieldByName(name); v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer; {
			v = v.Elem()
		}
	}
	if v.Kind() != reflect.Struct || !v.CanAddr() {
		return reflect.Value{}
	}
	return v
}
