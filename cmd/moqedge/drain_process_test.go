package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// address is what `serve --json` prints first.
type address struct{ Relay, HTTP, Admin, Fingerprint string }

// serveNode starts a node; its log, at level info, is in stderr.
func serveNode(t *testing.T, args ...string) (*process, address) {
	t.Helper()
	p := start(t, append([]string{"serve", "--json", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...)...)
	var a address
	p.json("addresses", &a)
	return p, a
}

// tree is an origin with a publication cam1 and any number of edges below it.
type tree struct {
	origin address
	trust  []string // flags for whoever connects to the origin
}

func plantTree(t *testing.T) tree {
	t.Helper()
	_, origin := serveNode(t, "--name", "origin", "--srt", "127.0.0.1:0")
	trust := []string{"--fingerprint", origin.Fingerprint}
	start(t, append([]string{"pub", "--json", "moqt://" + origin.Relay, "cam1"}, trust...)...)
	return tree{origin, trust}
}

func (tr tree) edge(t *testing.T, args ...string) (*process, address) {
	t.Helper()
	return serveNode(t, append(append([]string{"--upstream", "moqt://" + tr.origin.Relay}, tr.trust...), args...)...)
}

// viewing is a `sub` of one track that notes what it gets.
type viewing struct {
	*process
	seen  map[[2]uint64]int // by group and object
	group uint64            // the largest
}

// view subscribes to a track. Fingerprints are those of every relay that it may meet.
func view(t *testing.T, relay, track string, fingerprints []string, args ...string) *viewing {
	t.Helper()
	line := []string{"sub", "--json", "moqt://" + relay, "cam1.loc", track, "--join", "0", "--fingerprint", strings.Join(fingerprints, ",")}
	return &viewing{process: start(t, append(line, args...)...), seen: make(map[[2]uint64]int)}
}

// until reads objects until one of a group is there.
func (v *viewing) until(group uint64) {
	v.t.Helper()
	for v.group < group {
		var o struct{ Group, Object uint64 }
		v.json("object", &o)
		v.seen[[2]uint64{o.Group, o.Object}]++
		v.group = max(v.group, o.Group)
	}
}

// videoTrack asks the catalog for the name of the video.
func videoTrack(t *testing.T, relay string, trust []string) string {
	t.Helper()
	code, out, errs := execute(t, append([]string{"sub", "moqt://" + relay, "cam1.loc", "catalog", "--join", "0", "--count", "1", "-o", "-"}, trust...)...)
	_, name, found := strings.Cut(out, `"name":"video`)
	if code != exitOK || !found {
		t.Fatalf("catalog: code %d, %s%s", code, out, errs)
	}
	name, _, _ = strings.Cut(name, `"`)
	return "video" + name
}

// compare reports what one viewer has of the groups from and before to, and the
// reference has not, or the other way round, or more than once.
func compare(t *testing.T, got, want *viewing, from, to uint64) (faults []string) {
	t.Helper()
	objects := 0
	for at, n := range want.seen {
		if at[0] < from || at[0] >= to {
			continue
		}
		objects++
		if n != 1 {
			t.Fatalf("the reference has object %v %d times", at, n)
		}
		if got.seen[at] != 1 {
			faults = append(faults, fmt.Sprintf("group %d object %d came %d times", at[0], at[1], got.seen[at]))
		}
	}
	for at := range got.seen {
		if at[0] >= from && at[0] < to && want.seen[at] == 0 {
			faults = append(faults, fmt.Sprintf("group %d object %d is not in the original", at[0], at[1]))
		}
	}
	if objects < 20*int(to-from) {
		t.Fatalf("the reference has %d objects in %d groups: nothing is compared", objects, to-from)
	}
	slices.Sort(faults)
	return faults
}

// writeConfig writes the file of an edge that keeps its certificate in a folder.
func writeConfig(t *testing.T, folder string, tr tree) string {
	t.Helper()
	file := filepath.Join(folder, "edge.yaml")
	text := fmt.Sprintf("listen: 127.0.0.1:0\nupstream: {url: 'moqt://%s', fingerprint: %s}\ncertificate: {dir: %q}\n",
		tr.origin.Relay, tr.origin.Fingerprint, folder)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// ended waits for a process that was told to end, and returns its exit code and
// how long it took.
func (p *process) ended(since time.Time) (code int, took time.Duration) {
	p.t.Helper()
	for p.lines.Scan() {
	}
	_ = p.cmd.Wait() // the code says it
	return p.cmd.ProcessState.ExitCode(), time.Since(since)
}

// A relay that gets SIGTERM sends its viewers to another one: `sub` has every
// object of every group exactly once, and the relay is gone before its limit.
func TestDrainMovesSub(t *testing.T) {
	t.Parallel()
	tr := plantTree(t)
	_, after := tr.edge(t, "--name", "after")
	leaving, before := tr.edge(t, "--name", "before", "--drain-timeout", "20s", "--drain-uri", "moqt://"+after.Relay)
	track := videoTrack(t, tr.origin.Relay, tr.trust)
	reference := view(t, tr.origin.Relay, track, []string{tr.origin.Fingerprint})
	sub := view(t, before.Relay, track, []string{before.Fingerprint, after.Fingerprint})
	reference.until(1)
	sub.until(1)
	first := sub.group + 1 // the group that sub joined it may have begun in its middle
	sub.until(first + 1)
	told := time.Now()
	if err := leaving.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	sub.until(first + 5)
	code, took := leaving.ended(told)
	if code != exitOK || took > 15*time.Second || !strings.Contains(leaving.stderr.String(), "drained") {
		t.Errorf("the relay ended with %d after %v: %s", code, took, leaving.stderr)
	}
	sub.until(first + 6)
	reference.until(first + 6)
	if faults := compare(t, sub, reference, first, first+5); len(faults) > 0 {
		t.Errorf("%d faults, first: %s", len(faults), faults[0])
	}
	if !strings.Contains(sub.stderr.String(), "the server asks to go elsewhere") {
		t.Errorf("sub did not move: %s", sub.stderr)
	}
}

// The publisher of a relay that leaves moves as its viewers do: nothing is lost
// on the way from one to the other, with both of them between two relays.
func TestDrainMovesPub(t *testing.T) {
	t.Parallel()
	_, after := serveNode(t, "--name", "after")
	leaving, before := serveNode(t, "--name", "before", "--drain-timeout", "20s", "--drain-uri", "moqt://"+after.Relay)
	both := []string{before.Fingerprint, after.Fingerprint}
	pub := start(t, "pub", "--json", "moqt://"+before.Relay, "cam1", "--fingerprint", strings.Join(both, ","))
	track := videoTrack(t, before.Relay, []string{"--fingerprint", before.Fingerprint})
	sub := view(t, before.Relay, track, both)
	sub.until(1)
	first := sub.group + 1
	sub.until(first + 1)
	told := time.Now()
	if err := leaving.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	sub.until(first + 4)
	code, took := leaving.ended(told)
	if code != exitOK || took > 18*time.Second || !strings.Contains(leaving.stderr.String(), "drained") {
		t.Errorf("the relay ended with %d after %v: %s", code, took, leaving.stderr)
	}
	reference := view(t, after.Relay, track, both)
	reference.until(1)
	last := reference.group + 2
	sub.until(last + 1)
	reference.until(last + 1)
	for at, n := range sub.seen {
		if n != 1 {
			t.Errorf("group %d object %d came %d times", at[0], at[1], n)
		}
	}
	for group := first; group < last; group++ {
		for id := range uint64(20) {
			if sub.seen[[2]uint64{group, id}] == 0 {
				t.Errorf("group %d object %d is missing", group, id)
			}
		}
	}
	if faults := compare(t, sub, reference, last-1, last); len(faults) > 0 {
		t.Errorf("%d faults, first: %s", len(faults), faults[0])
	}
	if !strings.Contains(pub.stderr.String(), "connected again") {
		t.Errorf("pub did not move: %s", pub.stderr)
	}
}

// Without another relay to go to, and after a loss without a word, `sub` finds
// the one that is started at the same address, and fetches what it missed.
func TestSubSurvivesRestart(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := plantTree(t)
			certificate := t.TempDir()
			config := writeConfig(t, certificate, tr)
			ended, before := serveNode(t, "-c", config, "--drain-timeout", "300ms")
			track := videoTrack(t, tr.origin.Relay, tr.trust)
			reference := view(t, tr.origin.Relay, track, []string{tr.origin.Fingerprint})
			sub := view(t, before.Relay, track, []string{before.Fingerprint})
			reference.until(1)
			sub.until(1)
			first := sub.group + 1
			sub.until(first + 1)
			told := time.Now()
			if err := ended.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			ended.ended(told)
			serveNode(t, "-c", config, "--listen", before.Relay)
			sub.until(first + 9) // groups that were fetched may come behind those that are live
			reference.until(first + 9)
			if faults := compare(t, sub, reference, first, first+7); len(faults) > 0 {
				t.Errorf("%d faults, first: %s", len(faults), faults[0])
			}
		})
	}
}

