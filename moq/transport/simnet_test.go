package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/testutils/simnet"

	"moqedge/certs"
)

// simulation is a listener at the end of a simulated link, in the virtual
// time of a synctest bubble.
type simulation struct {
	t        *testing.T
	router   *lossyRouter
	source   *certs.Source
	sockets  []*simnet.SimConn
	clients  int
	listener *Listener
}

// lossyRouter loses packets by chance, or all of them.
type lossyRouter struct {
	simnet.PerfectRouter
	mu   sync.Mutex
	rand *rand.Rand
	loss float64
}

func (r *lossyRouter) SendPacket(p simnet.Packet) error {
	r.mu.Lock()
	lost := r.rand.Float64() < r.loss
	r.mu.Unlock()
	if lost {
		return nil
	}
	return r.PerfectRouter.SendPacket(p)
}

func (r *lossyRouter) lose(share float64) {
	r.mu.Lock()
	r.loss = share
	r.mu.Unlock()
}

const simLatency = 50 * time.Millisecond // one way

// simulate runs a test in a bubble; the simulation ends before the bubble.
func simulate(t *testing.T, c ListenConfig, run func(t *testing.T, s *simulation)) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulation{t: t, router: &lossyRouter{rand: rand.New(rand.NewPCG(1, 2))}, source: certificate(t, "192.0.2.1")}
		c.PacketConn = s.endpoint(&net.UDPAddr{IP: net.IP{192, 0, 2, 1}, Port: 4443})
		s.listener = listen(t, s.source, c)
		defer func() {
			s.listener.Close()
			for _, socket := range s.sockets {
				socket.Close()
			}
		}()
		run(t, s)
	})
}

// endpoint joins a socket to the network and starts its link.
func (s *simulation) endpoint(addr *net.UDPAddr) *simnet.SimConn {
	one := simnet.Simnet{Router: s.router}
	socket := one.NewEndpoint(addr, simnet.NodeBiDiLinkSettings{Latency: simLatency})
	one.Start()
	s.t.Cleanup(func() { one.Close() })
	s.sockets = append(s.sockets, socket)
	return socket
}

func (s *simulation) clientSocket() *simnet.SimConn {
	s.clients++
	return s.endpoint(&net.UDPAddr{IP: net.IP{198, 51, 100, byte(s.clients)}, Port: 1000})
}

