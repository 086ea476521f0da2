package bench

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// objectSize and groupSize are those of the profile 3mbps: 30 objects a second
// make 3 Mbit/s, a stream each second.
const (
	objectSize = 12_500
	groupSize  = 30
)

var fanouts = []int{1, 10, 50}

// BenchmarkRelay sends objects through a relay to n subscribers, each over its
// own QUIC connection; an operation is one object at all of them.
func BenchmarkRelay(b *testing.B) {
	for _, n := range fanouts {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) { relayFanout(b, n) })
	}
}

func relayFanout(b *testing.B, n int) {
	log := slog.New(slog.DiscardHandler)
	source := development(b)
	r := relay.New(relay.Config{Logger: log})
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate})
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	b.Cleanup(func() { l.Close(); r.Close(); <-served })
	url := "moqt://" + l.Addr().String()
	dial := transport.DialConfig{Fingerprints: [][32]byte{source.Fingerprint()}}
	connect := func(h moq.Handler) *moq.Session {
		conn, err := transport.Dial(context.Background(), url, &dial)
		if err != nil {
			b.Fatal(err)
		}
		s, err := moq.NewSession(context.Background(), conn, moq.Config{Handler: h, Logger: log})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close(wire.SessionNoError, ""); s.Wait() })
		return s
	}
	name := wire.FullTrackName{Namespace: wire.Namespace{"bench"}, Name: "video"}
	origin := moq.NewOrigin()
	track := live.NewTrack(name, live.Options{})
	origin.AddTrack(track)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	publisher := connect(origin)
	if _, err := publisher.PublishNamespace(ctx, name.Namespace); err != nil {
		b.Fatal(err)
	}
	var readers []*live.Reader
	for range n {
		sub, err := connect(nil).Subscribe(ctx, name, moq.SubscribeOptions{})
		if err != nil {
			b.Fatal(err)
		}
		readers = append(readers, sub.Track().NewReader(wire.Location{}))
	}
	payload := make([]byte, objectSize)
	var w *live.SubgroupWriter
	id, group := uint64(groupSize), uint64(0)
	b.SetBytes(int64(n * objectSize))
	b.ReportAllocs()
	for b.Loop() {
		if id == groupSize {
			if w != nil {
				w.Close()
			}
			group++
			id = 0
			if w, err = track.OpenSubgroup(live.SubgroupInfo{Group: group, Priority: 128, EndOfGroup: true, FirstObject: true}); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Append(live.WholeObject{ID: id, Payload: payload}); err != nil {
			b.Fatal(err)
		}
		id++
		for _, r := range readers {
			if _, err := r.Next(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkBareQUIC sends the same bytes in the same streams by quic-go alone:
// the ceiling of BenchmarkRelay, without the hop from publisher to relay.
func BenchmarkBareQUIC(b *testing.B) {
	for _, n := range fanouts {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) { bareFanout(b, n) })
	}
}

func bareFanout(b *testing.B, n int) {
	source := development(b)
	server := &tls.Config{NextProtos: []string{"bench"}, GetCertificate: source.GetCertificate}
	client := &tls.Config{NextProtos: []string{"bench"}, InsecureSkipVerify: true} //nolint:gosec // loopback, in a benchmark
	config := &quic.Config{MaxIncomingUniStreams: 1000}
	l, err := quic.ListenAddr("127.0.0.1:0", server, config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	ctx := context.Background()
	var senders []*quic.Conn
	received := make(chan struct{}, 4*n)
	for range n {
		c, err := quic.DialAddr(ctx, l.Addr().String(), client, config)
		if err != nil {
			b.Fatal(err)
		}
		s, err := l.Accept(ctx)
		if err != nil {
			b.Fatal(err)
		}
		senders = append(senders, s)
		b.Cleanup(func() { c.CloseWithError(0, ""); s.CloseWithError(0, "") })
		go receive(c, received)
	}
	work := make([]chan struct{}, n)
	var tasks sync.WaitGroup
	for i, s := range senders {
		work[i] = make(chan struct{}, 1)
		tasks.Go(func() { send(b, s, work[i]) })
	}
	b.SetBytes(int64(n * objectSize))
	b.ReportAllocs()
	for b.Loop() {
		for _, w := range work {
			w <- struct{}{}
		}
		for range n {
			<-received
		}
	}
	for _, w := range work {
		close(w)
	}
	tasks.Wait()
}

// send writes an object per item of work, groupSize of them on a stream.
func send(b *testing.B, c *quic.Conn, work <-chan struct{}) {
	payload := make([]byte, objectSize)
	var stream *quic.SendStream
	sent := 0
	for range work {
		if sent%groupSize == 0 {
			if stream != nil {
				stream.Close()
			}
			var err error
			if stream, err = c.OpenUniStream(); err != nil {
				b.Error(err)
				return
			}
		}
		sent++
		if _, err := stream.Write(payload); err != nil {
			b.Error(err)
			return
		}
	}
}

// receive reports each object read.
func receive(c *quic.Conn, received chan<- struct{}) {
	payload := make([]byte, objectSize)
	for {
		stream, err := c.AcceptUniStream(context.Background())
		if err != nil {
			return
		}
		for {
			if _, err := io.ReadFull(stream, payload); err != nil {
				break
			}
			received <- struct{}{}
		}
	}
}

func development(b *testing.B) *certs.Source {
	source, err := certs.Development("", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { source.Close() })
	return source
}