// Negative control: who does not follow GOAWAY is closed at the limit, and the
// relay says so.
func TestDrainLimitClosesSub(t *testing.T) {
	t.Parallel()
	tr := plantTree(t)
	leaving, before := tr.edge(t, "--drain-timeout", "500ms", "--drain-uri", "moqt://"+tr.origin.Relay)
	sub := view(t, before.Relay, videoTrack(t, tr.origin.Relay, tr.trust), []string{before.Fingerprint}, "--once")
	sub.until(1)
	told := time.Now()
	if err := leaving.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code, took := leaving.ended(told)
	if code != exitOK || took < 500*time.Millisecond || !strings.Contains(leaving.stderr.String(), "not drained") {
		t.Errorf("the relay ended with %d after %v: %s", code, took, leaving.stderr)
	}
	if code, _ := sub.ended(told); code != exitFailure {
		t.Errorf("sub ended with %d: %s", code, sub.stderr)
	}
}

// A second signal ends a relay that drains at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	tr := plantTree(t)
	leaving, before := tr.edge(t, "--drain-timeout", "1m")
	sub := view(t, before.Relay, videoTrack(t, tr.origin.Relay, tr.trust), []string{before.Fingerprint}, "--once")
	sub.until(1)
	told := time.Now()
	for range 2 {
		if err := leaving.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for deadline := told.Add(10 * time.Second); !strings.Contains(leaving.stderr.String(), "draining"); {
			if time.Now().After(deadline) {
				t.Fatalf("it does not drain: %s", leaving.stderr)
			}
			time.Sleep(time.Millisecond)
		}
	}
	if _, took := leaving.ended(told); took > 30*time.Second {
		t.Errorf("it ended after %v", took)
	}
	if status, ok := leaving.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, not by the signal", leaving.cmd.ProcessState)
	}
}
