package rtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
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

	"moqedge/bench/sfu"
)

const (
	// Outages that are emulated must not end a session.
	disconnectedAfter = 15 * time.Second
	failedAfter       = 15 * time.Second
	keepalive         = 2 * time.Second
	connectTimeout    = 20 * time.Second
	receiveMTU        = 1600
	// replayWindow must hold what arrives until a repeated packet does.
	replayWindow = 4096
	// nackSlots is how many packets back a viewer asks for what is lost, nackFor how
	// long: then a player has gone on without it.
	nackSlots = 1024
	nackFor   = time.Second
)

// ErrConnection reports that the connection to the server failed.
var ErrConnection = errors.New("rtc: the connection failed")

// peer is a peer connection with its signalling.
type peer struct {
	*webrtc.PeerConnection
	signal    *signal
	connected chan struct{} // closed when media can flow
	failed    chan struct{} // closed when it never will again
}

// newPeer makes the peer connection; direction says which interceptors it has.
func newPeer(o Options, direction webrtc.RTPTransceiverDirection) (*peer, error) {
	s, err := newSignal(o)
	if err != nil {
		return nil, err
	}
	settings, err := newSettings(o, s.isLocal())
	if err != nil {
		return nil, err
	}
	engine, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := sfu.RegisterCodecs(engine, o.videoProfile()); err != nil {
		return nil, err
	}
	if o.Source == nil {
		if err := registerForeign(engine); err != nil {
			return nil, err
		}
	}
	if direction == webrtc.RTPTransceiverDirectionSendonly {
		err = intercept(engine, chain, o, sending)
	} else {
		err = intercept(engine, chain, o, receiving)
	}
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(settings))
	pc, err := api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
	if err != nil {
		return nil, err
	}
	p := &peer{PeerConnection: pc, signal: s, connected: make(chan struct{}), failed: make(chan struct{})}
	var connected, failed sync.Once
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			connected.Do(func() { close(p.connected) })
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			failed.Do(func() { close(p.failed) })
		}
	})
	return p, nil
}

func newSettings(o Options, local bool) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: silence()}
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if local {
		s.SetIncludeLoopbackCandidate(true)
		s.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	}
	s.SetICETimeouts(disconnectedAfter, failedAfter, keepalive)
	// pion nominates a pair at its next tick, up to 200 ms after its check was answered,
	// or when the server checks it in turn. Then there is nothing to wait for any more:
	// browsers nominate with their first check.
	s.SetICEBindingRequestHandler(func(_ *stun.Message, _, _ ice.Candidate, pair *ice.CandidatePair) bool {
		return pair.ResponsesReceived() > 0
	})
	s.SetDTLSInsecureSkipHelloVerify(true) // ICE has shown that the peer is where it says
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetSRTPReplayProtectionWindow(replayWindow)
	s.SetReceiveMTU(receiveMTU)
	n, err := newLine(o.Link)
	if err != nil {
		return s, err
	}
	s.SetNet(n)
	return s, nil
}

func silence() logging.LoggerFactory {
	return &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
}

// side says what a peer does with media.
type side bool

const (
	sending   side = false
	receiving side = true
)

// intercept adds what pion's documentation recommends for a side: repairs, reports,
// and transport-wide feedback.
func intercept(m *webrtc.MediaEngine, chain *interceptor.Registry, o Options, s side) error {
	var factories []interceptor.Factory
	add := func(f interceptor.Factory, err error) error {
		factories = append(factories, f)
		return err
	}
	if !o.NoNACK {
		m.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK}, webrtc.RTPCodecTypeVideo)
	}
	m.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"}, webrtc.RTPCodecTypeVideo)
	var err error
	if s == receiving {
		if !o.NoNACK {
			generator, e := nack.NewGeneratorInterceptor(nack.GeneratorInterval(o.NACKEvery),
				nack.GeneratorSize(nackSlots), nack.GeneratorMaxNacksPerPacket(uint16(max(nackFor/o.NACKEvery, 1))),
				nack.WithGeneratorLoggerFactory(silence()))
			err = errors.Join(err, add(generator, e))
		}
		receiver, e := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(silence()))
		err = errors.Join(err, add(receiver, e))
		if e := webrtc.ConfigureTWCCSenderWithOptions(m, chain, twcc.WithLoggerFactory(silence())); e != nil {
			err = errors.Join(err, e)
		}
	} else {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
			m.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, kind)
		}
		err = errors.Join(err, webrtc.ConfigureTWCCHeaderExtensionSender(m, chain))
		if !o.NoNACK {
			responder, e := nack.NewResponderInterceptor(nack.WithResponderLoggerFactory(silence()))
			err = errors.Join(err, add(responder, e))
		}
		sender, e := report.NewSenderInterceptor(report.WithSenderLoggerFactory(silence()))
		err = errors.Join(err, add(sender, e))
	}
	for _, f := range factories {
		chain.Add(f)
	}
	return err
}

// connect negotiates and waits until media can flow.
func (p *peer) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, fmt.Errorf("%w: nothing within %v", ErrConnection, connectTimeout))
	defer cancel()
	offer, err := p.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.PeerConnection)
	if err := p.SetLocalDescription(offer); err != nil {
		return err
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	answer, err := p.signal.offer(ctx, p.LocalDescription().SDP)
	if err != nil {
		return err
	}
	if err := p.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("rtc: the server's answer: %w", err)
	}
	select {
	case <-p.connected:
		return nil
	case <-p.failed:
		return ErrConnection
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leave ends the session and everything of the peer connection.
func (p *peer) leave(ctx context.Context) error {
	err := p.signal.end(ctx)
	return errors.Join(err, p.GracefulClose())
}

// isEnd tells the end of a track from a packet that cannot be read.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed)
}

// cutID shortens what a server sent for an error text.
func cutID(s string) string { return strings.ToValidUTF8(s[:min(len(s), 80)], "?") }
