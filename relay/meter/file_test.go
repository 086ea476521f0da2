package meter

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"moqedge/relay"
)

func openLog(t *testing.T, path string) *Log {
	t.Helper()
	l, err := OpenLog(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func readLines(t *testing.T, path string) (all []line) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Errorf("%q is no line: %v", s.Text(), err)
		}
		all = append(all, l)
	}
	return all
}

// TestLine: a record is one line of JSON, whatever the peer has it say.
func TestLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	l := openLog(t, path)
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	evil := "a\"}\n{\"event\":\"session\"\x00\xff\u2028<script>"
	l.Add(relay.Record{
		Kind: "subscription", Began: began, Ended: began.Add(1500 * time.Millisecond), Remote: "192.0.2.1:1", Subject: evil, Track: evil + strings.Repeat("é", 1000),
		BytesOut: 7, ObjectsOut: 2, GroupsSkipped: 1, Code: "TRACK_ENDED", By: "local", Reason: evil,
	})
	l.Close()
	all := readLines(t, path)
	if len(all) != 1 {
		t.Fatalf("%d lines, want 1", len(all))
	}
	got := all[0]
	clean := strings.ReplaceAll(evil, "\xff", "\uFFFD")
	if got.Event != "subscription" || got.Seconds != 1.5 || got.Subject != clean || got.Reason != clean || got.BytesOut != 7 || got.GroupsSkipped != 1 || got.Code != "TRACK_ENDED" {
		t.Errorf("it says %+v", got)
	}
	if len(got.Track) > longest+len("…") || !strings.HasSuffix(got.Track, "é…") {
		t.Errorf("a long text has %d bytes: %q", len(got.Track), got.Track)
	}
	if got.Time != "2026-01-02T03:04:06.5Z" {
		t.Errorf("the time is %s", got.Time)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("everybody may read it: %v %v", info.Mode(), err)
	}
}

// TestRotation: a file that was moved away is made anew, with or without being told, and
// no line is lost.
func TestRotation(t *testing.T) {
	for _, told := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "access.log")
		l := openLog(t, path)
		add := func(i int) {
			l.Add(relay.Record{Kind: "session", Remote: fmt.Sprint(i)})
			until(t, "the line", func() bool { n, _, _ := l.Counts(); return n == uint64(i) })
		}
		add(1)
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		if told {
			l.Reopen()
			until(t, "the file is there", func() bool { _, err := os.Stat(path); return err == nil })
		}
		add(2)
		l.Close()
		if old, now := readLines(t, path+".1"), readLines(t, path); len(old) != 1 || len(now) != 1 || now[0].Remote != "2" {
			t.Errorf("told %v: %d lines are in the old file, %d in the new one, want 1 each", told, len(old), len(now))
		}
	}
}

// TestFullDisk: lines that the disk does not take are dropped and counted, said once,
// and nobody waits; afterwards it goes on.
func TestFullDisk(t *testing.T) {
	var said bytes.Buffer
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLog(path, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		l.Add(relay.Record{Kind: "session"})
		until(t, "the line is dropped", func() bool { _, _, n := l.Counts(); return n == uint64(i+1) })
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l.Add(relay.Record{Kind: "session"})
	until(t, "a line is written again", func() bool { n, _, _ := l.Counts(); return n == 1 })
	l.Close()
	if n := len(readLines(t, path)); n != 1 {
		t.Errorf("%d lines are there, want 1", n)
	}
	if n := strings.Count(said.String(), "lines are dropped"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, said.String())
	}
}

// TestStuckDisk: with a disk that takes nothing, what does not fit the queue is dropped
// at once.
func TestStuckDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0) // so that it has one who does not read
	if err != nil {
		t.Fatal(err)
	}
	l := openLog(t, path)
	const all = 3 * maxQueue
	for range all {
		l.Add(relay.Record{Kind: "session", Reason: strings.Repeat("x", longest)})
	}
	if _, dropped, _ := l.Counts(); dropped < all/2 {
		t.Errorf("%d of %d lines were dropped: the disk did take them", dropped, all)
	}
	drained := make(chan struct{})
	go func() { // as soon as it is read again it goes on, and can end
		defer close(drained)
		b := make([]byte, 1<<16)
		for {
			if _, err := reader.Read(b); err != nil {
				return
			}
		}
	}()
	until(t, "what waited is written", func() bool { n, dropped, _ := l.Counts(); return n+dropped == all })
	l.Close()
	reader.Close()
	<-drained
}

// TestNoLog: a log that can not be opened is an error.
func TestNoLog(t *testing.T) {
	if _, err := OpenLog(filepath.Join(t.TempDir(), "none", "access.log"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a log in a folder that there is not was opened")
	}
}

// TestLogReplaced: what was counted stays when the log is another one.
func TestLogReplaced(t *testing.T) {
	m, r := newMeter(t)
	dir := t.TempDir()
	for i, name := range []string{"a", "b"} {
		l := openLog(t, filepath.Join(dir, name))
		m.SetLog(l)
		m.Ended(relay.Record{Kind: "session"})
		until(t, "the line", func() bool { n, _, _ := l.Counts(); return n == 1 })
		if n := value(t, scrape(t, Handler(r), "/metrics"), "moqedge_access_log_lines_total"); n != float64(i+1) {
			t.Errorf("%v lines are told of, want %d", n, i+1)
		}
	}
	m.SetLog(nil)
	m.Ended(relay.Record{}) // nowhere
	if n := value(t, scrape(t, Handler(r), "/metrics"), "moqedge_access_log_lines_total"); n != 2 {
		t.Errorf("%v lines are told of, want 2", n)
	}
}
