package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// received counts what subscribers got. It is shared by all of a load.
type received struct {
	objects atomic.Uint64 // whole ones
	bytes   atomic.Uint64 // of payloads
	late    histogram     // from the object's writing to its last byte
	// broken counts streams that could not be read to their end, or were not what was sent.
	broken atomic.Uint64
}

// readSize is the most that is read at once.
const readSize = 64 << 10

var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// stream reads a subgroup stream to its end, as cheaply as can be.
func (r *received) stream(s transport.ReceiveStream) {
	buffer := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(buffer)
	p := parser{to: r}
	for end := 0; ; {
		n, err := s.Read(buffer[end:])
		used, bad := p.take(buffer[:end+n])
		if bad != nil {
			r.broken.Add(1)
			s.Stop(uint64(wire.ResetInternalError))
			return
		}
		end = copy(buffer[:], buffer[used:end+n])
		if err != nil {
			if !errors.Is(err, io.EOF) || end > 0 || p.left > 0 {
				r.broken.Add(1)
			}
			return
		}
	}
}

// datagrams reads all of a connection's datagrams.
func (r *received) datagrams(ctx context.Context, c transport.Conn) error {
	for {
		b, err := c.ReceiveDatagram(ctx)
		if err != nil {
			return err
		}
		d, padding, err := wire.ParseDatagram(version, b)
		switch {
		case err != nil || len(d.Payload) < stampSize:
			r.broken.Add(1)
		case !padding:
			r.whole(len(d.Payload), since(d.Payload, time.Now()))
		}
	}
}

func (r *received) whole(size int, age time.Duration) {
	r.objects.Add(1)
	r.bytes.Add(uint64(size))
	r.late.add(age)
}

// parser finds the objects of one subgroup stream in its bytes.
type parser struct {
	to         *received
	header     wire.SubgroupHeader
	begun      bool
	cursor     wire.ObjectCursor
	size, left uint64 // of the payload being read
	stamp      [stampSize]byte
}

// take looks at what has come and returns how much of it is done with.
func (p *parser) take(b []byte) (used int, err error) {
	for {
		if p.left > 0 {
			n := min(p.left, uint64(len(b)-used))
			if at := p.size - p.left; at < stampSize {
				copy(p.stamp[at:], b[used:used+int(n)])
			}
			used += int(n)
			if p.left -= n; p.left > 0 {
				return used, nil
			}
			p.to.whole(int(p.size), since(p.stamp[:], time.Now()))
		}
		n, err := p.next(b[used:])
		used += n
		if errors.Is(err, wire.ErrShort) {
			return used, nil
		} else if err != nil {
			return used, err
		}
	}
}

// next reads one header.
func (p *parser) next(b []byte) (n int, err error) {
	if !p.begun {
		p.header, n, err = wire.ParseSubgroupHeader(version, b)
		if err == nil {
			p.begun = true
		}
		return n, err
	}
	o, n, err := wire.ParseSubgroupObject(version, &p.cursor, p.header.HasProperties, b)
	if err == nil && o.PayloadLen < stampSize && o.Status == wire.ObjectNormal {
		err = errors.New("an object without a clock")
	}
	if err == nil {
		p.size, p.left = o.PayloadLen, o.PayloadLen
	}
	return n, err
}
