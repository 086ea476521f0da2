package bare

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"time"
)

// hello is how often a client says its number until it gets something.
const hello = 100 * time.Millisecond

// pending is how many objects a client has parts of at most: what is older lacks a
// packet that was lost.
const pending = 64

// Catch is the client of Packets: it says its number and calls got for each object
// that is there with all of its parts, until ctx ends, which is no error. got does not
// keep the payload. Encrypted says what the loop does. The socket is the caller's to
// close.
func Catch(ctx context.Context, c net.PacketConn, loop net.Addr, client uint64, encrypted bool, got func(Object)) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	k := &catcher{parts: map[location]*parts{}, got: got}
	if encrypted {
		var err error
		if k.opener, err = seal(client); err != nil {
			return err
		}
	}
	b := make([]byte, packetSize)
	for begun := false; ; {
		if !begun {
			if _, err := c.WriteTo(binary.BigEndian.AppendUint64(nil, client), loop); err != nil {
				return err
			}
			if err := c.SetReadDeadline(time.Now().Add(hello)); err != nil {
				return err
			}
		}
		n, _, err := c.ReadFrom(b)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return err
		}
		if !begun {
			begun = true
			if err := c.SetReadDeadline(time.Time{}); err != nil {
				return err
			}
			if ctx.Err() != nil { // its deadline may have been overwritten
				return nil
			}
		}
		k.take(b[:n])
	}
}

// catcher puts objects together. It belongs to one goroutine.
type catcher struct {
	opener cipher.AEAD // nil: packets are as they were sent
	parts  map[location]*parts
	order  []location // of parts, the oldest first
	got    func(Object)
}

type location struct {
	track     uint16
	group, id uint32
}

// parts are those of an object that have come.
type parts struct {
	payload []byte
	missing int // bytes
}

// take reads a packet. What is none of the loop's is left out.
func (k *catcher) take(b []byte) {
	if len(b) < headerSize {
		return
	}
	header, part := b[:headerSize], b[headerSize:]
	if k.opener != nil {
		var nonce [nonceSize]byte
		copy(nonce[nonceSize-8:], header)
		var err error
		if part, err = k.opener.Open(part[:0], nonce[:], part, header); err != nil {
			return
		}
	}
	at := location{binary.BigEndian.Uint16(header[8:]), binary.BigEndian.Uint32(header[10:]), binary.BigEndian.Uint32(header[14:])}
	size, offset := int(binary.BigEndian.Uint32(header[18:])), int(binary.BigEndian.Uint32(header[22:]))
	if size > maxObject || offset+len(part) > size {
		return
	}
	o := Object{Track: int(at.track), Group: uint64(at.group), ID: uint64(at.id)}
	if len(part) == size {
		o.Payload = part
		k.got(o)
		return
	}
	p := k.parts[at]
	if p == nil {
		p = &parts{payload: make([]byte, size), missing: size}
		k.parts[at] = p
		if k.order = append(k.order, at); len(k.order) > pending {
			delete(k.parts, k.order[0])
			k.order = k.order[1:]
		}
	}
	if len(p.payload) != size {
		return
	}
	copy(p.payload[offset:], part)
	if p.missing -= len(part); p.missing <= 0 {
		delete(k.parts, at)
		o.Payload = p.payload
		k.got(o)
	}
}
