package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"go.uber.org/goleak"
)

func TestListenErrors(t *testing.T) {
	source := certificate(t)
	l := listen(t, source, ListenConfig{})
	taken := l.Addr().String()
	_, port, _ := net.SplitHostPort(taken)
	for _, c := range []struct {
		name   string
		config ListenConfig
		words  []string
	}{
		{"taken port", ListenConfig{Addr: taken, GetCertificate: source.GetCertificate}, []string{"UDP port " + port, "taken", "choose another port"}},
		{"no port", ListenConfig{Addr: "127.0.0.1", GetCertificate: source.GetCertificate}, []string{`"127.0.0.1"`, "host:port"}},
		{"foreign address", ListenConfig{Addr: "192.0.2.1:0", GetCertificate: source.GetCertificate}, []string{"192.0.2.1"}},
		{"no certificate", ListenConfig{Addr: "127.0.0.1:0"}, []string{"GetCertificate"}},
		{"h3 as version", ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate, Versions: []string{"h3"}}, []string{"h3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := Listen(&c.config)
			if err == nil {
				l.Close()
				t.Fatal("accepted")
			}
			wantText(t, err, c.words...)
		})
	}
}

func TestBothKindsOnOnePort(t *testing.T) {
	source := certificate(t)
	l := listen(t, source, ListenConfig{})
	for _, k := range []Kind{KindQUIC, KindWebTransport, KindQUIC} {
		client, server := connect(t, k, l, pinning(source))
		if client.Info().Kind != k || server.Info().Kind != k {
			t.Errorf("kinds %s and %s, want %s", client.Info().Kind, server.Info().Kind, k)
		}
		testUni(t, client, server)
	}
}

// TestListenerClose ends a listener in all states that its connections can
// have, while streams are used, and finds no goroutine of it afterwards.
func TestListenerClose(t *testing.T) {
	before := goleak.IgnoreCurrent()
	source := certificate(t)
	l := listen(t, source, ListenConfig{})
	type pair struct{ client, server Conn }
	var pairs []pair
	for _, k := range []Kind{KindQUIC, KindWebTransport, KindQUIC, KindWebTransport} {
		client, server := connect(t, k, l, pinning(source))
		pairs = append(pairs, pair{client, server})
	}
	var wg sync.WaitGroup
	for _, p := range pairs {
		s := must(p.client.OpenStream(patient(t)))(t)
		wg.Go(func() { writeForever(s) })
		wg.Go(func() { readError(s) })
		r := must(p.server.AcceptStream(patient(t)))(t)
		wg.Go(func() { io.Copy(struct{ io.Writer }{r}, struct{ io.Reader }{r}) })
	}
	// Nobody accepts these.
	for _, k := range networks {
		c := must(Dial(patient(t), urlOf(k, l.Addr(), "/"), pinning(source)))(t)
		pairs = append(pairs, pair{c, nil})
	}
	idle := dialHTTP3(t, l)
	l.Close()
	l.Close()
	wg.Wait()
	for _, p := range pairs {
		<-p.client.Context().Done()
		wantError(t, context.Cause(p.client.Context()), &CloseError{Remote: true, Reason: reasonClosing})
		if p.server != nil {
			wantError(t, context.Cause(p.server.Context()), &CloseError{Reason: reasonClosing})
		}
	}
	<-idle.Context().Done()
	_, err := l.Accept(patient(t))
	wantError(t, err, ErrListenerClosed)
	wantError(t, err, net.ErrClosed)
	// The port is free again.
	again := listen(t, source, ListenConfig{Addr: l.Addr().String()})
	again.Close()
	source.Close()
	goleak.VerifyNone(t, before)
}

func TestCloseEndsAccept(t *testing.T) {
	l := listen(t, certificate(t), ListenConfig{})
	done := make(chan error)
	go func() {
		_, err := l.Accept(context.Background())
		done <- err
	}()
	l.Close()
	wantError(t, <-done, ErrListenerClosed)
}

// dialHTTP3 opens a connection with ALPN h3 and does nothing on it.
func dialHTTP3(t *testing.T, l *Listener) *quic.Conn {
	t.Helper()
	c, err := quic.DialAddr(patient(t), l.Addr().String(),
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}},
		&quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseWithError(0, "") })
	return c
}

