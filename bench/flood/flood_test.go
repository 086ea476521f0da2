package flood

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/certs"
	"moqedge/moq/transport"
	"moqedge/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestInitialKeys compares with those that RFC 9001 has in appendix A.1, and a packet
// with that of appendix A.2.
func TestInitialKeys(t *testing.T) {
	server := unhex(t, "8394c8f03e515708")
	k, err := keysOf(server)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(k.iv, unhex(t, "fa044b2f42a3fd3b46fb255c")) {
		t.Errorf("IV %x", k.iv)
	}
	frame := unhex(t, "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c"+
		"00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e"+
		"000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748"+
		"002b0003020304000d0010000e0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff"+
		"05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff")
	payload := append(frame, make([]byte, 1162-len(frame))...)
	packet := k.protect(append([]byte{0xc3, 0, 0, 0, 1, 8}, append(server, 0, 0)...), 2, payload)
	if want := unhex(t, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec356c"); !bytes.HasPrefix(packet, want) {
		t.Errorf("packet %x,\nwant %x", packet[:len(want)], want)
	}
	if tag := unhex(t, "e221af44860018ab0856972e194cd934"); len(packet) != packetSize || !bytes.HasSuffix(packet, tag) {
		t.Errorf("%d bytes that end in %x, want 1200 and %x", len(packet), packet[len(packet)-16:], tag)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestParseRetry: that of RFC 9001, appendix A.4, and nothing that is cut off.
func TestParseRetry(t *testing.T) {
	b := unhex(t, "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba")
	r, ok := parseRetry(b)
	if !ok || len(r.client) != 0 || !bytes.Equal(r.server, unhex(t, "f067a5502a4262b5")) || string(r.token) != "token" {
		t.Errorf("%+v, %v", r, ok)
	}
	for n := range b {
		if r, ok := parseRetry(b[:n]); ok && len(r.token) >= len("token") {
			t.Errorf("the first %d bytes: %+v", n, r)
		}
	}
}

// gate is a door that counts, and has clients show that they are at their address.
type gate struct {
	refuses                          bool
	asked, admitted, validated, left atomic.Int64
}

func (g *gate) Validate(net.Addr) bool {
	g.asked.Add(1)
	return true
}

func (g *gate) Admit(_ net.Addr, validated bool) (func(), error) {
	if validated {
		g.validated.Add(1)
	}
	if g.refuses {
		return nil, errors.New("full")
	}
	g.admitted.Add(1)
	return func() { g.left.Add(1) }, nil
}

func (g *gate) Turn(context.Context) error { return nil }

func (g *gate) Session(net.Addr) *transport.Refusal { return nil }

// TestFloods has each kind flood a relay for a moment: hellos are asked for their address
// and never heard of again, the others get as far as they should.
func TestFloods(t *testing.T) {
	for _, c := range []struct {
		kind    Kind
		refuses bool
	}{{Hellos, false}, {Retries, false}, {Handshakes, false}, {Handshakes, true}, {Namespaces, false}} {
		t.Run(string(c.kind), func(t *testing.T) {
			g := &gate{refuses: c.refuses}
			log := slog.New(slog.DiscardHandler)
			source, err := certs.Development("", nil, log)
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate, Door: g})
			if err != nil {
				t.Fatal(err)
			}
			r := relay.New(relay.Config{Logger: log})
			served := make(chan error, 1)
			go func() { served <- r.Serve(l) }()
			defer func() {
				l.Close()
				r.Close()
				<-served
			}()
			pin := source.Fingerprint()
			task := Task{Kind: c.kind, Addr: l.Addr().String(), Fingerprint: hex.EncodeToString(pin[:]), Rate: 200, Span: 250 * time.Millisecond, Many: 100}
			got := run(t, task)
			want := int(task.Span.Seconds() * float64(task.Rate))
			if c.kind == Namespaces {
				want = task.Many
			}
			if got.Tried == 0 || got.Tried > want { // there may be no time for all
				t.Errorf("%d tries, want %d", got.Tried, want)
			}
			var figures [2]int
			switch c.kind {
			case Hellos:
				figures = [2]int{int(g.validated.Load()), 0}
			case Retries:
				eventually(t, "all who answered are admitted", func() bool { return int(g.validated.Load()) == got.Asked })
				figures = [2]int{min(2*got.Asked, got.Tried), got.Tried} // some may be too late
			case Handshakes:
				figures = [2]int{got.Taken, got.Tried}
				if c.refuses {
					figures[0] = got.Refused
				}
			case Namespaces:
				figures = [2]int{got.Taken, got.Tried}
			}
			if figures[0] != figures[1] || got.Other > 0 {
				t.Errorf("%d, want %d: %+v, %d asked, %d validated", figures[0], figures[1], got, g.asked.Load(), g.validated.Load())
			}
		})
	}
}

func run(t *testing.T, task Task) (got Result) {
	t.Helper()
	r := NewRole()
	defer r.Close()
	args, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{CommandReady, CommandFlood} {
		result, err := r.Handle(command, args)
		if err != nil {
			t.Fatal(err)
		}
		got, _ = result.(Result)
	}
	return got
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
