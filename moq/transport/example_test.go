package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"moqedge/certs"
	"moqedge/moq/transport"
)

// echo sends what arrives on a stream back on it.
func echo(conn transport.Conn) error {
	stream, err := conn.AcceptStream(context.Background())
	if err != nil {
		return err
	}
	if _, err := io.Copy(stream, stream); err != nil {
		stream.Reset(1)
		return err
	}
	return stream.Close()
}

// One port serves raw QUIC and WebTransport; the scheme of the URL decides.
func ExampleListen() {
	certificate, err := certs.Development("", nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer certificate.Close()
	listener, err := transport.Listen(&transport.ListenConfig{
		Addr:           "127.0.0.1:0",
		GetCertificate: certificate.GetCertificate,
		Versions:       []string{"moqt-18", "moqt-16"}, // preferred first
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	config := transport.DialConfig{Fingerprints: [][32]byte{certificate.Fingerprint()}}
	for _, scheme := range []string{"moqt", "https"} {
		conn, err := transport.Dial(ctx, scheme+"://"+listener.Addr().String()+"/live", &config)
		if err != nil {
			fmt.Println(err)
			return
		}
		accepted, err := listener.Accept(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		served := make(chan error, 1)
		go func() { served <- echo(accepted) }()

		stream, err := conn.OpenStream(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := io.WriteString(stream, "hello"); err != nil {
			fmt.Println(err)
			return
		}
		if err := stream.Close(); err != nil { // FIN
			fmt.Println(err)
			return
		}
		b, err := io.ReadAll(stream)
		fmt.Printf("%s %s %q %v %v\n", conn.Info().Kind, conn.Info().Protocol, b, err, <-served)

		// The peer learns the code; all that waits returns it.
		if err := conn.CloseWithError(0x10, "enough"); err != nil {
			fmt.Println(err)
			return
		}
		_, err = accepted.AcceptStream(ctx)
		var closed *transport.CloseError
		if errors.As(err, &closed) {
			fmt.Printf("%#x %q remote %t\n", closed.Code, closed.Reason, closed.Remote)
		}
	}

	config.Versions = []string{"moqt-22"}
	_, err = transport.Dial(ctx, "moqt://"+listener.Addr().String(), &config)
	fmt.Println(errors.Is(err, transport.ErrNoCommonVersion))
	// Output:
	// quic moqt-18 "hello" <nil> <nil>
	// 0x10 "enough" remote true
	// webtransport moqt-18 "hello" <nil> <nil>
	// 0x10 "enough" remote true
	// true
}

// In memory there are no sockets and no goroutines: for tests, also in a bubble
// of testing/synctest.
func ExampleMemoryPair() {
	client, server := transport.MemoryPair("moqt-18")
	send, err := client.OpenUniStream(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := io.WriteString(send, "half of it"); err != nil {
		fmt.Println(err)
		return
	}
	receive, err := server.AcceptUniStream(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	receive.Stop(0x1) // STOP_SENDING: the sender learns of it when it writes on
	_, err = io.WriteString(send, "the rest")
	fmt.Println(errors.Is(err, &transport.StreamError{Code: 0x1, Remote: true}))
	send.Reset(0x1)
	fmt.Println(client.CloseWithError(0, "done"))
	// Output:
	// true
	// <nil>
}
