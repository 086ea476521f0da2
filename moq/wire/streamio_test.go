package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// Readers and writers of whole streams, as a session would do it.

func readSubgroup(v Version, b []byte) (subgroupStream, error) {
	var s subgroupStream
	h, n, err := ParseSubgroupHeader(v, b)
	if err != nil {
		return s, err
	}
	s.Header = h
	var c ObjectCursor
	for b = b[n:]; len(b) > 0; {
		o, n, err := ParseSubgroupObject(v, &c, h.HasProperties, b)
		if err != nil {
			return s, err
		}
		payload, rest, err := cutPayload(b[n:], o.PayloadLen)
		if err != nil {
			return s, err
		}
		if h.Mode == SubgroupFirstObject && len(s.Objects) == 0 {
			s.Header.Subgroup = o.ID
		}
		s.Objects = append(s.Objects, streamObject{o.ID, o.Status, o.Properties, payload})
		b = rest
	}
	return s, nil
}

func writeSubgroup(v Version, s *subgroupStream) []byte {
	b := AppendSubgroupHeader(nil, v, &s.Header)
	var c ObjectCursor
	for _, o := range s.Objects {
		b = AppendSubgroupObject(b, v, &c, s.Header.HasProperties,
			&Object{o.ID, o.Status, o.Properties, uint64(len(o.Payload))})
		b = append(b, o.Payload...)
	}
	return b
}

func readFetch(v Version, b []byte, descending bool) (fetchStream, error) {
	var s fetchStream
	h, n, err := ParseFetchHeader(v, b)
	if err != nil {
		return s, err
	}
	s.Header = h
	c := FetchCursor{Descending: descending}
	for b = b[n:]; len(b) > 0; {
		o, n, err := ParseFetchObject(v, &c, b)
		if err != nil {
			return s, err
		}
		payload, rest, err := cutPayload(b[n:], o.PayloadLen)
		if err != nil {
			return s, err
		}
		s.Items = append(s.Items, fetchItem{o.Kind, o.Group, o.ID, o.Subgroup, o.Datagram, o.Priority,
			o.HasProperties, o.Properties, payload})
		b = rest
	}
	return s, nil
}

func writeFetch(v Version, s *fetchStream, descending bool) []byte {
	b := AppendFetchHeader(nil, v, &s.Header)
	c := FetchCursor{Descending: descending}
	for _, o := range s.Items {
		b = AppendFetchObject(b, v, &c, &FetchObject{o.Kind, o.Group, o.ID, o.Subgroup, o.Datagram,
			o.Priority, o.HasProperties, o.Properties, uint64(len(o.Payload))})
		b = append(b, o.Payload...)
	}
	return b
}

func cutPayload(b []byte, n uint64) (payload, rest []byte, err error) {
	if n > math.MaxInt || n > uint64(len(b)) {
		return nil, nil, ErrShort
	}
	if n == 0 {
		return nil, b, nil
	}
	return b[:n:n], b[n:], nil
}

// truncated reads every beginning of in and returns an error unless it either
// ends between two units of the stream or is ErrShort.
func truncated(in []byte, read func([]byte) ([]byte, error)) error {
	for i := range in {
		again, err := read(in[:i:i])
		switch {
		case errors.Is(err, ErrShort):
		case err != nil:
			return fmt.Errorf("cut at %d: %w", i, err)
		case again != nil && !bytes.Equal(again, in[:i]):
			return fmt.Errorf("cut at %d: read %x from %x", i, again, in[:i])
		}
	}
	return nil
}

// readProperties is what the codec of v makes of a block whose length is known.
func readProperties(v Version, b []byte) (Properties, error) {
	d := decoder{draft: v.draft()}
	p := d.canonical(b)
	if d.err != nil {
		return nil, d.err
	}
	return p, p.Validate()
}

func writeProperties(v Version, kvs []KeyValue) []byte {
	e := encoder{draft: v.draft()}
	e.pairs(kvs)
	return e.b
}

// readTrackInfo reads b as the Track Properties at the end of a message.
func readTrackInfo(v Version, b []byte) (TrackInfo, error) {
	d := decoder{draft: v.draft(), b: b}
	p := d.trackProperties()
	if d.err != nil {
		return TrackInfo{}, d.err
	}
	return p.TrackInfo()
}

func readVarint(v Version, b []byte) (uint64, error) {
	d := decoder{draft: v.draft(), b: b}
	return d.varint(), d.err
}

func writeVarint(v Version, u uint64) []byte {
	e := encoder{draft: v.draft()}
	e.varint(u)
	return e.b
}
