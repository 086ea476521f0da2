package srt

import (
	"errors"
	"fmt"
	"reflect"

	gosrt "github.com/datarhei/gosrt"
)

// The library trusts two things in a handshake that anyone can send. Both are
// caught here, because either would end the process.

// errHandshake is a handshake that the library cannot read.
var errHandshake = errors.New("malformed SRT handshake")

// next waits for a connection request. A handshake cut short makes the
// library's parser run over its end; it does so in this goroutine, before it
// takes any lock, so that going on is safe.
func next(ln gosrt.Listener) (req gosrt.ConnRequest, err error) {
	defer func() {
		if v := recover(); v != nil {
			req, err = nil, fmt.Errorf("%w: %v", errHandshake, v)
		}
	}()
	return ln.Accept2()
}

// saneSize refuses a request with a packet size below what the headers need:
// the library subtracts the headers from it, gets a number near 2^32 and
// allocates that. The size is in no exported place.
func saneSize(req gosrt.ConnRequest) error {
	v := reflect.ValueOf(req)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	if v = v.FieldByName("config"); v.Kind() != reflect.Struct {
		return nil
	}
	if v = v.FieldByName("PayloadSize"); !v.CanUint() {
		return nil
	}
	if n := v.Uint(); n < gosrt.MIN_PAYLOAD_SIZE || n > gosrt.MAX_PAYLOAD_SIZE {
		return refuse(gosrt.REJ_ROGUE, "the packet size in the handshake is impossible")
	}
	return nil
}
