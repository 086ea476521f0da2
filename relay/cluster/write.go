package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// markerTTL is how long it is kept that a key was removed or expired.
const markerTTL = time.Minute

// batch is how many keys are written before the answers are waited for.
const batch = 1000

// leaveFor bounds how long a relay takes to remove its keys when it leaves.
const leaveFor = time.Second

// put returns the message that writes a key which expires.
func (s *session) put(key string, value []byte) *nats.Msg {
	return &nats.Msg{Subject: s.subject(key), Data: value}
}

// remove returns the message that removes a key; others are told that it was on
// purpose.
func (s *session) remove(key string) *nats.Msg {
	return &nats.Msg{Subject: s.subject(key), Header: nats.Header{"KV-Operation": {"DEL"}}}
}

func (s *session) subject(key string) string { return "$KV." + s.directory.config.Bucket + "." + key }

// renewals keeps the lease of this relay, until ctx is done.
func (s *session) renewals(ctx context.Context) {
	ttl := s.directory.config.Lease
	t := time.NewTicker(ttl / 4)
	defer t.Stop()
	for failures := 0; ; {
		node := s.self()
		value := lease{node, s.directory.incarnation, s.written.Load(), s.made}.encode()
		one, cancel := context.WithTimeout(ctx, ttl/2)
		_, err := s.js.PublishMsg(one, s.put(relayKey(node.ID), value), jetstream.WithMsgTTL(ttl))
		cancel()
		switch failures++; {
		case err == nil:
			failures = 0
		case failures == 3 || errors.Is(err, jetstream.ErrNoStreamResponse):
			s.cancel(fmt.Errorf("the lease was not renewed: %w", err))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.renew:
		case <-t.C:
		}
	}
}

// register writes the namespaces of this relay, until ctx is done: first what
// differs from the bucket, then what changes, and all of them anew, a slice at a
// time, before they expire.
func (s *session) register(ctx context.Context, bucket map[digest]holding) {
	d := s.directory
	d.mu.Lock()
	clear(d.dirty)
	for key, h := range d.own {
		if there, ok := bucket[key]; !ok || there.hidden != h.hidden {
			d.touch(key)
		}
	}
	for key := range bucket {
		if _, ok := d.own[key]; !ok {
			d.touch(key)
		}
	}
	d.mu.Unlock()
	slices := time.NewTicker(d.config.NamespaceTTL / 2 / 256)
	defer slices.Stop()
	for {
		if err := s.flush(ctx); err != nil {
			s.cancel(fmt.Errorf("namespaces were not written: %w", err))
			return
		}
		if s.written.CompareAndSwap(false, true) {
			s.renew <- struct{}{}
		}
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-slices.C:
			d.mu.Lock()
			for key := range d.own {
				if key[0] == d.slice {
					d.touch(key)
				}
			}
			d.slice++
			d.mu.Unlock()
		}
	}
}

// flush writes what the bucket has to be told of.
func (s *session) flush(ctx context.Context) error {
	d := s.directory
	id := s.view.self
	for {
		var messages []*nats.Msg
		d.mu.Lock()
		for key := range d.dirty {
			if len(messages) == batch {
				break
			}
			delete(d.dirty, key)
			if h, ok := d.own[key]; ok {
				messages = append(messages, s.put(namespaceKey(id, key), h.encode()))
			} else {
				messages = append(messages, s.remove(namespaceKey(id, key)))
			}
		}
		d.mu.Unlock()
		if len(messages) == 0 {
			return nil
		}
		if err := s.write(ctx, messages); err != nil {
			return err
		}
	}
}

// write writes messages and waits for the answers.
func (s *session) write(ctx context.Context, messages []*nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, 5*request)
	defer cancel()
	answers := make([]jetstream.PubAckFuture, 0, len(messages))
	for _, m := range messages {
		ttl := s.directory.config.NamespaceTTL
		if m.Header != nil {
			ttl = markerTTL
		}
		a, err := s.js.PublishMsgAsync(m, jetstream.WithMsgTTL(ttl))
		if err != nil {
			return err
		}
		answers = append(answers, a)
	}
	for _, a := range answers {
		select {
		case <-a.Ok():
		case err := <-a.Err():
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// leave removes this relay and its namespaces from the bucket, as far as time allows.
func (s *session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveFor)
	defer cancel()
	id := s.view.self
	if err := s.write(ctx, []*nats.Msg{s.remove(relayKey(id))}); err != nil {
		s.directory.log.Warn("others were not told that this relay leaves", "error", err)
		return
	}
	var messages []*nats.Msg
	for key := range s.view.own() {
		messages = append(messages, s.remove(namespaceKey(id, key)))
		if len(messages) == batch {
			if s.write(ctx, messages) != nil {
				return // they expire
			}
			messages = messages[:0]
		}
	}
	if len(messages) > 0 {
		_ = s.write(ctx, messages) // they expire
	}
}
