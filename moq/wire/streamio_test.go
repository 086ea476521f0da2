package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// Readers and writers of whole streams, as a session would do it.

func readSubgroup(b []byte) (subgroupStream, error) {
	var s subgroupStream
	h, n, err := ParseSubgroupHeader(Draft18, b)
	if err != nil {
		return s, err
	}
	s.Header = h
	var c ObjectCursor
	for b = b[n:]; len(b) > 0; {
		o, n, err := ParseSubgroupObject(Draft18, &c, h.HasProperties, b)
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

func writeSubgroup(s *subgroupStream) []byte {
	b := AppendSubgroupHeader(nil, Draft18, &s.Header)
	var c ObjectCursor
	for _, o := range s.Objects {
		b = AppendSubgroupObject(b, Draft18, &c, s.Header.HasProperties,
			&Object{o.ID, o.Status, o.Properties, uint64(len(o.Payload))})
		b = append(b, o.Payload...)
	}
	return b
}

func readFetch(b []byte, descending bool) (fetchStream, error) {
	var s fetchStream
	h, n, err := ParseFetchHeader(Draft18, b)
	if err != nil {
		return s, err
	}
	s.Header = h
	c := FetchCursor{Descending: descending}
	for b = b[n:]; len(b) > 0; {
		o, n, err := ParseFetchObject(Draft18, &c, b)
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

func writeFetch(s *fetchStream, descending bool) []byte {
	b := AppendFetchHeader(nil, Draft18, &s.Header)
	c := FetchCursor{Descending: descending}
	for _, o := range s.Items {
		b = AppendFetchObject(b, Draft18, &c, &FetchObject{o.Kind, o.Group, o.ID, o.Subgroup, o.Datagram,
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
