package srt

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// running is a server under test.
type running struct {
	*Server
	hub *recordingHub
	log *lines
}

// serve starts a server on a free port and ends it with the test.
func serve(t *testing.T, c Config) *running {
	t.Helper()
	r := &running{hub: newRecordingHub(), log: &lines{}}
	c.Addr, c.Logger = "127.0.0.1:0", r.log.logger()
	s, err := listen(c, r.hub)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = s
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if t.Failed() {
			t.Logf("server log:\n%s", r.log)
		}
	})
	return r
}

// url is where ffmpeg publishes to. Commas and such are literal in ffmpeg's options.
func (r *running) url(streamID string, options ...string) string {
	return fmt.Sprintf("srt://%s?streamid=%s%s", r.Addr(), streamID, strings.Join(append([]string{""}, options...), "&"))
}

// encoder is a running ffmpeg.
type encoder struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	done   chan struct{} // closed when it has exited; err is valid then
	err    error
}

// publish starts ffmpeg with live sources for up to a minute.
func publish(t *testing.T, url string, args ...string) *encoder {
	t.Helper()
	live := []string{"-re", "-f", "lavfi", "-i", testVideo, "-re", "-f", "lavfi", "-i", testTone, "-t", "60"}
	return start(t, url, join(live, encodings, args)...)
}

func start(t *testing.T, url string, args ...string) *encoder {
	t.Helper()
	e := &encoder{done: make(chan struct{})}
	e.cmd = exec.Command("ffmpeg", join([]string{"-hide_banner", "-loglevel", "error", "-nostdin"}, args, []string{"-f", "mpegts", url})...)
	e.cmd.Stderr = &e.output
	if err := e.cmd.Start(); err != nil {
		t.Fatalf("ffmpeg (Debian package ffmpeg) is needed: %v", err)
	}
	go func() {
		e.err = e.cmd.Wait()
		close(e.done)
	}()
	t.Cleanup(func() { e.stop(syscall.SIGKILL) })
	return e
}

// stop sends a signal and waits for the end.
func (e *encoder) stop(s syscall.Signal) {
	select {
	case <-e.done:
		return
	default:
	}
	_ = e.cmd.Process.Signal(s)
	<-e.done
}

// exits waits until ffmpeg ends by itself and returns how.
func (e *encoder) exits(t *testing.T) error {
	t.Helper()
	select {
	case <-e.done:
		return e.err
	case <-time.After(30 * time.Second):
		t.Fatal("ffmpeg goes on")
		return nil
	}
}

// media waits for so many pictures and audio frames of the n-th publication of a name.
func (r *running) media(t *testing.T, name string, n, video, audio int) *recording {
	t.Helper()
	var rec *recording
	wait(t, fmt.Sprintf("media of publication %d of %s", n, name), func() bool {
		all := r.hub.publications(name)
		if len(all) <= n {
			return false
		}
		rec = all[n]
		v, a := rec.counts()
		return v >= video && a >= audio
	})
	return rec
}

func TestStreamIDForms(t *testing.T) {
	r := serve(t, Config{})
	one := publish(t, r.url("publish:plain"))
	two := publish(t, r.url("#!::u=me,r=standard,m=publish"))
	for name, e := range map[string]*encoder{"plain": one, "standard": two} {
		rec := r.media(t, name, 0, 45, 60)
		rec.mu.Lock()
		ascending(t, rec)
		first, last := rec.video[0].units[0], rec.video[0].units[len(rec.video[0].units)-1]
		if now := time.Now().UnixMicro(); last.PTS > now || last.PTS < now-2_000_000 || !first.Key || rec.from.Protocol != "srt" {
			t.Errorf("%s: the last picture was taken %d us ago, first key %v, from %v", name, now-last.PTS, first.Key, rec.from)
		}
		v, a := rec.video[0].units[0].PTS, rec.audio[0].units[0].PTS
		if !near(v, a, 100_000) {
			t.Errorf("%s: audio starts %d us after video", name, a-v)
		}
		rec.mu.Unlock()
		e.stop(syscall.SIGTERM)
		wait(t, "the end of "+name, rec.isClosed)
		r.log.want(t, 1, "SRT publisher connected", "name="+name)
		r.log.want(t, 1, "programme plays", "name="+name, "H.264 video, AAC audio")
		r.log.want(t, 1, "SRT publisher left", "name="+name, "closed by the publisher")
	}
	r.log.want(t, 0, "WARN")
}

