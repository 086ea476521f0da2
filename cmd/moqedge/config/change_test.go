package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"moqedge/cmd/moqedge/peer"
)

// Every field says what a change of it needs, what it is without a value, and that can be.
func TestTags(t *testing.T) {
	var look func(at reflect.Type, path string, around Class, listed bool)
	look = func(at reflect.Type, path string, around Class, listed bool) {
		for _, m := range members(at) {
			key := join(path, m.key)
			class, ok := classOf(m.field, around)
			if !ok {
				t.Errorf("%s has no tag reload: live, sessions, restart, or section for that of the section", key)
			}
			if listed && class != around {
				t.Errorf("%s: lists of sections are replaced as a whole: reload:\"section\"", key)
			}
			text, said := m.field.Tag.Lookup("default")
			_, words := m.field.Tag.Lookup("without")
			switch {
			case said && words:
				t.Errorf("%s has the tags default and without: one of them", key)
			case m.kind == section || m.kind == sections:
				if said {
					t.Errorf("%s is a section: it has no default", key)
				}
			case !said && !words:
				t.Errorf("%s has no tag default, or without for what is no constant", key)
			case said:
				v := reflect.New(m.field.Type).Elem()
				if err := setText(v, text); err != nil || textOf(v) != text {
					t.Errorf("%s: default %q: %v, it is written %q", key, text, err, textOf(v))
				}
				if v.Kind() == reflect.Bool && v.Bool() {
					t.Errorf("%s: a default of true can not be told from false", key)
				}
			}
			if m.kind == section || m.kind == sections {
				look(structOf(m.field.Type), key, class, listed || m.kind == sections)
			}
		}
	}
	look(reflect.TypeFor[Config](), "", Restart, false)
}

func TestDiff(t *testing.T) {
	base := func() Config {
		return Config{
			Listen: ":1", HTTP: &HTTP{Listen: ":2"}, Bridge: &Bridge{SRT: &SRT{Passphrase: "correct horse"}},
			Upstreams: []Upstream{{Config: peer.Config{URL: "moqt://a"}}},
			Cluster:   &Cluster{URL: "moqt://x", NATS: "nats://user:pass@y"},
		}
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"nothing":          {func(*Config) {}, ""},
		"what is meant":    {func(c *Config) { c.Retention.Groups, c.Drain.Timeout = 3, 10*time.Second }, ""},
		"no list":          {func(c *Config) { c.Certificate.Hosts = []string{} }, ""},
		"a value":          {func(c *Config) { c.Listen = ":3" }, "listen restart :1 > :3"},
		"live":             {func(c *Config) { c.Log.Level = "debug" }, "log.level live info > debug"},
		"two":              {func(c *Config) { c.Drain.URI, c.HTTP.TLS = "moqt://z", true }, "http.tls restart false > true; drain.uri live  > moqt://z"},
		"a list":           {func(c *Config) { c.Certificate.Hosts = []string{"a", "b"} }, "certificate.hosts live  > a, b"},
		"section goes":     {func(c *Config) { c.HTTP = nil }, "http restart  > "},
		"section comes":    {func(c *Config) { c.Admin = &Admin{Listen: ":4"} }, "admin restart  > "},
		"switch":           {func(c *Config) { c.Bridge.WHIP.Enabled = true }, "bridge.whip restart  > "},
		"secret":           {func(c *Config) { c.Bridge.SRT.Passphrase = "battery staple" }, "bridge.srt.passphrase restart *** > ***"},
		"password":         {func(c *Config) { c.Cluster.NATS = "nats://user:word@z" }, "cluster.nats restart nats://user:***@y > nats://user:***@z"},
		"embedded, listed": {func(c *Config) { c.Upstreams[0].URL = "moqt://b" }, "upstreams[0].url " + upstreamClass().String() + " moqt://a > moqt://b"},
		"one more":         {func(c *Config) { c.Upstreams = append(c.Upstreams, Upstream{}) }, "upstreams[1] " + upstreamClass().String() + "  > "},
	} {
		t.Run(name, func(t *testing.T) {
			next := base()
			c.change(&next)
			var got []string
			for _, d := range Diff(base(), next) {
				got = append(got, d.Key+" "+d.Class.String()+" "+d.Old+" > "+d.New)
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("got  %q\nwant %q", s, c.want)
			}
			// What needs a restart stays, and is what is left.
			merged := Overlay(base(), next, func(string) bool { return true })
			if left := Diff(merged, next); !slices.Equal(left.Keys(), Diff(base(), next).Of(Restart).Keys()) {
				t.Errorf("left: %v", left)
			}
			if done := Diff(base(), merged); len(done.Of(Restart)) > 0 {
				t.Errorf("applied: %v", done)
			}
		})
	}
}

func upstreamClass() Class {
	m, _ := find(reflect.TypeFor[Config](), "upstreams")
	class, _ := classOf(m.field, Restart)
	return class
}

func TestTouches(t *testing.T) {
	c := Change{{Key: "log.level", Class: Live}, {Key: "upstreams[1].cost", Class: Live}, {Key: "http", Class: Restart}, {Key: "retention.maxLag", Class: Sessions}}
	for key, want := range map[string]bool{
		"log": true, "log.level": true, "lo": false, "log.format": false, "upstreams": true, "upstream": false, "http": false, "retention": true,
	} {
		if c.Touches(key) != want {
			t.Errorf("%s: %v", key, !want)
		}
	}
}

// A running configuration is not changed by what is made of it.
func TestOverlayAndFilledCopy(t *testing.T) {
	running := Config{Listen: ":1", Bridge: &Bridge{}, Upstreams: []Upstream{{}}}
	next := Config{Listen: ":2", Bridge: &Bridge{Grace: time.Second}}
	_, filled := Overlay(running, next, func(string) bool { return true }), running.Filled()
	if running.Bridge.Grace != 0 || running.Upstreams[0].Cost != 0 {
		t.Errorf("%+v", running)
	}
	if filled.Bridge.Grace != 10*time.Second || filled.Upstreams[0].Cost != 1 || filled.Retention.Time != 90*time.Second {
		t.Errorf("%+v", filled)
	}
}
