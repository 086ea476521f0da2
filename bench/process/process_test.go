package process

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"
)

// echo is a role that answers with what it was asked.
type echo struct{}

func (echo) Handle(command string, args json.RawMessage) (any, error) {
	switch command {
	case "echo":
		return args, nil
	case "hang":
		select {}
	}
	return nil, errors.New("no such command")
}

func (echo) Close() error { return nil }

// TestMain is the child, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == Flag {
		if err := Serve(echo{}); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func start(t *testing.T) *Child {
	t.Helper()
	c, err := Start("echo")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChild(t *testing.T) {
	c := start(t)
	var got []int
	if err := c.Call(t.Context(), "echo", []int{1, 2}, &got); err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	if err := c.Call(t.Context(), "other", nil, nil); err == nil {
		t.Fatal("an unknown command was answered")
	}
	before, err := c.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/cpu"
	stop, err := c.Profile(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	after, err := c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.CPU() < before.CPU() || after.Collections <= before.Collections || after.Resident == 0 || after.Goroutines == 0 {
		t.Errorf("%+v, then %+v", before, after)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(file); err != nil || i.Size() == 0 {
		t.Errorf("profile: %v, %v", i, err)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := c.Call(t.Context(), "echo", nil, nil); err == nil {
		t.Error("a process that has ended answered")
	}
}

// A child that does not answer is not waited for longer than the context lasts.
func TestChildHangs(t *testing.T) {
	c := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Call(ctx, "hang", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := c.Stop(); err == nil {
		t.Error("a process that was killed ended well")
	}
}