func TestRefused(t *testing.T) {
	cases := []struct {
		name, streamID string
		line           string
	}{
		{"read", "read:cam1", "publishing only"},
		{"request", "#!::m=request,r=cam1", "publishing only"},
		{"no stream id", "", "no stream id"},
		{"nonsense", "cam1", "not understood"},
		{"a bad name", "publish:a/b", "bad name"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := serve(t, Config{})
			if err := publish(t, r.url(c.streamID)).exits(t); err == nil {
				t.Error("ffmpeg was accepted")
			}
			if r.log.count("WARN", "SRT publisher refused", c.line) == 0 {
				t.Errorf("no line with %q in:\n%s", c.line, r.log)
			}
			if len(r.hub.all) != 0 {
				t.Error("it took a name")
			}
		})
	}
	t.Run("reading", func(t *testing.T) {
		r := serve(t, Config{})
		out, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-i", r.url("read:cam1"), "-f", "null", "-").CombinedOutput()
		if err == nil {
			t.Errorf("a reader was accepted: %s", out)
		}
		if r.log.count("SRT publisher refused", "publishing only") == 0 {
			t.Errorf("log:\n%s", r.log)
		}
	})
}

func TestSecondPublisher(t *testing.T) {
	r := serve(t, Config{})
	first := publish(t, r.url("publish:cam1"))
	rec := r.media(t, "cam1", 0, 10, 0)
	if err := publish(t, r.url("publish:cam1")).exits(t); err == nil {
		t.Error("the second publisher was accepted")
	}
	r.log.want(t, 1, "SRT publisher refused", "in use", "is published over srt from", "127.0.0.1")
	before, _ := rec.counts()
	r.media(t, "cam1", 0, before+30, 0)
	first.stop(syscall.SIGTERM)
	wait(t, "the end", rec.isClosed)
}

// A killed encoder says nothing; its successor takes the name over at once.
func TestKilledAndRestarted(t *testing.T) {
	r := serve(t, Config{})
	stream := makeTS(t, join(sources, []string{"-t", "1"}, encodings)...)
	first := publish(t, r.url("publish:cam1"))
	one := r.media(t, "cam1", 0, 10, 0)
	first.stop(syscall.SIGKILL)
	c := r.connOf("cam1")
	wait(t, "silence", func() bool { return c.silent() > staleAfter })
	if one.isClosed() {
		t.Fatal("the library found out by itself: the test shows nothing")
	}
	second := dial(t, r, "publish:cam1")
	write(t, second, stream)
	two := r.media(t, "cam1", 1, 10, 0)
	if !one.isClosed() {
		t.Error("the first publication is still open")
	}
	r.log.want(t, 1, "SRT publisher left", "another publisher took over")
	two.mu.Lock()
	a, b := one.video[0].units, two.video[0].units
	if b[0].DTS <= a[len(a)-1].DTS {
		t.Error("time goes backwards from one publication to the next")
	}
	two.mu.Unlock()
	second.Close()
	wait(t, "the end", two.isClosed)
}

// Nobody comes after a killed encoder: the connection ends by itself.
func TestKilled(t *testing.T) {
	r := serve(t, Config{})
	e := publish(t, r.url("publish:cam1"))
	rec := r.media(t, "cam1", 0, 10, 0)
	e.stop(syscall.SIGKILL)
	wait(t, "the end", rec.isClosed)
	r.log.want(t, 1, "SRT publisher left", "lost: no packet from the publisher for 5s")
}

func (r *running) connOf(name string) *conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns[name]
}

