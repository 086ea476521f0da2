package file

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/bridge"
	"moqedge/moq/live"
	"moqedge/moq/loc"
	"moqedge/moq/msf"
	"moqedge/moq/wire"
)

// recorder is a bridge.Publisher that keeps every object of every track.
type recorder struct {
	ctx     context.Context
	readers sync.WaitGroup

	mu      sync.Mutex
	objects map[string][]*live.Object
}

func (r *recorder) AddNamespace(wire.Namespace)    {}
func (r *recorder) RemoveNamespace(wire.Namespace) {}
func (r *recorder) RemoveTrack(wire.FullTrackName) {}

func (r *recorder) AddTrack(t *live.Track) {
	name := t.Name().Namespace[0] + "/" + t.Name().Name
	reader := t.NewReader(wire.Location{})
	r.readers.Go(func() {
		defer reader.Close()
		for {
			o, err := reader.Next(r.ctx)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.objects[name] = append(r.objects[name], o)
			r.mu.Unlock()
		}
	})
}

// record plays a clip for a while of virtual time and returns all objects.
func record(t *testing.T, c *Clip, lead, length time.Duration) map[string][]*live.Object {
	t.Helper()
	r := &recorder{objects: make(map[string][]*live.Object)}
	synctest.Test(t, func(t *testing.T) {
		r.ctx = t.Context()
		time.Sleep(lead) // the virtual clock starts at 2000-01-01 00:00 UTC
		hub := bridge.NewHub(r, bridge.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		if err := c.Play(ctx, hub, "demo", nil); err != nil {
			t.Error(err)
		}
		hub.Close()
		r.readers.Wait()
	})
	return r.objects
}

// TestPlayDemo: whatever is published is what UTC says, over the seam.
func TestPlayDemo(t *testing.T) {
	c := load(t, demoClip)
	objects := record(t, c, 4500*time.Millisecond, 27*time.Second)
	video := objects["demo.loc/video_360_avc"]
	if n := len(video); n < 27*30+14 || n > 27*30+16 { // from the key frame at 4.0 s on
		t.Errorf("%d pictures", n)
	}
	for i, o := range video {
		h, err := loc.ParseProperties(o.Properties)
		if err != nil {
			t.Fatal(err)
		}
		at := int64(h.Timestamp)
		number := int((at%(10*second)*30 + second/2) / second % 300)
		if want := (120 + i) % 300; number != want {
			t.Fatalf("object %d shows %d, want %d", i, number, want)
		}
		if o.ID != uint64(number%30) {
			t.Errorf("picture %d is object %v", number, o.Location())
		}
		nalus, err := loc.SplitNALUs(o.Payload())
		if err != nil {
			t.Fatal(err)
		}
		last := c.video[number].NALUs[len(c.video[number].NALUs)-1]
		if !bytes.Equal(nalus[len(nalus)-1], last) {
			t.Errorf("object %d is not picture %d", i, number)
		}
		if late := o.Arrived.UnixMicro() - at; i > 15 && (late < 0 || late > 1000) {
			t.Errorf("picture %d is sent %d µs after its time", number, late)
		}
	}
	for i, o := range objects["demo.loc/audio_aac"] {
		h, err := loc.ParseProperties(o.Properties)
		if err != nil {
			t.Fatal(err)
		}
		slot := c.slotAt(int64(h.Timestamp))
		if c.slotTime(slot) != int64(h.Timestamp) {
			t.Errorf("audio frame %d at %d, which is no multiple of 1024 samples", i, h.Timestamp)
		}
		if late := o.Arrived.UnixMicro() - int64(h.Timestamp); late < 0 || late > 1000 {
			t.Errorf("audio frame %d is sent %d µs after its time", i, late)
		}
	}
	if n := len(objects["demo.msf/audio_aac"]); n < 1264 || n > 1267 {
		t.Errorf("%d audio frames", n)
	}
	if n := len(objects["demo.msf/catalog"]); n < 27 || n > 28 {
		t.Errorf("%d catalogs", n)
	}
}

// TestPlayOpus: every packet of 20 ms is at its place, over the seam.
func TestPlayOpus(t *testing.T) {
	c := load(t, opusClip)
	sound := record(t, c, time.Second, 5*time.Second)["demo.loc/audio_opus"]
	if n := len(sound); n < 249 || n > 251 {
		t.Errorf("%d packets", n)
	}
	for i, o := range sound {
		h, err := loc.ParseProperties(o.Properties)
		if err != nil {
			t.Fatal(err)
		}
		if h.Timestamp%20_000 != 0 || !bytes.Equal(o.Payload(), c.frameAt(int64(h.Timestamp))) {
			t.Errorf("packet %d at %d", i, h.Timestamp)
		}
	}
}

// TestDecode: an independent decoder makes of all packagings what went in.
func TestDecode(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("this test needs ffmpeg with libx264: apt-get install ffmpeg")
	}
	for name, path := range map[string]string{"B-frames": tinyClip, "demo": demoClip} {
		t.Run(name, func(t *testing.T) {
			c := load(t, path)
			// One loop of the demo; several of the tiny clip.
			objects := record(t, c, time.Second, 8*time.Second)
			catalog, err := msf.Parse(objects["demo.msf/catalog"][0].Payload())
			if err != nil {
				t.Fatal(err)
			}
			for _, track := range catalog.Tracks {
				init, err := catalog.Init(track)
				if err != nil {
					t.Fatal(err)
				}
				all := objects["demo.msf/"+track.Name]
				mp4 := bytes.Clone(init)
				for _, o := range all {
					mp4 = append(mp4, o.Payload()...)
				}
				count := decode(t, ffmpeg, track.Name+".mp4", mp4, track.Role)
				if count != len(all) {
					t.Errorf("%s: %d frames decoded of %d", track.Name, count, len(all))
				}
				if track.Role == msf.RoleAudio {
					continue
				}
				var annexB []byte
				all = objects["demo.loc/"+track.Name]
				for _, o := range all {
					nalus, err := loc.SplitNALUs(o.Payload())
					if err != nil {
						t.Fatal(err)
					}
					for _, n := range nalus {
						annexB = append(append(annexB, 0, 0, 0, 1), n...)
					}
				}
				if count := decode(t, ffmpeg, track.Name+".h264", annexB, track.Role); count != len(all) {
					t.Errorf("%s in LOC: %d frames decoded of %d", track.Name, count, len(all))
				}
			}
		})
	}
}