func (s *simulation) dial(k Kind) (client, server Conn) {
	s.t.Helper()
	c := pinning(s.source)
	c.PacketConn = s.clientSocket()
	client, err := Dial(context.Background(), urlOf(k, s.listener.Addr(), "/"), c)
	if err != nil {
		s.t.Fatal(err)
	}
	server, err = s.listener.Accept(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return client, server
}

func TestVirtualTime(t *testing.T) {
	// Raw QUIC needs one round trip for the client and half of one more for
	// the server. With HTTP/3 the settings come with the first answer, so
	// that CONNECT takes the second round trip and not the third.
	for k, trips := range map[Kind]time.Duration{KindQUIC: 1, KindWebTransport: 2} {
		t.Run(k.String(), func(t *testing.T) {
			simulate(t, ListenConfig{}, func(t *testing.T, s *simulation) {
				start := time.Now()
				client, server := s.dial(k)
				if took := time.Since(start); took < trips*2*simLatency || took > (2*trips+1)*simLatency {
					t.Errorf("established after %s", took)
				}
				testBidi(t, client, server)
				testBulk(t, server, client)
				client.CloseWithError(9, "done")
				<-server.Context().Done()
				wantError(t, context.Cause(server.Context()), &CloseError{Code: 9, Remote: true, Reason: "done"})
			})
		})
	}
}

func TestRemoteAddr(t *testing.T) {
	simulate(t, ListenConfig{}, func(t *testing.T, s *simulation) {
		c := pinning(s.source)
		c.PacketConn = s.clientSocket()
		c.RemoteAddr = s.listener.Addr()
		client, err := Dial(context.Background(), "https://relay.invalid/x", c)
		if err != nil {
			t.Fatal(err)
		}
		server := must(s.listener.Accept(context.Background()))(t)
		if i := server.Info(); i.Authority != "relay.invalid" || i.Path != "/x" {
			t.Errorf("info %+v", i)
		}
		client.CloseWithError(0, "")
	})
}

func TestLossyPath(t *testing.T) {
	for _, k := range networks {
		t.Run(k.String(), func(t *testing.T) {
			simulate(t, ListenConfig{}, func(t *testing.T, s *simulation) {
				client, server := s.dial(k)
				s.router.lose(0.05)
				data := random(300_000)
				for range 5 {
					out := must(server.OpenUniStream(context.Background()))(t)
					go func() {
						out.Write(data)
						out.Close()
					}()
					got, err := io.ReadAll(must(client.AcceptUniStream(context.Background()))(t))
					if err != nil || !bytes.Equal(got, data) {
						t.Fatalf("read %d bytes, %v", len(got), err)
					}
				}
				// What was lost on the way shows in the counters.
				if s := server.Stats(); s.PacketsLost == 0 || s.SmoothedRTT < 2*simLatency {
					t.Errorf("stats %+v", s)
				}
				s.router.lose(0)
				server.CloseWithError(4, "over")
				<-client.Context().Done()
				wantError(t, context.Cause(client.Context()), &CloseError{Code: 4, Remote: true, Reason: "over"})
			})
		})
	}
}

func TestDeadPeer(t *testing.T) {
	for _, k := range networks {
		t.Run(k.String(), func(t *testing.T) {
			simulate(t, ListenConfig{}, func(t *testing.T, s *simulation) {
				client, server := s.dial(k)
				in := must(openedUni(t, client, server))(t)
				// Silence alone is no death: keep-alives go back and forth.
				time.Sleep(10 * DefaultIdleTimeout)
				if client.Context().Err() != nil || server.Context().Err() != nil {
					t.Fatal("a quiet connection ended")
				}
				s.router.lose(1)
				start := time.Now()
				for _, c := range []Conn{client, server} {
					<-c.Context().Done()
					if err := context.Cause(c.Context()); !isA[*quic.IdleTimeoutError](err) {
						t.Errorf("cause %v (%T)", err, err)
					}
				}
				// The first unanswered keep-alive starts the clock once more.
				if took := time.Since(start); took > DefaultIdleTimeout+DefaultKeepAlive {
					t.Errorf("noticed after %s", took)
				}
				if err := readError(in); !isA[*quic.IdleTimeoutError](err) {
					t.Errorf("read: %v (%T)", err, err)
				}
				_, err := server.AcceptStream(context.Background())
				if !isA[*quic.IdleTimeoutError](err) {
					t.Errorf("accept: %v (%T)", err, err)
				}
			})
		})
	}
}

// TestCloseWithoutAnswer closes towards a peer that is gone: our side ends at
// once, its connection soon after.
func TestCloseWithoutAnswer(t *testing.T) {
	for _, k := range networks {
		t.Run(k.String(), func(t *testing.T) {
			simulate(t, ListenConfig{}, func(t *testing.T, s *simulation) {
				client, server := s.dial(k)
				s.router.lose(1)
				start := time.Now()
				client.CloseWithError(1, "x")
				wantError(t, context.Cause(client.Context()), &CloseError{Code: 1, Reason: "x"})
				if took := time.Since(start); took > 100*time.Millisecond {
					t.Errorf("close took %s", took)
				}
				<-server.Context().Done()
			})
		})
	}
}

func TestDialTimeout(t *testing.T) {
	simulate(t, ListenConfig{}, func(t *testing.T, s *simulation) {
		s.router.lose(1)
		for _, k := range networks {
			for _, timeout := range []time.Duration{0, 3 * time.Second} {
				c := pinning(s.source)
				c.PacketConn = s.clientSocket()
				c.HandshakeTimeout = timeout
				if timeout == 0 {
					timeout = DefaultHandshakeTimeout
				}
				start := time.Now()
				_, err := Dial(context.Background(), urlOf(k, s.listener.Addr(), "/"), c)
				e, ok := errors.AsType[*DialError](err)
				if took := time.Since(start); !ok || !e.Timeout() || took > timeout+time.Second {
					t.Errorf("%s: after %s: %v", k, took, err)
				}
			}
		}
	})
}

// silentHTTP3 opens an HTTP/3 connection that requests no session.
func (s *simulation) silentHTTP3() *quic.Conn {
	s.t.Helper()
	tr := &quic.Transport{Conn: s.clientSocket()}
	s.t.Cleanup(func() { tr.Close() })
	conf := (&DialConfig{Fingerprints: [][32]byte{s.source.Fingerprint()}}).tls(target{host: "192.0.2.1"}, []string{http3.NextProtoH3})
	c, err := tr.Dial(context.Background(), s.listener.Addr(), conf, settings{}.quicConfig())
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func TestNoSessionRequested(t *testing.T) {
	const timeout = 7 * time.Second
	simulate(t, ListenConfig{HandshakeTimeout: timeout}, func(t *testing.T, s *simulation) {
		// One that does nothing but keep the connection alive, and one that
		// opens streams without ever finishing a request.
		start := time.Now()
		silent, slow := s.silentHTTP3(), s.silentHTTP3()
		str := must(slow.OpenStreamSync(context.Background()))(t)
		str.Write([]byte{0x01, 0x40})
		for _, c := range []*quic.Conn{silent, slow} {
			<-c.Context().Done()
			e, ok := errors.AsType[*quic.ApplicationError](context.Cause(c.Context()))
			if took := time.Since(start); !ok || !e.Remote || took < timeout || took > timeout+time.Second {
				t.Errorf("ended after %s: %v", took, context.Cause(c.Context()))
			}
		}
	})
}

func TestPlainRequestsKeepConnection(t *testing.T) {
	const timeout = 7 * time.Second
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(3 * timeout)
		}
		io.WriteString(w, "ok")
	})
	simulate(t, ListenConfig{HandshakeTimeout: timeout, HTTP: slow}, func(t *testing.T, s *simulation) {
		qconn := s.silentHTTP3()
		h3 := (&http3.Transport{}).NewClientConn(qconn)
		for _, path := range []string{"/", "/slow", "/"} {
			time.Sleep(timeout - time.Second)
			rsp, err := h3.RoundTrip(must(http.NewRequest(http.MethodGet, "https://192.0.2.1"+path, nil))(t))
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(rsp.Body); err != nil || string(body) != "ok" {
				t.Errorf("body %q, %v", body, err)
			}
			rsp.Body.Close()
		}
		<-qconn.Context().Done()
	})
}

func TestSessionOutlivesHandshakeTimeout(t *testing.T) {
	simulate(t, ListenConfig{HandshakeTimeout: 2 * time.Second}, func(t *testing.T, s *simulation) {
		client, server := s.dial(KindWebTransport)
		time.Sleep(time.Minute)
		testUni(t, client, server)
		client.CloseWithError(0, "")
	})
}

func TestHandshakeNeverFinished(t *testing.T) {
	simulate(t, ListenConfig{HandshakeTimeout: 2 * time.Second}, func(t *testing.T, s *simulation) {
		// The certificate is refused by the client, whose answer is lost.
		tr := &quic.Transport{Conn: s.clientSocket()}
		conf := &tls.Config{NextProtos: []string{"moqt-18"}, InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error {
			s.router.lose(1)
			return errors.New("no")
		}}
		if _, err := tr.Dial(context.Background(), s.listener.Addr(), conf, nil); err == nil {
			t.Fatal("accepted")
		}
		tr.Close()
		time.Sleep(3 * time.Second)
		s.listener.mu.Lock()
		defer s.listener.mu.Unlock()
		if n := len(s.listener.conns); n != 0 {
			t.Errorf("%d connections kept", n)
		}
	})
}
