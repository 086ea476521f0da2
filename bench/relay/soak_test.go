package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/bench/process"
	"moqedge/moq/live"
)

// TestMain lets this program be the processes that tests start.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == process.Flag {
		main()
		return
	}
	// Tests wait for processes and the time more than they compute. This is for who
	// says nothing of -parallel.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// TestSoak is the form of "make soak" that fits into a minute: an upstream that is
// killed three times, subscribers that stay and get every object once, others and
// publishers that come and go, and nothing left of them in the end. Within this
// time memory is not yet what it will be, hence the wider bound. Who left without a
// word is missed sooner than by default, as the end waits for that.
func TestSoak(t *testing.T) {
	t.Parallel()
	c := &soakCommand{duration: 24 * time.Second, stay: 40, tracks: 4, come: 4, restart: 6 * time.Second, growth: 0.3, idle: 8 * time.Second}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var printed bytes.Buffer
	err := c.run(ctx, &output{results: &printed})
	t.Log(printed.String())
	if err != nil {
		t.Fatal(err)
	}
}

// The soak fails when it has to.
func TestSoakFinds(t *testing.T) {
	write := func(v *viewer, group uint64, ids ...uint64) error {
		for _, id := range ids {
			if err := v.note(&live.Object{Group: group, ID: id, Size: soakObject}); err != nil {
				return err
			}
		}
		return nil
	}
	all := []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, x := range []struct {
		name  string
		write func(v *viewer) error
		want  string // the error of note, or what is missing
	}{
		{"all", func(v *viewer) error { return write(v, 5, all...) }, ""},
		{"twice", func(v *viewer) error { return write(v, 5, 1, 1) }, "twice"},
		{"hole", func(v *viewer) error { return write(v, 5, all[1:]...) }, "of group 5"},
		{"group", func(v *viewer) error { return write(v, 4, all...) }, "of group 5"},
		{"nothing", func(*viewer) error { return nil }, "everything"},
		{"foreign", func(v *viewer) error { return write(v, 5, soakGroup) }, "nobody published"},
	} {
		v := newViewer(overQUIC)
		err := x.write(v)
		got := v.missing(5)
		if err != nil {
			got = err.Error()
		}
		if x.want == "" && got != "" || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
	c := &soakCommand{growth: 0.05}
	for growth, bad := range map[float64]bool{0.04: false, 0.06: true, -0.2: false} {
		if err := c.judge(soak{Growth: growth}); (err != nil) != bad {
			t.Errorf("growth %v: %v", growth, err)
		}
	}
}