// decode has ffmpeg decode a file, fails on anything it complains of, and
// returns the number of frames.
func decode(t *testing.T, ffmpeg, name string, content []byte, role string) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ffmpeg, "-v", "warning", "-copyts", "-i", path, "-map", "0:"+role[:1], "-fps_mode", "passthrough", "-f", "framecrc", "-")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, complaints.String())
	}
	if complaints.Len() > 0 {
		t.Errorf("%s: %s", name, complaints.String())
	}
	frames := 0
	for line := range strings.Lines(string(out)) {
		if field, _, ok := strings.Cut(line, ","); ok {
			if _, err := strconv.Atoi(strings.TrimSpace(field)); err == nil {
				frames++
			}
		}
	}
	return frames
}

func TestPlayEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := load(t, tinyClip)
		r := &recorder{ctx: t.Context(), objects: make(map[string][]*live.Object)}
		hub := bridge.NewHub(r, bridge.Config{})
		ended := make(chan error, 1)
		go func() { ended <- c.Play(t.Context(), hub, "demo", slog.New(slog.DiscardHandler)) }()
		time.Sleep(time.Second)
		if err := c.Play(t.Context(), hub, "demo", nil); !errors.Is(err, bridge.ErrNameInUse) {
			t.Errorf("the name twice: %v", err)
		}
		hub.Close()
		if err := <-ended; !errors.Is(err, bridge.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
		r.readers.Wait()
		f, err := os.Open(filepath.FromSlash(tinyClip))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := Play(t.Context(), hub, "demo", f, nil); !errors.Is(err, bridge.ErrClosed) {
			t.Errorf("on a closed hub: %v", err)
		}
		if err := Play(t.Context(), hub, "demo", bytes.NewReader(nil), nil); !errors.Is(err, ErrClip) {
			t.Errorf("without a clip: %v", err)
		}
	})
}
