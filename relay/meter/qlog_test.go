package meter

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"
)

// connection is one that is over: it records events if it was chosen.
func connection(t *testing.T, q *Qlog, id byte, events int) (chosen bool) {
	t.Helper()
	trace := q.Tracer(context.Background(), false, quic.ConnectionIDFromBytes([]byte{1, 2, 3, id}))
	if trace == nil {
		return false
	}
	r := trace.AddProducer()
	record(r, events)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return true
}

func record(r qlogwriter.Recorder, events int) {
	for range events {
		r.RecordEvent(qlog.MTUUpdated{Value: 1280})
	}
}

func sizes(t *testing.T, dir string) (files int, bytes int64) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.sqlog"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		bytes += info.Size()
	}
	return len(all), bytes
}

// TestQlogSample: one of N connections has a file, which is a qlog.
func TestQlogSample(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	q := NewQlog(slog.New(slog.DiscardHandler))
	if connection(t, q, 0, 1) {
		t.Error("one is logged before anything was asked for")
	}
	if err := q.Set(QlogConfig{Dir: dir, Sample: 5}); err != nil {
		t.Fatal(err)
	}
	chosen := 0
	for i := range 20 {
		if connection(t, q, byte(i), 3) {
			chosen++
		}
	}
	q.Wait()
	files, bytes := sizes(t, dir)
	if counted, sum, skipped := q.Counts(); chosen != 4 || files != 4 || counted != 4 || sum != bytes || skipped != 0 {
		t.Errorf("%d of 20 were chosen, %d files of %d bytes, %d of %d told of, %d skipped", chosen, files, bytes, counted, sum, skipped)
	}
	all, _ := filepath.Glob(filepath.Join(dir, "*.sqlog"))
	text, err := os.ReadFile(all[0])
	if err != nil || !strings.HasPrefix(string(text), "\x1e{") || strings.Count(string(text), "mtu_updated") != 3 {
		t.Errorf("%v: it begins with %.80q", err, text)
	}
	if err := q.Set(QlogConfig{}); err != nil || connection(t, q, 0, 1) {
		t.Errorf("it is not switched off: %v", err)
	}
}

// TestQlogBounds: files and bytes are bounded; old files go, those that are being
// written stay, also over restarts.
func TestQlogBounds(t *testing.T) {
	dir := t.TempDir()
	config := QlogConfig{Dir: dir, Sample: 1, MaxFiles: 4, MaxBytes: 64 << 10}
	for round := range 2 {
		q := NewQlog(slog.New(slog.DiscardHandler))
		if err := q.Set(config); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			if !connection(t, q, byte(i+100*round), 500) { // more than one may have
				t.Errorf("connection %d has no file", i)
			}
			q.Wait()
			if files, bytes := sizes(t, dir); files > 4 || bytes > 64<<10 || bytes == 0 {
				t.Fatalf("%d files with %d bytes, at most 4 with 65536", files, bytes)
			}
		}
		var open []qlogwriter.Recorder
		for i := range 4 {
			open = append(open, q.Tracer(context.Background(), false, quic.ConnectionIDFromBytes([]byte{9, byte(i), byte(round)})).AddProducer())
		}
		if connection(t, q, 99, 1) {
			t.Error("a file that is being written was given up")
		}
		if _, _, skipped := q.Counts(); skipped != 1 {
			t.Errorf("%d were skipped, want 1", skipped)
		}
		for _, r := range open {
			_ = r.Close()
		}
		q.Wait()
	}
}

// TestQlogFolder: a folder that can not be is an error, or, when it goes later, costs
// the qlogs alone.
func TestQlogFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "q")
	q := NewQlog(slog.New(slog.DiscardHandler))
	if err := q.Set(QlogConfig{Dir: "/dev/null/q"}); err == nil {
		t.Error("a folder below a file was taken")
	}
	if err := q.Set(QlogConfig{Dir: dir, Sample: 1}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if connection(t, q, 1, 1) {
		t.Error("a file was made in no folder")
	}
	if _, _, skipped := q.Counts(); skipped != 1 {
		t.Errorf("%d were skipped, want 1", skipped)
	}
}

// TestQlogFullDisk: a disk that is full costs the qlogs alone; the log tells once when that
// begins and when it is over, whether a file was full soon or as it was closed.
func TestQlogFullDisk(t *testing.T) {
	var text strings.Builder
	q := NewQlog(slog.New(slog.NewTextHandler(&text, nil)))
	dir := t.TempDir()
	if err := q.Set(QlogConfig{Dir: dir, Sample: 1}); err != nil {
		t.Fatal(err)
	}
	for _, bytes := range []int{1, 3 * qlogBuffer} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f := &qlogFile{path: filepath.Join(dir, "full.sqlog")}
		if err := os.WriteFile(f.path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		q.files = append(q.files, f)
		w := &qlogWriter{qlog: q, sum: q.bytes, file: f, to: full, buffer: bufio.NewWriterSize(full, qlogBuffer), most: 1 << 20, all: 1 << 20}
		for range 2 {
			if n, err := w.Write(make([]byte, bytes)); n != bytes || err != nil {
				t.Errorf("the connection hears of it: %d, %v", n, err)
			}
		}
		_ = w.Close()
	}
	if files, bytes, skipped := q.Counts(); files != 0 || bytes != 0 || skipped != 2 {
		t.Errorf("%d files of %d bytes, %d were skipped, want 2", files, bytes, skipped)
	}
	if there, _ := sizes(t, dir); there != 0 {
		t.Errorf("%d files are left", there)
	}
	if n := strings.Count(text.String(), "qlog file not written"); n != 1 || !strings.Contains(text.String(), "no space left on device") {
		t.Errorf("told %d times:\n%s", n, text.String())
	}
	for id := range byte(2) {
		if !connection(t, q, id, 1) {
			t.Fatal("nothing is written any more")
		}
	}
	q.Wait()
	if n := strings.Count(text.String(), "written again"); n != 1 {
		t.Errorf("told %d times that it is over:\n%s", n, text.String())
	}
}
