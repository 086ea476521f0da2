package sfu

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

const (
	keepalive   = 2 * time.Second
	dtlsTimeout = 15 * time.Second
	// receiveMTU takes any packet that fits an Ethernet frame.
	receiveMTU = 1600
	// replayWindow must hold what is sent until a repeated packet arrives: with
	// pion's 64 most repairs would be taken for replays.
	replayWindow = 4096
)

// engine makes peer connections. It is read-only after newEngine.
type engine struct {
	publishers, viewers *webrtc.API
	configuration       webrtc.Configuration
	batch               *batch    // nil without
	port                io.Closer // the shared port; nil when each session has its own
}

func newEngine(c Config) (*engine, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, err
	}
	e := &engine{configuration: webrtc.Configuration{
		BundlePolicy: webrtc.BundlePolicyMaxBundle, Certificates: []webrtc.Certificate{*certificate},
	}}
	settings := newSettings(c)
	if !c.PortPerViewer {
		if err := e.share(&settings, c); err != nil {
			return nil, err
		}
	}
	if e.publishers, err = newPublishers(settings, c); err == nil {
		e.viewers, err = newViewers(settings, c)
	}
	if err != nil {
		_ = e.close()
		return nil, err
	}
	return e, nil
}

func newSettings(c Config) webrtc.SettingEngine {
	s := webrtc.SettingEngine{LoggerFactory: silence()}
	// The first check of a client that proves to know the password decides, as where
	// browsers nominate at once; pion waits for its next tick, up to 200 ms. A full
	// agent checks the client in turn, which lets pion's clients do the same.
	s.SetICEBindingRequestHandler(func(*stun.Message, ice.Candidate, ice.Candidate, *ice.CandidatePair) bool { return true })
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetIncludeLoopbackCandidate(c.Addr.Addr().IsLoopback())
	s.SetIPFilter(func(ip net.IP) bool {
		return c.Addr.Addr().IsUnspecified() || ip.Equal(c.Addr.Addr().AsSlice())
	})
	s.SetICETimeouts(c.Silence/2, c.Silence/2, keepalive)
	s.SetReceiveMTU(receiveMTU)
	s.SetSRTPReplayProtectionWindow(replayWindow)
	// The cheapest cipher both ends have; pion alone would take AES-256.
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	// ICE has shown that the peer is where it says; the cookie would cost a round trip.
	s.SetDTLSInsecureSkipHelloVerify(true)
	s.SetDTLSConnectContextMaker(func() (context.Context, func()) {
		return context.WithTimeout(context.Background(), dtlsTimeout)
	})
	return s
}

// silence is a logger for what pion says.
func silence() logging.LoggerFactory {
	return &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
}

// share opens the port that all sessions use.
func (e *engine) share(s *webrtc.SettingEngine, c Config) error {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(c.Addr))
	if err != nil {
		return fmt.Errorf("sfu: listen for media: %w", err)
	}
	EnlargeBuffers(conn)
	var packets net.PacketConn = conn
	if c.Batch != BatchNone {
		e.batch = newBatch(conn, c.Batch == BatchSegments)
		packets = e.batch
	}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: packets, Logger: silence().NewLogger("")})
	s.SetICEUDPMux(mux)
	e.port = mux
	return nil
}

// close gives the shared port back.
func (e *engine) close() error {
	if e.port == nil {
		return nil
	}
	return e.port.Close()
}

// flush sends what a batch holds back.
func (e *engine) flush() {
	if e.batch != nil {
		e.batch.flush()
	}
}

// newPublishers makes the side that receives from publishers.
func newPublishers(s webrtc.SettingEngine, c Config) (*webrtc.API, error) {
	media, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := RegisterCodecs(media, ""); err != nil {
		return nil, err
	}
	if !c.NoNACK {
		generator, err := nack.NewGeneratorInterceptor(nack.WithGeneratorLoggerFactory(silence()))
		if err != nil {
			return nil, err
		}
		chain.Add(generator)
	}
	registerNACK(media, c)
	receiver, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(silence()))
	if err != nil {
		return nil, err
	}
	chain.Add(receiver)
	if !c.NoTWCC {
		if err := webrtc.ConfigureTWCCSenderWithOptions(media, chain, twcc.WithLoggerFactory(silence())); err != nil {
			return nil, err
		}
	}
	return newAPI(media, chain, s), nil
}

// newViewers makes the side that sends to viewers.
func newViewers(s webrtc.SettingEngine, c Config) (*webrtc.API, error) {
	media, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := RegisterCodecs(media, ""); err != nil {
		return nil, err
	}
	// Innermost, so that a repeated packet has a number of its own.
	if !c.NoTWCC {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
			media.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, kind)
		}
		if err := webrtc.ConfigureTWCCHeaderExtensionSender(media, chain); err != nil {
			return nil, err
		}
	}
	if !c.NoNACK {
		responder, err := nack.NewResponderInterceptor(nack.ResponderSize(c.History), nack.WithResponderLoggerFactory(silence()))
		if err != nil {
			return nil, err
		}
		chain.Add(responder)
	}
	registerNACK(media, c)
	sender, err := report.NewSenderInterceptor(report.WithSenderLoggerFactory(silence()))
	if err != nil {
		return nil, err
	}
	chain.Add(sender)
	chain.Add(bareFactory{})
	return newAPI(media, chain, s), nil
}

func registerNACK(media *webrtc.MediaEngine, c Config) {
	if !c.NoNACK {
		media.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK}, webrtc.RTPCodecTypeVideo)
	}
	media.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"}, webrtc.RTPCodecTypeVideo)
}

func newAPI(media *webrtc.MediaEngine, chain *interceptor.Registry, s webrtc.SettingEngine) *webrtc.API {
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(s))
}
