package console

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

// What reaches a terminal of 20 columns, step by step.
func TestTerminal(t *testing.T) {
	var out bytes.Buffer
	c := New(&out, func() int { return 20 })
	logs := c.Above(&out)
	steps := []struct {
		do   func()
		want string
	}{
		{func() { c.Line("addresses") }, "addresses\n"},
		{func() { c.Status("one") }, "one"},
		{func() { c.Status("two") }, eraseLine + "two"},
		{func() { io.WriteString(logs, "level=WARN\n") }, eraseLine + "level=WARN\ntwo"},
		{func() { c.Line("line") }, eraseLine + "line\ntwo"},
		{func() { c.Status("12345678901234567890") }, eraseLine + "123456789012345678…"},
		{func() { c.Status("ä\nb") }, eraseLine + "ä"},
		{func() { c.Close() }, "\n"},
		{func() { c.Close() }, ""},
		{func() { c.Line("end") }, "end\n"},
	}
	for i, s := range steps {
		out.Reset()
		s.do()
		if got := out.String(); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
	}
	if !c.Terminal() {
		t.Error("no terminal")
	}
}

func TestNoTerminal(t *testing.T) {
	var out bytes.Buffer
	c := New(&out, nil)
	c.Status("one")
	c.Status("two")
	if err := c.JSON(map[string]int{"three": 3}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(c.Above(&out), "log")
	c.Close()
	if got, want := out.String(), "one\ntwo\n{\"three\":3}\nlog\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if c.JSON(func() {}) == nil {
		t.Error("a function was encoded")
	}
}

func TestWidthOfFile(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if w := Width(f); w != 0 {
		t.Errorf("a file has %d columns", w)
	}
}

func TestRate(t *testing.T) {
	var r Rate
	now := time.Unix(0, 0)
	for i, s := range []struct {
		bytes uint64
		after time.Duration
		want  float64
	}{
		{1000, 0, 0}, {126_000, time.Second, 1}, {626_000, 2 * time.Second, 2}, {626_000, time.Second, 0},
		{5, time.Second, 0}, {5, 0, 0},
	} {
		now = now.Add(s.after)
		if got := r.Next(s.bytes, now); got != s.want {
			t.Errorf("step %d: %v Mbps, want %v", i, got, s.want)
		}
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 65 * time.Second: "1:05", time.Hour: "1:00:00", 26*time.Hour + 61*time.Second: "26:01:01",
	} {
		if got := Clock(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
