package meter

import (
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
