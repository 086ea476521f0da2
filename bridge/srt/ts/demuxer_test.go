package ts

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
)

// recorder selects every stream of the first programme and keeps all units.
type recorder struct {
	d        *Demuxer
	programs []Program
	units    []Unit
	err      error
}

func (r *recorder) Program(p Program) error {
	r.programs = append(r.programs, p)
	if p.Number == r.programs[0].Number {
		var pids []uint16
		for _, s := range p.Streams {
			pids = append(pids, s.PID)
		}
		r.d.Select(pids...)
	}
	return r.err
}

func (r *recorder) Unit(u Unit) error {
	u.Data = bytes.Clone(u.Data)
	r.units = append(r.units, u)
	return r.err
}

func newRecorder() *recorder {
	r := &recorder{}
	r.d = NewDemuxer(r)
	return r
}

// feed pushes b in pieces of the given size and flushes.
func feed(t testing.TB, b []byte, piece int) *recorder {
	t.Helper()
	r := newRecorder()
	for len(b) > 0 {
		n := min(piece, len(b))
		if err := r.d.Push(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	if err := r.d.Flush(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *recorder) of(pid uint16) (units []Unit) {
	for _, u := range r.units {
		if u.PID == pid {
			units = append(units, u)
		}
	}
	return units
}

const (
	videoPID = 256
	audioPID = 257
)

// written is a stream of n pictures and n audio frames by another implementation.
func written(t testing.TB, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	video := &mpegts.Track{PID: videoPID, Codec: &codecs.H264{}}
	audio := &mpegts.Track{PID: audioPID, Codec: &codecs.MPEG4Audio{Config: mpeg4audio.Config{
		Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 48000, ChannelConfig: 2, ChannelCount: 2,
	}}}
	w := &mpegts.Writer{W: &out, Tracks: []*mpegts.Track{video, audio}}
	if err := w.Initialize(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.WriteH264(video, int64(i)*3000+6000, int64(i)*3000, [][]byte{picture(i)}); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteMPEG4Audio(audio, int64(i)*1920, [][]byte{frame(i)}); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func picture(i int) []byte {
	return append([]byte{0x65, byte(i)}, bytes.Repeat([]byte{0x47, byte(i)}, 30+97*(i%23))...)
}

func frame(i int) []byte { return bytes.Repeat([]byte{byte(i) | 1}, 20+i%300) }

func TestUnits(t *testing.T) {
	const n = 60
	stream := written(t, n)
	for _, piece := range []int{1, 7, 187, 188, 189, 1316, 1 << 20} {
		r := feed(t, stream, piece)
		if len(r.programs) != 1 || len(r.programs[0].Streams) != 2 {
			t.Fatalf("pieces of %d: programmes %+v", piece, r.programs)
		}
		if got := r.programs[0].Streams; got[0].Codec != H264 || got[1].Codec != AAC {
			t.Fatalf("codecs %+v", got)
		}
		video, audio := r.of(videoPID), r.of(audioPID)
		if len(video) != n || len(audio) != n {
			t.Fatalf("pieces of %d: %d pictures, %d audio units, damage %+v", piece, len(video), len(audio), r.d.Damage)
		}
		for i, u := range video {
			if !bytes.HasSuffix(u.Data, picture(i)) || u.DTS != int64(i)*3000 || u.PTS != u.DTS+6000 || !u.HasTime {
				t.Fatalf("pieces of %d: picture %d is %d bytes, pts %d, dts %d", piece, i, len(u.Data), u.PTS, u.DTS)
			}
		}
		for i, u := range audio {
			if !bytes.HasSuffix(u.Data, frame(i)) || u.PTS != int64(i)*1920 || u.DTS != u.PTS {
				t.Fatalf("audio unit %d: %d bytes, pts %d", i, len(u.Data), u.PTS)
			}
		}
		if r.d.Damage.Total() != 0 {
			t.Fatalf("damage in a clean stream: %+v", r.d.Damage)
		}
	}
}

// A real multiplexer's output, against another implementation.
func TestUnitsOfFFmpeg(t *testing.T) {
	for _, args := range [][]string{
		{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-c:a", "aac"},
		{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "libopus", "-pes_payload_size", "0"},
	} {
		stream := ffmpeg(t, args...)
		r := feed(t, stream, 1316)
		want := reference(t, stream)
		for pid, units := range want {
			got := r.of(pid)
			if len(got) != len(units) || len(got) == 0 {
				t.Fatalf("%v: pid %d: %d units, the reference has %d; damage %+v", args, pid, len(got), len(units), r.d.Damage)
			}
			for i := range got {
				if got[i].PTS != units[i] {
					t.Fatalf("%v: pid %d unit %d: pts %d, the reference has %d", args, pid, i, got[i].PTS, units[i])
				}
			}
		}
		if r.d.Damage.Total() != 0 {
			t.Fatalf("damage in a clean stream: %+v", r.d.Damage)
		}
	}
}

// reference reads the time of every unit with mediacommon.
func reference(t *testing.T, stream []byte) map[uint16][]int64 {
	t.Helper()
	r := &mpegts.Reader{R: bytes.NewReader(stream)}
	if err := r.Initialize(); err != nil {
		t.Fatal(err)
	}
	times := make(map[uint16][]int64)
	for _, track := range r.Tracks() {
		add := func(pts int64) error { times[track.PID] = append(times[track.PID], pts); return nil }
		switch track.Codec.(type) {
		case *codecs.H264:
			r.OnDataH264(track, func(pts, _ int64, _ [][]byte) error { return add(pts) })
		case *codecs.MPEG4Audio:
			r.OnDataMPEG4Audio(track, func(pts int64, _ [][]byte) error { return add(pts) })
		case *codecs.Opus:
			r.OnDataOpus(track, func(pts int64, _ [][]byte) error { return add(pts) })
		}
	}
	for {
		if err := r.Read(); err != nil {
			return times
		}
	}
}

func ffmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.ts")
	all := append([]string{"-hide_banner", "-loglevel", "error",
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30", "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "2", "-g", "30"}, args...)
	if out, err := exec.Command("ffmpeg", append(all, "-f", "mpegts", file)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg (Debian package ffmpeg) is needed: %v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A picture must not wait for the next one: that is what this package is for.
func TestNoFrameOfDelay(t *testing.T) {
	stream := ffmpeg(t, "-an", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency")
	r := newRecorder()
	var starts, late int
	for ; len(stream) >= packetSize; stream = stream[packetSize:] {
		p := parsePacket(stream)
		if p.pid == videoPID && p.start {
			if starts > len(r.units) {
				late++
			}
			starts++
		}
		if err := r.d.Push(stream[:packetSize]); err != nil {
			t.Fatal(err)
		}
	}
	// The first two teach where units end; one in 184 fills its last packet.
	if starts < 55 || late > confirmations+2 {
		t.Fatalf("%d of %d pictures came out only with the next one", late, starts)
	}
}

// A multiplexer that stuffs in the middle of units costs one unit, not more.
func TestStuffingInside(t *testing.T) {
	unbounded := func(start bool, counter byte, n int, fill byte) []byte {
		body := bytes.Repeat([]byte{fill}, n)
		if start {
			body = append([]byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1}, body...)
		}
		return rawPacket(videoPID, start, counter, body)
	}
	r := newRecorder()
	push := func(b []byte) {
		if err := r.d.Push(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range tables() {
		push(p)
	}
	counter := byte(0)
	next := func(start bool, n int, fill byte) {
		push(unbounded(start, counter, n, fill))
		counter = (counter + 1) & 15
	}
	for i := range 4 { // whole units in stuffed packets
		next(true, 50, byte(i+1))
	}
	if len(r.units) != 4-1+1 {
		t.Fatalf("%d units before the change", len(r.units))
	}
	for i := range 5 { // units of two stuffed packets each
		next(true, 50, byte(i+10))
		next(false, 60, byte(i+10))
	}
	next(true, 50, 99)
	whole := 0
	for _, u := range r.units[4:] {
		if len(u.Data) == 110 {
			whole++
		}
	}
	if whole != 4 || r.d.Damage.BrokenUnits != 1 {
		t.Fatalf("%d whole units, damage %+v", whole, r.d.Damage)
	}
}

// rawPacket makes one transport packet, stuffed to its size.
func rawPacket(pid uint16, start bool, counter byte, payload []byte) []byte {
	b := []byte{syncByte, byte(pid >> 8), byte(pid), 0x10 | counter&15}
	if start {
		b[1] |= 0x40
	}
	if stuffing := packetSize - 4 - len(payload); stuffing > 0 {
		b[3] |= 0x20
		b = append(b, byte(stuffing-1))
		if stuffing > 1 {
			b = append(b, 0)
			b = append(b, bytes.Repeat([]byte{0xff}, stuffing-2)...)
		}
	}
	return append(b, payload...)
}

// section adds header, length and checksum to a table's body.
func section(id byte, extension uint16, version byte, body []byte) []byte {
	size := 5 + len(body) + 4
	b := []byte{id, 0xb0 | byte(size>>8), byte(size), byte(extension >> 8), byte(extension), 0xc1 | version<<1, 0, 0}
	b = append(b, body...)
	c := crc(b)
	return append(b, byte(c>>24), byte(c>>16), byte(c>>8), byte(c))
}

// tables is a PAT and a PMT with H.264 on videoPID and AAC on audioPID.
func tables() [][]byte {
	pat := section(tablePAT, 1, 0, []byte{0, 1, 0xe0, 0x50})
	pmt := section(tablePMT, 1, 0, []byte{
		0xe1, 0x00, 0xf0, 0x00,
		0x1b, 0xe1, 0x00, 0xf0, 0x00,
		0x0f, 0xe1, 0x01, 0xf0, 0x00,
	})
	return [][]byte{
		rawPacket(pidPAT, true, 0, append([]byte{0}, pat...)),
		rawPacket(0x50, true, 0, append([]byte{0}, pmt...)),
	}
}

func TestChangedMap(t *testing.T) {
	r := newRecorder()
	for _, p := range tables() {
		for range 3 { // repeated tables are reported once
			if err := r.d.Push(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	pmt := section(tablePMT, 1, 1, []byte{0xe1, 0x00, 0xf0, 0x00, 0x02, 0xe1, 0x00, 0xf0, 0x00})
	if err := r.d.Push(rawPacket(0x50, true, 1, append([]byte{0}, pmt...))); err != nil {
		t.Fatal(err)
	}
	// The last packet waits for the sync byte behind it only out of sync.
	if len(r.programs) != 2 {
		t.Fatalf("%d programme reports, want 2", len(r.programs))
	}
	if s := r.programs[1].Streams; len(s) != 1 || s[0].Codec != "MPEG-2 video" {
		t.Fatalf("streams %+v", s)
	}
}

func TestSinkErrorEndsPush(t *testing.T) {
	r := newRecorder()
	r.err = errors.New("enough")
	if err := r.d.Push(written(t, 3)); !errors.Is(err, r.err) {
		t.Fatalf("Push returned %v", err)
	}
}

func TestUnitLimit(t *testing.T) {
	r := newRecorder()
	r.d.MaxUnit = 300
	if err := r.d.Push(written(t, 60)); err != nil {
		t.Fatal(err)
	}
	if len(r.of(videoPID)) == 0 || r.d.Damage.BrokenUnits == 0 {
		t.Fatalf("%d pictures, damage %+v", len(r.of(videoPID)), r.d.Damage)
	}
	for _, u := range r.units {
		if len(u.Data) > 300 {
			t.Fatalf("a unit of %d bytes", len(u.Data))
		}
	}
}
