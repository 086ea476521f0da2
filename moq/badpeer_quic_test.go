package moq_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// quicFlood is an offence against a session over QUIC, whose windows and stream
// limits are what holds the peer: one that sends beyond them is closed by quic-go
// (RFC 9000 §4.1, §4.6), which has its own tests of that.
type quicFlood struct {
	name   string
	listen transport.ListenConfig
	dial   quic.Config // of the offender: what it lets the session send
	config func(*moq.Config)
	run    func(f *quicFlooder)
	want   wire.SessionError
	open   bool   // the session is to go on, instead
	bound  uint64 // bytes of heap that both ends may take
}

type quicFlooder struct {
	*flooder
	handler *accepting
	before  uint64
	bound   uint64
}

// check measures the heap.
func (f *quicFlooder) check() {
	if now := heap(); now > f.before+f.bound {
		f.t.Errorf("both ends take %d KiB, the bound is %d KiB", (now-f.before)>>10, f.bound>>10)
	}
}

// TestFloodsOverQUIC: see TestFloods. The windows are those of this library on
// the side of the session.
func TestFloodsOverQUIC(t *testing.T) {
	for _, x := range quicFloods() {
		t.Run(x.name, func(t *testing.T) { x.test(t) })
	}
}

func (x *quicFlood) test(t *testing.T) {
	certificate, err := certs.Development("", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer certificate.Close()
	listen := x.listen
	listen.Addr, listen.GetCertificate = "127.0.0.1:0", certificate.GetCertificate
	listener, err := transport.Listen(&listen)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	f := &quicFlooder{handler: newAccepting(), bound: x.bound}
	c := moq.Config{Handler: f.handler, Logger: slog.New(slog.DiscardHandler), ControlTimeout: 500 * time.Millisecond, DataTimeout: 500 * time.Millisecond}
	if x.config != nil {
		x.config(&c)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := listener.Accept(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if s, err := moq.NewSession(context.Background(), conn, c); err == nil {
			s.Wait()
		}
	}()
	dial := &transport.DialConfig{Fingerprints: [][32]byte{certificate.Fingerprint()}, Versions: []string{wire.Draft18.String()}, QUIC: &x.dial}
	conn, err := transport.Dial(t.Context(), "moqt://"+listener.Addr().String(), dial)
	if err != nil {
		t.Fatal(err)
	}
	heap()
	f.before = heap()
	f.flooder = &flooder{t: t, conn: conn, v: wire.Draft18, real: true}
	f.setup()
	x.run(f)
	f.check()
	if x.open {
		if err := conn.Context().Err(); err != nil {
			t.Errorf("the session ended: %v", context.Cause(conn.Context()))
		}
	} else {
		select {
		case <-conn.Context().Done():
		case <-time.After(20 * time.Second):
			t.Error("the session lives")
		}
		var closed *transport.CloseError
		if cause := context.Cause(conn.Context()); !errors.As(cause, &closed) || wire.SessionError(closed.Code) != x.want {
			t.Errorf("the session ended with %v, want %v", cause, x.want)
		}
	}
	_ = conn.CloseWithError(0, "")
	<-served
}

func quicFloods() []quicFlood {
	narrow := quic.Config{InitialStreamReceiveWindow: 4096, MaxStreamReceiveWindow: 4096, InitialConnectionReceiveWindow: 1 * mib, MaxConnectionReceiveWindow: 1 * mib}
	patient := func(c *moq.Config) { c.DataTimeout, c.ControlTimeout = 0, 0 }
	return []quicFlood{
		{name: "streams that stay empty", config: func(c *moq.Config) { c.Tolerance = 50 }, want: wire.SessionProtocolViolation, bound: 8 * mib, run: func(f *quicFlooder) {
			for i := range 200 {
				s, err := f.conn.OpenUniStream(f.t.Context())
				if err != nil {
					f.t.Fatal(err)
				}
				if i == 199 { // which opens those before it as well (RFC 9000 §3.2)
					f.write(s, wire.AppendVarint(nil, uint64(wire.StreamPadding)))
				}
			}
		}},
		{name: "more streams than are allowed", listen: transport.ListenConfig{MaxUniStreams: 64, MaxStreams: 64}, want: wire.SessionDataStreamTimeout, bound: 8 * mib, run: func(f *quicFlooder) {
			opened := 0
			for ; f.uni(f.subgroup(7, 1)[:2]); opened++ {
			}
			if opened > 64 {
				f.t.Errorf("%d streams were opened", opened)
			}
		}},
		{name: "one byte after the other", want: wire.SessionControlMessageTimeout, bound: 8 * mib, run: func(f *quicFlooder) {
			for _, b := range f.encode(&wire.Goaway{URI: "moqt://long.example/and/longer", RequestID: wire.Some(uint64(1))}) {
				if !f.write(f.control, []byte{b}) {
					return
				}
				select {
				case <-f.conn.Context().Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		}},
		{name: "a request that is not read", dial: narrow, want: wire.SessionControlMessageTimeout, bound: 8 * mib, run: func(f *quicFlooder) {
			for i := range 1000 {
				f.handler.AddNamespace(wire.Namespace{"n", fmt.Sprint(i)})
			}
			f.request(&wire.SubscribeNamespace{RequestID: f.id()})
		}},
		{name: "a subscription that is not read", config: patient, dial: narrow, open: true, bound: 24 * mib, run: func(f *quicFlooder) {
			f.request(&wire.Subscribe{RequestID: f.id(), Track: clock})
			for f.handler.track.Done() == nil { // until a group has gone out
				select {
				case <-time.After(10 * time.Millisecond):
				case <-f.conn.Context().Done():
					return
				}
				if f.conn.Stats().BytesReceived > 4096 {
					break
				}
				f.handler.produce(f.t, f.produced())
			}
			for range 100 {
				f.handler.produce(f.t, f.produced())
			}
			f.check()
		}},
		{name: "one group without end", config: patient, open: true, bound: 32 * mib, run: func(f *quicFlooder) {
			f.handler.keeps.Store(4 * mib)
			f.request(&wire.Publish{RequestID: f.id(), Track: name("video"), TrackAlias: 7})
			s, err := f.conn.OpenUniStream(f.t.Context())
			if err != nil {
				f.t.Fatal(err)
			}
			var c wire.ObjectCursor
			f.write(s, f.subgroup(7, 0))
			payload := make([]byte, 100_000)
			for i := range 500 {
				if !f.write(s, append(f.object(&c, uint64(i), 100_000), payload...)) {
					return
				}
				if i%125 == 124 {
					f.check()
				}
			}
		}},
	}
}

// produced is the number of the next group.
func (f *quicFlooder) produced() uint64 {
	if l, any := f.handler.track.Largest(); any {
		return l.Group + 1
	}
	return 0
}
