package srt

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/bridge"
)

// TestMain looks for goroutines left behind. One kind is gosrt's own: its
// dialer, which only tests use, waits for ever to hand on the error of a socket
// whose server is gone.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/datarhei/gosrt.DialWithContext.func1"))
}

// recordingHub is a publisher that keeps everything.
type recordingHub struct {
	mined string // the name that panics when media comes
	mu    sync.Mutex
	held  map[string]*recording
	all   []*recording
}

func newRecordingHub() *recordingHub { return &recordingHub{held: make(map[string]*recording)} }

func (h *recordingHub) publish(name string, from bridge.Ingest) (publication, error) {
	if strings.ContainsAny(name, " :/") || len(name) > 64 {
		return publication{}, bridge.ErrBadName
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held[name] != nil {
		return publication{}, fmt.Errorf("%w: %q is published over %v", bridge.ErrNameInUse, name, h.held[name].from)
	}
	r := &recording{name: name, from: from, mined: name == h.mined, done: make(chan struct{})}
	h.held[name] = r
	h.all = append(h.all, r)
	return publication{tracks: r, done: r.done, close: func(reason error) {
		h.mu.Lock()
		delete(h.held, name)
		h.mu.Unlock()
		r.mu.Lock()
		r.closed, r.reason = true, reason
		r.mu.Unlock()
	}}, nil
}

// publications returns the publications of a name so far, oldest first.
func (h *recordingHub) publications(name string) (found []*recording) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.all {
		if r.name == name {
			found = append(found, r)
		}
	}
	return found
}

// recording is one publication.
type recording struct {
	name string
	from bridge.Ingest
	done chan struct{}

	mu        sync.Mutex
	video     []*recordedVideo
	audio     []*recordedAudio
	readies   int
	mined     bool
	closed    bool
	reason    error
	refuseAll error // what adding a track returns
	failWrite error
	arrived   int64 // when the first picture came, for tests in virtual time
}

type recordedVideo struct {
	r      *recording
	config bridge.VideoConfig
	units  []bridge.VideoUnit
	sizes  []int
	sets   [][]byte // every SPS
}

type recordedAudio struct {
	r      *recording
	config bridge.AudioConfig
	units  []bridge.AudioUnit
}

func (r *recording) addVideo(c bridge.VideoConfig) (videoTrack, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mined {
		panic("a bomb")
	}
	if r.refuseAll != nil {
		return nil, r.refuseAll
	}
	v := &recordedVideo{r: r, config: c}
	r.video = append(r.video, v)
	return v, nil
}

func (r *recording) addAudio(c bridge.AudioConfig) (audioTrack, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuseAll != nil {
		return nil, r.refuseAll
	}
	a := &recordedAudio{r: r, config: c}
	r.audio = append(r.audio, a)
	return a, nil
}

func (r *recording) ready() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readies++
}

func (v *recordedVideo) Write(u bridge.VideoUnit) error {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	if v.r.failWrite != nil {
		return v.r.failWrite
	}
	size := 0
	for _, n := range u.NALUs {
		size += len(n)
		if n[0]&0x1f == naluSPS && (len(v.sets) == 0 || !bytes.Equal(v.sets[len(v.sets)-1], n)) {
			v.sets = append(v.sets, bytes.Clone(n))
		}
	}
	u.NALUs = nil
	v.units, v.sizes = append(v.units, u), append(v.sizes, size)
	return nil
}

func (a *recordedAudio) Write(u bridge.AudioUnit) error {
	a.r.mu.Lock()
	defer a.r.mu.Unlock()
	if a.r.failWrite != nil {
		return a.r.failWrite
	}
	u.Frame = bytes.Clone(u.Frame)
	a.units = append(a.units, u)
	return nil
}

// counts returns how many pictures and audio frames came, of all tracks.
func (r *recording) counts() (video, audio int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.video {
		video += len(v.units)
	}
	for _, a := range r.audio {
		audio += len(a.units)
	}
	return video, audio
}

func (r *recording) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// lines keeps what is logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// count returns how many lines have all the parts.
func (l *lines) count(parts ...string) (n int) {
	for line := range strings.Lines(l.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			n++
		}
	}
	return n
}

// want fails unless exactly n lines have all the parts.
func (l *lines) want(t *testing.T, n int, parts ...string) {
	t.Helper()
	if got := l.count(parts...); got != n {
		t.Errorf("%d lines with %q, want %d, in:\n%s", got, parts, n, l)
	}
}

// wait polls until the condition holds.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s took too long", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

const (
	testVideo = "testsrc2=size=320x180:rate=30"
	testTone  = "sine=sample_rate=48000"
)

var (
	sources   = []string{"-f", "lavfi", "-i", testVideo, "-f", "lavfi", "-i", testTone}
	encodings = []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-c:a", "aac"}
)

// makeTS lets ffmpeg write a transport stream of the given length in seconds.
func makeTS(t testing.TB, args ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "made.ts")
	all := append([]string{"-hide_banner", "-loglevel", "error"}, args...)
	if out, err := exec.Command("ffmpeg", append(all, "-f", "mpegts", file)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg (Debian package ffmpeg) is needed: %v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// join makes one list of arguments.
func join(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
