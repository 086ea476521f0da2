package bare

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Watch is the client of a Loop that is Numbered: it says its number and calls got
// for each object that is there, until ctx ends, which is no error, or the
// connection does. Objects of several streams come by several goroutines; got does
// not keep the payload.
func Watch(ctx context.Context, c transport.Conn, client uint64, got func(Object)) error {
	s, err := c.OpenUniStream(ctx)
	if err != nil {
		return err
	}
	if _, err := s.Write(binary.BigEndian.AppendUint64(nil, client)); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var tasks sync.WaitGroup
	tasks.Go(func() { cancel(watchDatagrams(ctx, c, got)) })
	for {
		s, err := c.AcceptUniStream(ctx)
		if err != nil {
			cancel(err)
			break
		}
		tasks.Go(func() {
			if err := watchStream(s, got); err != nil {
				cancel(err)
			}
		})
	}
	err = context.Cause(ctx)
	c.CloseWithError(uint64(wire.SessionNoError), "") // which ends what reads
	tasks.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func watchDatagrams(ctx context.Context, c transport.Conn, got func(Object)) error {
	for {
		b, err := c.ReceiveDatagram(ctx)
		if err != nil {
			return err
		}
		d, padding, err := wire.ParseDatagram(Version, b)
		if err != nil {
			return err
		}
		if !padding {
			got(Object{Track: int(d.TrackAlias), Group: d.Group, ID: d.ID, Last: d.EndOfGroup, Datagram: true, Properties: d.Properties, Payload: d.Payload})
		}
	}
}

// readSize is the most that is read at once.
const readSize = 32 << 10

// watchStream reads a group.
func watchStream(s io.Reader, got func(Object)) error {
	r := bufio.NewReaderSize(s, readSize)
	var header wire.SubgroupHeader
	if err := parse(r, func(b []byte) (n int, err error) {
		header, n, err = wire.ParseSubgroupHeader(Version, b)
		return n, err
	}); err != nil {
		return fmt.Errorf("the header of a group: %w", err)
	}
	var cursor wire.ObjectCursor
	var payload []byte
	for {
		var o wire.Object
		err := parse(r, func(b []byte) (n int, err error) {
			o, n, err = wire.ParseSubgroupObject(Version, &cursor, header.HasProperties, b)
			return n, err
		})
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && o.PayloadLen > maxObject {
			err = fmt.Errorf("%d bytes are too many", o.PayloadLen)
		}
		if err != nil {
			return fmt.Errorf("an object: %w", err)
		}
		if uint64(cap(payload)) < o.PayloadLen {
			payload = make([]byte, o.PayloadLen)
		}
		payload = payload[:o.PayloadLen]
		if _, err := io.ReadFull(r, payload); err != nil {
			return fmt.Errorf("a payload: %w", err)
		}
		got(Object{Track: int(header.TrackAlias), Group: header.Group, ID: o.ID, Payload: payload})
	}
}

// parse has f read something from the front of r, with as many bytes as it takes.
// At the end of r it returns io.EOF, within something io.ErrUnexpectedEOF.
func parse(r *bufio.Reader, f func(b []byte) (n int, err error)) error {
	for {
		b, _ := r.Peek(r.Buffered())
		n, err := f(b)
		if err == nil {
			_, err = r.Discard(n)
			return err
		}
		if !errors.Is(err, wire.ErrShort) {
			return err
		}
		if _, err := r.Peek(len(b) + 1); err != nil {
			if errors.Is(err, io.EOF) && len(b) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
}
