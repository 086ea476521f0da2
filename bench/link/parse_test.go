package link

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestParse(t *testing.T) {
	for name, want := range map[string]Link{
		"clean":      {},
		"50ms":       {Delay: 25 * ms},
		"50ms-1%":    {Delay: 25 * ms, Loss: 0.01},
		"100ms-2%":   {Delay: 50 * ms, Loss: 0.02},
		"80ms-0.5%":  {Delay: 40 * ms, Loss: 0.005},
		"bottleneck": {Delay: 25 * ms, Rate: 3e6, Changes: []Change{{At: 10 * time.Second, Rate: 1.5e6}, {At: 20 * time.Second}}},
		"outage":     {Delay: 25 * ms, Changes: []Change{{At: 13500 * ms, Down: true}, {At: 16500 * ms}}},
	} {
		want.Name = name
		got, err := Parse(name, 30*time.Second)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again Link
		if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%s: %+v, %v after JSON %s", name, again, err, b)
		}
		if got.Clean() != (name == "clean") {
			t.Errorf("%s is clean: %v", name, got.Clean())
		}
	}
	for _, name := range Names() {
		if _, err := Parse(name, time.Minute); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "dirty", "50", "50ms-", "50ms-1", "50ms-x%", "-50ms", "50ms--1%", "50ms-100%", "50ms-NaN%", "1h1h-1%%"} {
		if l, err := Parse(name, time.Minute); err == nil {
			t.Errorf("%q is %+v", name, l)
		}
	}
	for name, length := range map[string]time.Duration{"bottleneck": 0, "outage": 3 * time.Second} {
		if l, err := Parse(name, length); err == nil {
			t.Errorf("%s of %v is %+v", name, length, l)
		}
	}
}

func TestOverride(t *testing.T) {
	base, err := Parse("bottleneck", 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	same, err := base.Override(Override{})
	if err != nil || !reflect.DeepEqual(same, base) {
		t.Errorf("%+v, %v", same, err)
	}
	got, err := base.Override(Override{Delay: new(10 * ms), Jitter: new(5 * ms), Queue: new(time.Second), Loss: new(0.02), Rate: new(6e6), Up: new(1e6)})
	want := Link{
		Name:  "bottleneck delay=10ms jitter=5ms queue=1s loss=2% rate=6Mbit/s up=1Mbit/s",
		Delay: 10 * ms, Jitter: 5 * ms, Queue: time.Second, Loss: 0.02, Rate: 6e6, Up: 1e6,
		Changes: []Change{{At: 10 * time.Second, Rate: 3e6}, {At: 20 * time.Second}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if base.Changes[0].Rate != 1.5e6 {
		t.Error("the link that was overridden is another")
	}
	zero, err := got.Override(Override{Loss: new(0.0)})
	if err != nil || zero.Loss != 0 {
		t.Errorf("%+v, %v", zero, err)
	}
	for _, o := range []Override{
		{Delay: new(-ms)}, {Jitter: new(-ms)}, {Queue: new(-ms)}, {Loss: new(-0.1)}, {Loss: new(1.0)}, {Loss: new(math.NaN())},
		{Rate: new(-1.0)}, {Rate: new(math.Inf(1))}, {Up: new(3.0)},
	} {
		if l, err := base.Override(o); err == nil {
			t.Errorf("%+v is valid", l)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, l := range []Link{
		{Changes: []Change{{At: 2}, {At: 1}}},
		{Changes: []Change{{Rate: -1}}},
		{Changes: []Change{{Rate: math.NaN()}}},
	} {
		if l.Validate() == nil {
			t.Errorf("%+v is valid", l)
		}
	}
}
