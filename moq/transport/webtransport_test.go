package transport

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// TestCloseMessageComesFirst reads the session's stream as browsers do: what
// follows a STOP_SENDING is lost on them.
func TestCloseMessageComesFirst(t *testing.T) {
	source := certificate(t)
	l := listen(t, source, ListenConfig{})
	conf := rootsOf(t, source)
	conf.NextProtos = []string{http3.NextProtoH3}
	qconn, err := quic.DialAddr(patient(t), l.Addr().String(), conf,
		&quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	if err != nil {
		t.Fatal(err)
	}
	defer qconn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	const enableWebTransport = 0x2c7cf000
	tr := &http3.Transport{EnableDatagrams: true, AdditionalSettings: map[uint64]uint64{enableWebTransport: 1}}
	str, err := tr.NewClientConn(qconn).OpenRequestStream(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := str.SendRequestHeader(&http.Request{
		Method: http.MethodConnect, Proto: "webtransport", Host: l.Addr().String(),
		URL:    &url.URL{Scheme: "https", Host: l.Addr().String(), Path: "/live"},
		Header: http.Header{"WT-Available-Protocols": {`"moqt-18"`}},
	}); err != nil {
		t.Fatal(err)
	}
	if rsp, err := str.ReadResponse(); err != nil || rsp.StatusCode != http.StatusOK {
		t.Fatalf("response %v, %v", rsp, err)
	}
	server := must(l.Accept(patient(t)))(t)
	uni := must(server.OpenUniStream(patient(t)))(t)
	write(t, uni, "x")

	if err := server.CloseWithError(0x3, "why"); err != nil {
		t.Error(err)
	}
	wantError(t, context.Cause(server.Context()), &CloseError{Code: 0x3, Reason: "why"})
	want := []byte{0x68, 0x43, 7, 0, 0, 0, 3, 'w', 'h', 'y'}
	if got, err := io.ReadAll(str); err != nil || !bytes.Equal(got, want) {
		t.Errorf("session's stream: % x, %v; want % x and FIN", got, err, want)
	}
	if str.Context().Err() != nil && qconn.Context().Err() == nil {
		t.Error("STOP_SENDING came along")
	}
	<-uni.Context().Done()
	<-qconn.Context().Done()
}
