package main

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"moqedge/bench/bare"
	"moqedge/moq/wire"
)

// source is a stream with the given bytes on it.
type source struct {
	io.Reader
	stopped bool
}

func (s *source) Stop(uint64)                     { s.stopped = true }
func (s *source) SetReadDeadline(time.Time) error { return nil }

func groupOf(p profile) []byte {
	var b []byte
	var e bare.Encoder
	for id := range uint64(p.Group) {
		b = append(b, e.Piece(p.object(0, 7, id)).Bytes...)
	}
	return b
}

func TestReceive(t *testing.T) {
	for _, p := range profiles() {
		if p.Datagram {
			continue
		}
		whole := groupOf(p)
		for _, c := range []struct {
			name    string
			bytes   []byte
			reader  func(io.Reader) io.Reader
			objects int
			broken  uint64
		}{
			{"at once", whole, func(r io.Reader) io.Reader { return r }, p.Group, 0},
			{"byte by byte", whole, iotest.OneByteReader, p.Group, 0},
			{"cut in a payload", whole[:len(whole)-1], func(r io.Reader) io.Reader { return r }, p.Group - 1, 1},
			{"a datagram's type", []byte{0x3F, 0, 0, 0, 0}, func(r io.Reader) io.Reader { return r }, 0, 1},
		} {
			var r received
			s := &source{Reader: c.reader(bytes.NewReader(c.bytes))}
			r.stream(s)
			if got := r.objects.Load(); got != uint64(c.objects) || r.bytes.Load() != uint64(c.objects*p.Size) || r.broken.Load() != c.broken {
				t.Errorf("%s, %s: %d objects, %d bytes, %d broken", p.Name, c.name, got, r.bytes.Load(), r.broken.Load())
			}
			if l := r.late.take(); l.Count != uint64(c.objects) || l.Max > time.Minute {
				t.Errorf("%s, %s: latencies %+v", p.Name, c.name, l)
			}
		}
	}
}

// The bare loop sends what a relay sends: the same number of bytes.
func TestEncoder(t *testing.T) {
	p, err := findProfile("3mbps")
	if err != nil {
		t.Fatal(err)
	}
	b := groupOf(p)
	h, n, err := wire.ParseSubgroupHeader(version, b)
	if err != nil || h.Group != 7 || !h.EndOfGroup || !h.FirstObject {
		t.Fatalf("%+v, %v", h, err)
	}
	var cursor wire.ObjectCursor
	for id := range uint64(p.Group) {
		o, k, err := wire.ParseSubgroupObject(version, &cursor, h.HasProperties, b[n:])
		if err != nil || o.ID != id || o.PayloadLen != uint64(p.Size) {
			t.Fatalf("object %d: %+v, %v", id, o, err)
		}
		n += k + p.Size
	}
	if n != len(b) {
		t.Errorf("%d bytes too many", len(b)-n)
	}
}