func TestPassphrase(t *testing.T) {
	const secret = "correct.horse.battery"
	option := "passphrase=" + secret
	cases := []struct {
		name, ours string
		options    []string
		line       string // "": accepted
	}{
		{"right", secret, []string{option, "pbkeylen=16"}, ""},
		{"right, 256 bits", secret, []string{option, "pbkeylen=32"}, ""},
		{"wrong", secret, []string{"passphrase=something.else"}, "wrong passphrase"},
		{"missing", secret, nil, "a passphrase is required"},
		{"not wanted", "", []string{option}, "no passphrase is configured"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := serve(t, Config{Passphrase: c.ours})
			e := publish(t, r.url("publish:cam1", c.options...))
			if c.line == "" {
				rec := r.media(t, "cam1", 0, 10, 10)
				e.stop(syscall.SIGTERM)
				wait(t, "the end", rec.isClosed)
				return
			}
			if e.exits(t) == nil {
				t.Error("ffmpeg was accepted")
			}
			if r.log.count("SRT publisher refused", c.line) == 0 {
				t.Errorf("log:\n%s", r.log)
			}
			if strings.Contains(r.log.String(), "horse") {
				t.Error("the log shows a passphrase")
			}
		})
	}
}

func TestNothingPlayable(t *testing.T) {
	r := serve(t, Config{HandshakeLimit: 1500 * time.Millisecond})
	e := start(t, r.url("publish:cam1"), "-re", "-f", "lavfi", "-i", testVideo, "-t", "60", "-c:v", "mpeg2video")
	if e.exits(t) == nil {
		t.Error("ffmpeg ended well")
	}
	wait(t, "the line", func() bool {
		return r.log.count("SRT publisher left", "nothing plays after 1.5s", "nothing playable: MPEG-2 video") == 1
	})
	r.log.want(t, 1, "left out of the publication", "MPEG-2 video")
}

func TestHubEndsPublication(t *testing.T) {
	r := serve(t, Config{})
	e := publish(t, r.url("publish:cam1"))
	rec := r.media(t, "cam1", 0, 5, 0)
	close(rec.done)
	if e.exits(t) == nil {
		t.Error("ffmpeg ended well")
	}
	wait(t, "the end", rec.isClosed)
	r.log.want(t, 1, "SRT publisher left", "the hub ended the publication")
}

func TestShutdown(t *testing.T) {
	r := serve(t, Config{})
	e := publish(t, r.url("publish:cam1"))
	rec := r.media(t, "cam1", 0, 5, 0)
	r.Close()
	if e.exits(t) == nil {
		t.Error("ffmpeg ended well")
	}
	wait(t, "the end", rec.isClosed)
	r.log.want(t, 1, "SRT publisher left", "the server is shutting down")
}

func TestMaxPublishers(t *testing.T) {
	r := serve(t, Config{MaxPublishers: 1})
	first := publish(t, r.url("publish:cam1"))
	rec := r.media(t, "cam1", 0, 5, 0)
	if publish(t, r.url("publish:cam2")).exits(t) == nil {
		t.Error("the second publisher was accepted")
	}
	if r.log.count("SRT publisher refused", "limit of 1 publishers") == 0 {
		t.Errorf("log:\n%s", r.log)
	}
	wait(t, "the name to be free", func() bool { return r.hub.publications("cam2")[0].isClosed() })
	first.stop(syscall.SIGTERM)
	wait(t, "the end", rec.isClosed)
}

func TestConfig(t *testing.T) {
	bad := []Config{
		{Addr: "127.0.0.1:0", Passphrase: "short"},
		{Addr: "127.0.0.1:0", Passphrase: strings.Repeat("x", 80)},
		{Addr: "127.0.0.1:0", Latency: -1},
		{Addr: "127.0.0.1:0", Latency: time.Minute},
		{Addr: "127.0.0.1:0", SilenceLimit: -1},
		{Addr: "not an address"},
	}
	for _, c := range bad {
		if s, err := listen(c, newRecordingHub()); err == nil {
			s.Close()
			t.Errorf("%+v was accepted", c)
		}
	}
	if _, err := Listen(Config{}); err == nil {
		t.Error("a server without a hub was made")
	}
}
