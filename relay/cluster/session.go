package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"moqedge/relay"
)

// session is one connection to NATS, and what is done with it. Its fields
// belong to the goroutine of run unless they say otherwise.
type session struct {
	directory *Directory
	view      *view
	self      func() relay.Node

	conn    *nats.Conn
	js      jetstream.JetStream // used by all goroutines of the session
	cancel  context.CancelCauseFunc
	tasks   sync.WaitGroup
	current bool          // the relay's own lease came back from the bucket, ...
	heard   time.Time     // ... last at this time
	made    int64         // when the bucket was; written before the session's other goroutines begin
	renew   chan struct{} // asks for a renewal before its time
	written atomic.Bool   // all namespaces of this relay were written
}

// request bounds how long NATS may take to answer.
const request = 2 * time.Second

var errSilent = errors.New("NATS takes writes but tells none: no lease comes back")

// run connects and works until ctx is done or the connection is of no use; then
// it returns why. When ctx is done the relay leaves.
func (s *session) run(ctx context.Context) error {
	working, cancel := context.WithCancelCause(ctx)
	s.cancel = cancel
	if err := s.connect(working); err != nil {
		cancel(nil)
		return err
	}
	err := s.follow(working)
	cancel(err)
	if ctx.Err() != nil && !s.conn.IsClosed() {
		s.leave(context.WithoutCancel(ctx))
	}
	s.disconnect()
	s.tasks.Wait()
	return err
}

// connect opens the connection and finds or makes the bucket.
func (s *session) connect(ctx context.Context) error {
	c := &s.directory.config
	closed := make(chan struct{})
	options := []nats.Option{
		nats.Name("moqedge " + s.self().ID), nats.NoReconnect(), nats.Timeout(request), nats.PingInterval(c.Lease / 4), nats.MaxPingsOutstanding(2),
		nats.SetCustomDialer(dialer{ctx}),
		nats.ClosedHandler(func(nc *nats.Conn) {
			close(closed)
			s.cancel(cmpError(nc.LastError(), errors.New("the connection was closed")))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.directory.log.Debug("NATS", "error", err)
		}),
	}
	urls := strings.Join(append(splitURLs(c.URL), s.directory.servers...), ",")
	if s.directory.server != nil {
		options = append(options, nats.InProcessServer(s.directory.server.server), nats.UserInfo(c.Embedded.User, c.Embedded.Password))
		urls = ""
	}
	if c.Credentials != "" {
		options = append(options, nats.UserCredentials(c.Credentials))
	}
	if c.NKey != "" {
		nkey, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return fmt.Errorf("the NATS user key cannot be used: %w", err)
		}
		options = append(options, nkey)
	}
	if c.TLS != nil {
		options = append(options, func(o *nats.Options) error { o.TLSConfig = c.TLS.Clone(); return nil })
	}
	nc, err := nats.Connect(urls, options...)
	if err != nil {
		return err
	}
	s.conn = nc
	s.tasks.Go(func() { <-closed }) // the handler's end
	if s.js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(request)); err != nil {
		nc.Close()
		return err
	}
	return nil
}

// disconnect closes the connection.
func (s *session) disconnect() {
	if s.directory.server == nil {
		s.directory.servers = s.conn.DiscoveredServers()
	}
	s.conn.Close()
}

// dialer ends attempts to connect with the context.
type dialer struct{ ctx context.Context }

// Dial implements nats.CustomDialer.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	nd := net.Dialer{Timeout: request}
	return nd.DialContext(d.ctx, network, address)
}

func cmpError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// bucket finds the bucket, or makes it.
func (s *session) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	c := &s.directory.config
	ctx, cancel := context.WithTimeout(ctx, 2*request)
	defer cancel()
	kv, err := s.js.KeyValue(ctx, c.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: c.Bucket, Description: "relays and their namespaces", History: 1, Storage: jetstream.MemoryStorage,
			Replicas: c.Replicas, LimitMarkerTTL: markerTTL,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %q on nats-server %s (2.11 or later with JetStream is needed): %w", c.Bucket, s.conn.ConnectedServerVersion(), err)
	}
	stream, err := s.js.Stream(ctx, "KV_"+c.Bucket)
	if err != nil {
		return nil, err
	}
	info := stream.CachedInfo()
	s.made = info.Created.UnixNano()
	if info.Config.SubjectDeleteMarkerTTL == 0 {
		return nil, fmt.Errorf("bucket %q was made without a time to live per key: remove it, and it is made anew", c.Bucket)
	}
	return kv, nil
}