func TestPlainHTTP3(t *testing.T) {
	source := certificate(t)
	conf := rootsOf(t, source)
	for name, c := range map[string]struct {
		handler http.Handler
		status  int
		body    string
	}{
		"without handler": {nil, 404, "404 page not found"},
		"with handler":    {source, 200, source.FingerprintHex()},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, source, ListenConfig{HTTP: c.handler})
			tr := &http3.Transport{TLSClientConfig: conf}
			defer tr.Close()
			rsp, err := (&http.Client{Transport: tr}).Get("https://" + l.Addr().String() + "/certificate.sha256")
			if err != nil {
				t.Fatal(err)
			}
			defer rsp.Body.Close()
			if body, err := io.ReadAll(rsp.Body); err != nil || rsp.StatusCode != c.status || strings.TrimSpace(string(body)) != c.body {
				t.Errorf("status %d, body %q, %v", rsp.StatusCode, body, err)
			}
		})
	}
}

func TestGarbageOnThePort(t *testing.T) {
	source := certificate(t)
	l := listen(t, source, ListenConfig{})
	noise, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer noise.Close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		r, bytes := rand.New(rand.NewPCG(1, 2)), rand.NewChaCha8([32]byte{})
		for {
			select {
			case <-stop:
				return
			default:
			}
			b := make([]byte, r.IntN(1400))
			bytes.Read(b)
			if len(b) > 5 && r.IntN(2) == 0 {
				// A long header of QUIC version 1, or of an unknown version.
				copy(b, []byte{0xc0 | b[0], 0, 0, 0, byte(r.IntN(2))})
			}
			noise.Write(b)
		}
	})
	for _, k := range networks {
		client, server := connect(t, k, l, pinning(source))
		for range 20 {
			testUni(t, client, server)
			testUni(t, server, client)
		}
	}
	close(stop)
	wg.Wait()
}

func TestClientWithoutDatagrams(t *testing.T) {
	l := listen(t, certificate(t), ListenConfig{})
	c, err := quic.DialAddr(patient(t), l.Addr().String(),
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"moqt-18"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-c.Context().Done()
	e, ok := errors.AsType[*quic.ApplicationError](context.Cause(c.Context()))
	if !ok || !e.Remote || uint64(e.ErrorCode) != codeProtocolViolation {
		t.Errorf("cause %v", context.Cause(c.Context()))
	}
}

// TestPeerVanishes ends WebTransport sessions in ways other than by a close
// message.
func TestPeerVanishes(t *testing.T) {
	source := certificate(t)
	l := listen(t, source, ListenConfig{})
	for name, c := range map[string]struct {
		code quic.ApplicationErrorCode
		want error
	}{
		"page closed":   {quic.ApplicationErrorCode(http3.ErrCodeNoError), &CloseError{Remote: true, Reason: "bye"}},
		"code 0":        {0, &CloseError{Remote: true, Reason: "bye"}},
		"HTTP/3 failed": {quic.ApplicationErrorCode(http3.ErrCodeInternalError), &quic.ApplicationError{Remote: true, ErrorCode: quic.ApplicationErrorCode(http3.ErrCodeInternalError)}},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := connect(t, KindWebTransport, l, pinning(source))
			in := must(openedUni(t, client, server))(t)
			client.(*wtConn).qconn.CloseWithError(c.code, "bye")
			<-server.Context().Done()
			wantError(t, context.Cause(server.Context()), c.want)
			wantError(t, readError(in), c.want)
			_, err := server.AcceptStream(patient(t))
			wantError(t, err, c.want)
			<-client.Context().Done()
		})
	}
}

// A listener that refuses keeps what it has and takes no more, of either kind;
// before and after are told apart at once and not by a timeout.
func TestRefuse(t *testing.T) {
	source := certificate(t)
	l := listen(t, source, ListenConfig{})
	type pair struct{ client, server Conn }
	var kept []pair
	for _, k := range networks {
		client, server := connect(t, k, l, pinning(source))
		kept = append(kept, pair{client, server})
	}
	l.Refuse()
	for _, k := range networks {
		c, err := Dial(patient(t), urlOf(k, l.Addr(), "/"), pinning(source))
		if err == nil {
			c.CloseWithError(0, "")
			t.Fatalf("%s: a connection was taken", k)
		}
		if e, ok := errors.AsType[*quic.TransportError](err); !ok || e.ErrorCode != quic.ConnectionRefused {
			t.Errorf("%s: %v", k, err)
		}
	}
	for _, p := range kept {
		testUni(t, p.client, p.server)
	}
}
