package sfu

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// maxReadErrors in a row end a session: something is wrong for good.
const maxReadErrors = 1000

// receive forwards what a publisher sends on one track until that ends.
func (s *session) receive(remote *webrtc.TrackRemote, t *track) {
	buf := make([]byte, receiveMTU)
	var p rtp.Packet
	begun := false
	for bad := 0; bad < maxReadErrors; {
		n, _, err := remote.Read(buf)
		if isEnd(err) {
			return
		}
		p = rtp.Packet{}
		if err != nil || p.Unmarshal(buf[:n]) != nil {
			bad++
			continue
		}
		bad = 0
		now := time.Now()
		if !begun {
			begun = true
			t.begin(&p.Header, now)
		}
		t.forward(&p, now)
	}
	s.End(errors.New("too many unreadable packets in a row"))
}

// drain reads a publisher's RTCP: pion's interceptors see it on the way.
func (s *session) drain(receiver *webrtc.RTPReceiver) {
	buf := make([]byte, receiveMTU)
	for bad := 0; bad < maxReadErrors; bad++ {
		if _, _, err := receiver.Read(buf); isEnd(err) {
			return
		} else if err == nil {
			bad = 0
		}
	}
}

// askKeys asks a publisher for key frames when wanted is written to.
func (s *session) askKeys(ssrc webrtc.SSRC, wanted <-chan struct{}) {
	for {
		select {
		case <-wanted:
			pli := &rtcp.PictureLossIndication{MediaSSRC: uint32(ssrc)}
			if err := s.pc.WriteRTCP([]rtcp.Packet{pli}); err != nil {
				s.log.Debug("ask for a key frame", "error", err)
			}
		case <-s.stopped:
			return
		}
	}
}

// feedback reads what a viewer says about a track; pion's interceptors answer NACK
// on the way, requests for key frames go up.
func (s *session) feedback(sender *webrtc.RTPSender, t *track) {
	for bad := 0; bad < maxReadErrors; {
		packets, _, err := sender.ReadRTCP()
		if isEnd(err) {
			return
		}
		if err != nil {
			bad++
			continue
		}
		bad = 0
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				t.keys.request()
			}
		}
	}
	s.End(errors.New("too many unreadable reports in a row"))
}

func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed)
}
