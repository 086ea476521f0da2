package sfu_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"moqedge/bench/sfu"
)

// example is what pion's documentation shows for sending one publication to many: a
// TrackLocalStaticRTP fed by a loop of Read and Write, shared by peer connections
// that are made with all defaults. Only its signalling is ours: WHIP and WHEP, as far
// as this test needs them; and its addresses, as tests stay on loopback.
type example struct {
	mu    sync.Mutex
	pcs   []*webrtc.PeerConnection
	ready chan struct{}
	local *webrtc.TrackLocalStaticRTP // set when ready is closed
}

func newPeerConnection() (*webrtc.PeerConnection, error) {
	media, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	// What pion logs when a round ends is of no interest.
	silent := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptorsWithOptions(media, chain, webrtc.WithInterceptorLoggerFactory(silent)); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{LoggerFactory: silent}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(settings))
	return api.NewPeerConnection(webrtc.Configuration{})
}

func (e *example) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		e.reset()
		return
	}
	answer, err := e.open(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	if strings.HasPrefix(r.URL.Path, "/whip/") {
		w.Header().Set("Location", r.URL.Path)
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer)
}

func (e *example) open(r *http.Request) (string, error) {
	offer, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	pc, err := newPeerConnection()
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	e.pcs = append(e.pcs, pc)
	e.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/whip/") {
		pc.OnTrack(e.forward)
	} else {
		<-e.ready
		sender, err := pc.AddTrack(e.local)
		if err != nil {
			return "", err
		}
		go func() {
			buf := make([]byte, 1500)
			for {
				if _, _, err := sender.Read(buf); err != nil {
					return
				}
			}
		}()
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(offer)}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}

func (e *example) forward(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	local, err := webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, "video", "pion")
	if err != nil {
		panic(err)
	}
	e.local = local
	close(e.ready)
	buf := make([]byte, 1400)
	for {
		n, _, err := remote.Read(buf)
		if err != nil {
			return
		}
		if _, err := local.Write(buf[:n]); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return
		}
	}
}

// reset ends everything, for the next round.
func (e *example) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, pc := range e.pcs {
		_ = pc.Close()
	}
	e.pcs, e.ready = nil, make(chan struct{})
}

// exampleRole runs an example as a process, like sfu.Role.
type exampleRole struct {
	unit   *example
	server *http.Server
	done   chan error
}

func (r *exampleRole) Handle(command string, _ json.RawMessage) (any, error) {
	if command != sfu.CommandStart {
		return nil, errors.New("the example can only be started")
	}
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.unit = &example{ready: make(chan struct{})}
	r.server = &http.Server{Handler: r.unit, ReadHeaderTimeout: 10 * time.Second}
	r.done = make(chan error, 1)
	go func() { r.done <- r.server.Serve(l) }()
	return sfu.Started{URL: "http://" + l.Addr().String()}, nil
}

func (r *exampleRole) Close() error {
	err := r.server.Close()
	<-r.done
	r.unit.reset()
	return err
}