// follow reads the bucket, and has the relay made known in it.
func (s *session) follow(ctx context.Context) error {
	kv, err := s.bucket(ctx)
	if err != nil {
		return err
	}
	watch, err := kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch of bucket %q: %w", s.directory.config.Bucket, err)
	}
	defer func() {
		watch.Stop()
		for range watch.Updates() { // it ends when its last update was taken
		}
	}()
	s.view.begin()
	lease := s.directory.config.Lease
	ticker := time.NewTicker(lease / 16)
	defer ticker.Stop()
	s.renew = make(chan struct{}, 1)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case e, ok := <-watch.Updates():
			switch {
			case !ok:
				return errors.New("the watch of the bucket ended")
			case e == nil:
				s.view.end()
				s.heard = time.Now()
				bucket := s.view.own()
				s.tasks.Go(func() { s.renewals(ctx) })
				s.tasks.Go(func() { s.register(ctx, bucket) })
			default:
				s.take(e, time.Now())
			}
		case now := <-ticker.C:
			if s.view.reading || len(watch.Updates()) > 0 {
				continue // what was said comes before what was not
			}
			switch silence := now.Sub(s.heard); {
			case silence > 2*lease:
				return errSilent
			case silence > lease*5/8: // 2.5 renewals: before anybody's lease of 4 is over
				s.view.freeze()
				s.directory.connected("", errSilent)
			}
			s.view.tick(now)
			s.directory.counted(s.view)
		}
	}
}

// take notes one change of the bucket.
func (s *session) take(e jetstream.KeyValueEntry, now time.Time) {
	id, key, isNamespace, err := parseKey(e.Key())
	if err == nil {
		switch {
		case isNamespace && e.Operation() == jetstream.KeyValuePut:
			err = s.takeNamespace(id, key, e.Value())
		case isNamespace:
			s.view.unnamed(id, key)
			s.reconcile(id, key)
		case e.Operation() == jetstream.KeyValuePut:
			err = s.takeLease(id, e.Value(), now)
		case e.Operation() == jetstream.KeyValueDelete:
			s.view.left(id)
		default:
			s.view.expired(id)
		}
	}
	if err != nil {
		s.directory.log.Debug("the directory holds something unknown", "key", e.Key(), "error", err)
	}
}

func (s *session) takeNamespace(id string, key digest, value []byte) error {
	h, err := decodeHolding(key, value)
	if err != nil {
		return err
	}
	s.view.named(id, key, h)
	s.reconcile(id, key)
	return nil
}

// reconcile has a namespace of this relay written again when the bucket says
// otherwise: others may have removed it, or its time is over.
func (s *session) reconcile(id string, key digest) {
	if id != s.view.self || s.view.reading {
		return
	}
	d := s.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, want := d.own[key]; want != s.view.has(key) {
		d.touch(key)
	}
}

func (s *session) takeLease(id string, value []byte, now time.Time) error {
	l, err := decodeLease(id, value)
	if err != nil {
		return err
	}
	l.complete = l.complete && l.bucket == s.made
	s.view.alive(id, l, now)
	if id != s.view.self || s.view.reading {
		return nil
	}
	d := s.directory
	if l.incarnation != d.incarnation {
		if d.rival != l.incarnation {
			d.rival = l.incarnation
			d.log.Error("another relay has the ID of this one: give each its own", "id", id, "url", l.node.URL)
		}
		return nil
	}
	s.heard, s.current = now, true
	s.view.thaw(now)
	d.counted(s.view)
	d.connected(s.server(), nil)
	return nil
}

// server returns what the session is connected to.
func (s *session) server() string {
	if s.directory.server != nil {
		return s.directory.server.name()
	}
	return maskURLs(s.conn.ConnectedUrl())
}
