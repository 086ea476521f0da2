package main

import (
	"encoding/binary"
	"time"

	"moqedge/bench/bare"
)

// version is the draft that all parts of the benchmark speak.
const version = bare.Version

// stampSize is the length of the clock at the start of each payload.
const stampSize = 8

// newPayload returns a payload with the time in it.
func newPayload(size int) []byte {
	b := make([]byte, size)
	stamp(b, time.Now())
	return b
}

func stamp(b []byte, t time.Time) { binary.BigEndian.PutUint64(b, uint64(t.UnixNano())) }

// since returns how old a payload is that begins with b.
func since(b []byte, now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - int64(binary.BigEndian.Uint64(b)))
}
