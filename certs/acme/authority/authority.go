package authority

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// Authority is an ACME server, pebble, which connects to the names that it validates:
// all of them are this machine for it. It serves HTTPS on loopback.
type Authority struct {
	*httptest.Server
	// Roots is what it signs with, Own what its HTTPS is checked against.
	Roots, Own *x509.CertPool
	// Orders is how many certificates it was asked for, Looked how often its directory
	// was read.
	Orders, Looked atomic.Int64
	// Down has it answer with status 503.
	Down atomic.Bool
}

// Start starts one that reaches the ports instead of 80 and 443, and whose
// certificates live for seconds; 0 is 5 years.
func Start(t *testing.T, httpPort, tlsPort int, seconds uint64) *Authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1") // it sleeps up to 5 s to surprise clients
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	signer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: seconds}})
	front := wfe.New(quiet, store, va.New(quiet, httpPort, tlsPort, true, resolver(t), store), signer, []string{"authority.example"}, true, false, 1, 1)
	a := &Authority{Roots: x509.NewCertPool(), Own: x509.NewCertPool()}
	a.Roots.AddCert(signer.GetRootCert(0).Cert)
	handler := front.Handler()
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == wfe.DirectoryPath:
			a.Looked.Add(1)
		case strings.HasPrefix(r.URL.Path, "/order-plz"):
			a.Orders.Add(1)
		}
		if a.Down.Load() {
			http.Error(w, "the authority is being mended", http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	a.Own.AddCert(a.Certificate())
	t.Cleanup(a.Close)
	return a
}

// Directory is the URL of its directory.
func (a *Authority) Directory() string { return a.URL + wfe.DirectoryPath }

// CA is Own as PEM.
func (a *Authority) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
}

// resolver is a DNS server for which every name is 127.0.0.1; it returns its address.
func resolver(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	s := &dns.Server{Listener: l, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg)
		answer.SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			answer.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(answer) // who asked is gone otherwise
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.ActivateAndServe(); err != nil {
			t.Error(err)
		}
	}()
	<-started
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return l.Addr().String()
}
