package subscriber

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"moqedge/cmd/moqedge/console"
	"moqedge/moq/live"
	"moqedge/moq/loc"
	"moqedge/moq/wire"
)

func TestObject(t *testing.T) {
	track := live.NewTrack(fullName("cam", "video"), live.Options{Now: func() time.Time { return time.UnixMicro(1_700_000_000_250_500) }})
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: 7, Priority: 128, HasProperties: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range []*loc.Header{nil, {Timestamp: 1_700_000_000_200_000}, {Timestamp: 5, Timescale: 90000}, {Timestamp: 1 << 61}} {
		o := live.WholeObject{ID: uint64(i), Payload: []byte("xyz")}
		if h != nil {
			o.Properties = loc.AppendProperties(nil, *h)
		}
		if err := w.Append(o); err != nil {
			t.Fatal(err)
		}
	}
	reader := track.NewReader(wire.Location{})
	defer reader.Close()
	for i, want := range []string{
		"cam video group=7 object=0 subgroup=0 priority=128 size=3",
		"cam video group=7 object=1 subgroup=0 priority=128 size=3 time=22:13:20.200 latency=50.5ms",
		"cam video group=7 object=2 subgroup=0 priority=128 size=3",
		"cam video group=7 object=3 subgroup=0 priority=128 size=3",
	} {
		o, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := newObject(track.Name(), o).String(); got != want {
			t.Errorf("object %d: %s, want %s", i, got, want)
		}
	}
}

func TestSummary(t *testing.T) {
	start := time.Unix(1000, 0)
	s := newSummary(start)
	for i := range 100 {
		latency := float64(i)
		s.Add(Object{Track: "video", Group: uint64(i / 10), Size: 1000, LatencyMs: &latency})
	}
	s.Add(Object{Track: "catalog", Size: 25_000})
	if got, want := s.Next(start.Add(time.Second)).String(), "0:01 | objects 101 | 1.00 Mbps | latency p50 49 ms, p95 94 ms, max 99 ms | catalog 1 (group 0) | video 100 (group 9)"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := s.Next(start.Add(2*time.Second)).String(), "0:02 | objects 0 | 0.00 Mbps"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	late := 1e9
	s.Add(Object{Track: "video", LatencyMs: &late})
	if r := s.Total(start.Add(4 * time.Second)); r.Objects != 102 || r.Mbps != 0.25 || r.Latency.MaxMs != late || r.Seconds != 4 {
		t.Errorf("%+v", r)
	}
}

func TestReport(t *testing.T) {
	p := newPublisher(t)
	reader := p.track("cam", "video", "one", "two").NewReader(wire.Location{})
	defer reader.Close()
	var objects []*live.Object
	for range 2 {
		o, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	take := func(c ReportConfig) (printed, payloads string, last error) {
		var out, raw bytes.Buffer
		c.Console, c.Output = console.New(&out, nil), &raw
		r := NewReport(c)
		for _, o := range objects {
			if last = r.Take(fullName("cam", "video"), o); last != nil {
				break
			}
		}
		r.Finish()
		return out.String(), raw.String(), last
	}
	if printed, payloads, err := take(ReportConfig{}); strings.Count(printed, "\n") != 2 || payloads != "onetwo" || err != nil {
		t.Errorf("lines: %q, %q, %v", printed, payloads, err)
	}
	if printed, payloads, err := take(ReportConfig{JSON: true, Count: 1}); !strings.HasPrefix(printed, `{"type":"object","namespace":"cam","track":"video","group":0,`) || payloads != "one" || !errors.Is(err, ErrEnough) {
		t.Errorf("JSON: %q, %q, %v", printed, payloads, err)
	}
	if printed, _, _ := take(ReportConfig{Interval: time.Hour}); !strings.HasPrefix(printed, "total 0:00 | objects 2 |") {
		t.Errorf("total: %q", printed)
	}
	if printed, payloads, _ := take(ReportConfig{Quiet: true}); printed != "" || payloads != "onetwo" {
		t.Errorf("quiet: %q, %q", printed, payloads)
	}
	full := ReportConfig{Console: console.New(&bytes.Buffer{}, nil), Output: broken{}}
	if err := NewReport(full).Take(fullName("cam", "video"), objects[0]); !errors.Is(err, errStop) {
		t.Errorf("full disk: %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errStop }
