package srt

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// The encoder stamps every picture with the wall clock at which it was made, so
// that the mapping of the stream's time to the wall clock can be compared with
// the truth. The numbers in the log are the measurement:
//
//	go test -v -run TestCaptureTimeOfFFmpeg ./bridge/srt
//
// The limits only catch what is broken: encoder and machine are part of it.
func TestCaptureTimeOfFFmpeg(t *testing.T) {
	fast := []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30"}
	cases := []struct {
		name    string
		codecs  []string
		audio   bool
		options []string // of the URL
	}{
		{"video alone", fast, false, nil},
		{"video and audio", join(fast, []string{"-c:a", "aac"}), true, nil},
		{"latency of 500 ms", fast, false, []string{"latency=500000"}},
		{"two B-frames, no look-ahead", []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-rc-lookahead", "0", "-sc_threshold", "0", "-threads", "1", "-g", "30"}, false, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := serve(t, Config{})
			base := time.Now().Add(-10 * time.Second).UnixMicro()
			args := []string{"-re", "-f", "lavfi", "-i", testVideo}
			if c.audio {
				args = append(args, "-re", "-f", "lavfi", "-i", testTone, "-af", fmt.Sprintf("asetpts=N/SR/TB+(RTCSTART-%d)/(TB*1000000)", base))
			}
			args = append(args, "-t", "60", "-copyts", "-mpegts_copyts", "1",
				"-vf", fmt.Sprintf("setpts=(RTCTIME-%d)/(TB*1000000)", base), "-vsync", "passthrough", "-enc_time_base", "1:90000")
			e := start(t, r.url("publish:cam1", c.options...), join(args, c.codecs)...)
			rec := r.media(t, "cam1", 0, 10, 0)
			conn := r.connOf("cam1")
			r.media(t, "cam1", 0, 100, 0)
			e.stop(syscall.SIGTERM)
			wait(t, "the end", rec.isClosed)
			<-conn.finished
			wrong := time.Duration(conn.media.clock.offset-base) * time.Microsecond
			t.Logf("mapped %.1f ms after capture", float64(wrong.Microseconds())/1000)
			if wrong < -50*time.Millisecond || wrong > time.Second {
				t.Errorf("the mapping is %v after the truth", wrong)
			}
		})
	}
}
