package main

import (
	"context"
	"sync/atomic"
	"time"

	"moqedge/moq/transport"
)

// answerClock is a relay's connection with a subscriber. Of each request it tells
// how long it took from the first bytes that were read until the first were written.
type answerClock struct {
	transport.Conn
	answered chan time.Duration // has room for one
}

// AcceptStream implements transport.Conn.
func (c *answerClock) AcceptStream(ctx context.Context) (transport.Stream, error) {
	s, err := c.Conn.AcceptStream(ctx)
	if err != nil {
		return s, err
	}
	return &answerStream{Stream: s, to: c.answered}, nil
}

type answerStream struct {
	transport.Stream
	to      chan time.Duration
	read    atomic.Pointer[time.Time]
	written atomic.Bool
}

// Read implements transport.Stream.
func (s *answerStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if n > 0 {
		now := time.Now()
		s.read.CompareAndSwap(nil, &now)
	}
	return n, err
}

// Write implements transport.Stream.
func (s *answerStream) Write(p []byte) (int, error) {
	n, err := s.Stream.Write(p)
	if began := s.read.Load(); began != nil && !s.written.Swap(true) {
		select {
		case s.to <- time.Since(*began):
		default:
		}
	}
	return n, err
}

// publisherClock is a relay's connection with a publisher. It notes how long the
// relay waited for the answer to its last request.
type publisherClock struct {
	transport.Conn
	waited *atomic.Int64
}

// OpenStream implements transport.Conn.
func (c *publisherClock) OpenStream(ctx context.Context) (transport.Stream, error) {
	s, err := c.Conn.OpenStream(ctx)
	if err != nil {
		return s, err
	}
	return &askStream{Stream: s, waited: c.waited}, nil
}

type askStream struct {
	transport.Stream
	waited *atomic.Int64
	asked  atomic.Pointer[time.Time]
	heard  atomic.Bool
}

// Write implements transport.Stream.
func (s *askStream) Write(p []byte) (int, error) {
	now := time.Now()
	s.asked.CompareAndSwap(nil, &now)
	return s.Stream.Write(p)
}

// Read implements transport.Stream.
func (s *askStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if asked := s.asked.Load(); asked != nil && n > 0 && !s.heard.Swap(true) {
		s.waited.Store(int64(time.Since(*asked)))
	}
	return n, err
}
