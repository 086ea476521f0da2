package whip

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/webrtc/v4"

	"moqedge/bridge"
)

const (
	// A peer that sends nothing for the first time is disconnected, and after
	// the second on top of it the session has failed.
	iceSilence     = 5 * time.Second
	iceFailedAfter = 10 * time.Second
	iceKeepalive   = 2 * time.Second
	dtlsTimeout    = 15 * time.Second
	// nackEvery is short, so that a lost packet is asked for several times
	// within Config.PacketWait.
	nackEvery = 20 * time.Millisecond
	nackMost  = 10
	nackSlots = 1024
	// replayWindow must hold the packets sent until a repeated one arrives:
	// 200 ms of 40 Mbit/s. The default of 64 would drop repairs as replays.
	replayWindow = 1024
	// receiveMTU takes any packet that fits an Ethernet frame.
	receiveMTU = 1600
	// socketBuffer holds a key frame that arrives at once on the shared port.
	socketBuffer = 1 << 20
)

// engine makes peer connections: what all sessions of a handler share. It is
// read-only after newEngine.
type engine struct {
	settings webrtc.SettingEngine
	logs     pionLogs
	mux      io.Closer // the shared port; nil when each session has its own
}

func newEngine(c Config) (*engine, error) {
	e := &engine{logs: pionLogs{c.Logger}}
	s := &e.settings
	s.LoggerFactory = e.logs
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(iceSilence, iceFailedAfter, iceKeepalive)
	s.SetIncludeLoopbackCandidate(c.Loopback)
	s.SetSRTPReplayProtectionWindow(replayWindow)
	s.SetReceiveMTU(receiveMTU)
	s.SetDTLSConnectContextMaker(func() (context.Context, func()) {
		return context.WithTimeout(context.Background(), dtlsTimeout)
	})
	filter := func(ip net.IP) bool { return !c.LoopbackOnly || ip.IsLoopback() }
	s.SetIPFilter(filter)
	if len(c.PublicIPs) > 0 {
		err := s.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External: c.PublicIPs, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteReplace,
		})
		if err != nil {
			return nil, fmt.Errorf("whip: public addresses: %w", err)
		}
	}
	if c.ICEAddr == "" {
		return e, nil
	}
	ip, port, err := splitICEAddr(c.ICEAddr)
	if err != nil {
		return nil, err
	}
	options := []ice.UDPMuxFromPortOption{
		ice.UDPMuxFromPortWithLogger(e.logs.NewLogger("udpmux")),
		ice.UDPMuxFromPortWithReadBufferSize(socketBuffer),
		ice.UDPMuxFromPortWithWriteBufferSize(socketBuffer),
		ice.UDPMuxFromPortWithIPFilter(func(candidate net.IP) bool {
			return filter(candidate) && (ip == nil || ip.Equal(candidate))
		}),
	}
	if c.Loopback || ip.IsLoopback() {
		options = append(options, ice.UDPMuxFromPortWithLoopback())
		s.SetIncludeLoopbackCandidate(true)
	}
	mux, err := ice.NewMultiUDPMuxFromPort(port, options...)
	if err != nil {
		return nil, fmt.Errorf("whip: listen for media on udp %q: %w", c.ICEAddr, err)
	}
	if len(mux.GetListenAddresses()) == 0 {
		_ = mux.Close()
		return nil, fmt.Errorf("whip: no network address to listen on for media at %q (loopback must be allowed explicitly)", c.ICEAddr)
	}
	e.mux = mux
	s.SetICEUDPMux(mux)
	return e, nil
}

// close gives the shared port back.
func (e *engine) close() error {
	if e.mux == nil {
		return nil
	}
	return e.mux.Close()
}

// connect makes a peer connection that can receive exactly what o offers.
func (e *engine) connect(o *offer) (*webrtc.PeerConnection, error) {
	media := &webrtc.MediaEngine{}
	registry := &interceptor.Registry{}
	if err := registerCodecs(media, o); err != nil {
		return nil, err
	}
	err := webrtc.ConfigureNackWithOptions(media, registry,
		[]nack.GeneratorOption{
			nack.GeneratorInterval(nackEvery), nack.GeneratorMaxNacksPerPacket(nackMost),
			nack.GeneratorSize(nackSlots), nack.WithGeneratorLoggerFactory(e.logs),
		}, nack.WithResponderLoggerFactory(e.logs))
	if err != nil {
		return nil, err
	}
	err = webrtc.ConfigureRTCPReportsWithOptions(registry,
		[]report.ReceiverOption{report.WithReceiverLoggerFactory(e.logs)}, report.WithSenderLoggerFactory(e.logs))
	if err != nil {
		return nil, err
	}
	if err = webrtc.ConfigureTWCCSenderWithOptions(media, registry, twcc.WithLoggerFactory(e.logs)); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(e.settings))
	return api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle})
}

// registerCodecs declares the formats of the offer under the client's own payload
// types, so that the answer repeats them.
func registerCodecs(engine *webrtc.MediaEngine, o *offer) error {
	register := func(m *media, kind webrtc.RTPCodecType) error {
		if m == nil {
			return nil
		}
		return engine.RegisterCodec(webrtc.RTPCodecParameters{
			PayloadType: webrtc.PayloadType(m.payloadType),
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: mimeType(m.codec), ClockRate: m.clockRate, Channels: m.channels, SDPFmtpLine: m.fmtp,
			},
		}, kind)
	}
	if err := register(o.video, webrtc.RTPCodecTypeVideo); err != nil {
		return err
	}
	return register(o.audio, webrtc.RTPCodecTypeAudio)
}

func mimeType(c bridge.Codec) string {
	switch c {
	case bridge.H264:
		return webrtc.MimeTypeH264
	case bridge.VP8:
		return webrtc.MimeTypeVP8
	default:
		return webrtc.MimeTypeOpus
	}
}
