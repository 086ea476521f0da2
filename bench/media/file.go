package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"moqedge/bridge/codec"
)

// maxFile bounds the bytes of a recording: it is kept in memory.
const maxFile = 512 << 20

// ErrFile reports a recording that can not be sent.
var ErrFile = errors.New("media: cannot send the file")

// File reads a recording, whose path says by .mp4 or .ts what it is, and returns
// it as an endless loop: the first H.264 and the first AAC or Opus track. It does
// not use r afterwards.
//
// Frames are due in decoding order, a picture as long before it is shown as the
// recording needs at most. SPS and PPS are put before each key frame; access unit
// delimiters and filler are left out, as RTP leaves them out. The loop is as long
// as the video; sound of a recording that lasts longer is left out.
func File(path string, r io.ReadSeeker) (Source, error) {
	var rec recording
	var err error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".mp4", ".m4v", ".m4a", ".mov":
		rec, err = readMP4(r)
	case ".ts", ".m2ts", ".mts":
		rec, err = readTS(r)
	default:
		return nil, fmt.Errorf("%w: %q is neither .mp4 nor .ts", ErrFile, filepath.Base(path))
	}
	if err != nil {
		return nil, err
	}
	return newLoop(rec)
}

// recording is what was read from a file. Times are microseconds.
type recording struct {
	duration int64 // of the loop
	video    []unit
	sets     [][]byte // SPS and PPS before the first picture
	audio    []unit
	sound    Track // what is known of the sound: Codec, Config, SampleRate, Channels
}

// unit is an access unit or a frame of sound.
type unit struct {
	pts, dts int64
	key      bool
	nalus    [][]byte // of video
	packet   []byte   // of sound
}

// loop is a recording as a source. It is never written to after newLoop.
type loop struct {
	duration time.Duration
	tracks   []Track
	frames   [][]Frame // by track, those of the first loop, at least one
	groups   []uint64  // by track, in a loop; 0: of Track.Group frames whatever the loop
	bitrate  float64
}

func newLoop(rec recording) (*loop, error) {
	l := &loop{duration: time.Duration(rec.duration) * time.Microsecond}
	// The loop begins with what is shown first. No picture is sent before the time
	// at which it is shown, as a camera could not.
	var begin, delay int64
	if len(rec.video) > 0 {
		begin = rec.video[0].pts
	} else if len(rec.audio) > 0 {
		begin = rec.audio[0].pts
	}
	for _, u := range rec.video {
		begin, delay = min(begin, u.pts), max(delay, u.pts-u.dts)
	}
	if err := l.addVideo(rec, begin-delay); err != nil {
		return nil, err
	}
	l.addAudio(rec, begin)
	if len(l.tracks) == 0 {
		return nil, fmt.Errorf("%w: it has neither H.264 nor AAC nor Opus", ErrFile)
	}
	for i, frames := range l.frames {
		size := 0
		for _, f := range frames {
			size += f.Size
		}
		l.tracks[i].Rate = float64(len(frames)) / l.duration.Seconds()
		l.bitrate += 8 * float64(size) / l.duration.Seconds()
	}
	for i := range l.tracks {
		if l.tracks[i].Kind == Audio {
			l.tracks[i].Group = max(int(l.tracks[i].Rate+0.5), 1)
		}
	}
	return l, nil
}

// addVideo makes frames of the pictures; one that is decoded at from is due at 0.
func (l *loop) addVideo(rec recording, from int64) error {
	if len(rec.video) == 0 {
		return nil
	}
	var sets codec.ParameterSets
	if _, err := sets.Update(rec.sets); err != nil {
		return fmt.Errorf("%w: %v", ErrFile, err)
	}
	t := Track{Name: "video0", Kind: Video}
	var frames []Frame
	groups, last := uint64(0), int64(-1)
	for i, u := range rec.video {
		p := codec.ParsePicture(u.nalus)
		// Sets that make no sense are left out; those before them stand.
		_, _ = sets.Update(p.ParameterSets)
		at := u.dts - from
		if len(p.Slices) == 0 || (i == 0 && !u.key) || at <= last || u.dts-rec.video[0].dts >= rec.duration {
			return fmt.Errorf("%w: picture %d makes no sense", ErrFile, i)
		}
		last = at
		var nalus [][]byte
		if u.key {
			if !sets.Complete() {
				return fmt.Errorf("%w: picture %d has no SPS and PPS", ErrFile, i)
			}
			groups++
			nalus = sets.NALUs()
		}
		f := Frame{Due: time.Duration(at) * time.Microsecond, Key: u.key, Group: groups - 1}
		f.Payload = joinNALUs(append(slices.Clip(nalus), p.Slices...))
		f.Size = len(f.Payload)
		frames = append(frames, f)
		if i == 0 {
			t.Codec, t.Config = sets.CodecString("avc1"), sets.AVCC()
			t.Width, t.Height = sets.Size()
		}
	}
	for i := range frames {
		frames[i].Last = frames[(i+1)%len(frames)].Key
	}
	l.tracks, l.frames, l.groups = append(l.tracks, t), append(l.frames, frames), append(l.groups, groups)
	return nil
}

// addAudio makes frames of the sound of the loop; one that is heard at from is due
// at 0.
func (l *loop) addAudio(rec recording, from int64) {
	t := rec.sound
	t.Name, t.Kind = "audio0", Audio
	var frames []Frame
	last := int64(-1)
	for _, u := range rec.audio {
		at := u.pts - from
		if at <= last || at >= rec.duration || len(u.packet) == 0 {
			continue
		}
		last = at
		frames = append(frames, Frame{Due: time.Duration(at) * time.Microsecond, Size: len(u.packet), Payload: u.packet})
	}
	if len(frames) > 0 {
		l.tracks, l.frames, l.groups = append(l.tracks, t), append(l.frames, frames), append(l.groups, 0)
	}
}

func joinNALUs(nalus [][]byte) []byte {
	var b []byte
	for _, n := range nalus {
		b = binary.BigEndian.AppendUint32(b, uint32(len(n)))
		b = append(b, n...)
	}
	return slices.Clip(b)
}

func (l *loop) Tracks() []Track { return l.tracks }

func (l *loop) Bitrate() float64 { return l.bitrate }

func (l *loop) Slot(track int, n uint64) Frame {
	f := l.Frame(track, n)
	f.Payload = nil
	return f
}

func (l *loop) Frame(track int, n uint64) Frame {
	frames := l.frames[track]
	at := min(n, maxN)
	round, i := at/uint64(len(frames)), at%uint64(len(frames))
	f := frames[i]
	f.N = n
	f.Due += time.Duration(round) * l.duration
	if groups := l.groups[track]; groups > 0 {
		f.Group += round * groups
	} else {
		size := uint64(l.tracks[track].Group)
		f.Group, f.Key, f.Last = n/size, n%size == 0, (n+1)%size == 0
	}
	return f
}
