package msf

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func catalogs() map[string]Catalog {
	return map[string]Catalog{
		"loc": {
			GeneratedAt: 1746104606044,
			Tracks: []Track{
				{Name: "video_720_avc", Packaging: PackagingLOC, IsLive: true, Role: RoleVideo, TargetLatency: 300, RenderGroup: 1, AltGroup: 1, Codec: "avc3.64001f", Bitrate: 2_500_000, Width: 1280, Height: 720, Framerate: 29.97},
				{Name: "audio_aac", Packaging: PackagingLOC, IsLive: true, Role: RoleAudio, TargetLatency: 300, RenderGroup: 1, AltGroup: 2, Codec: "mp4a.40.2", Bitrate: 128_000, SampleRate: 48000, ChannelConfig: "2"},
			},
		},
		"cmaf": {
			GeneratedAt: 1746104606044,
			Tracks: []Track{
				{Name: "video_720_avc", Packaging: PackagingCMAF, IsLive: true, Role: RoleVideo, InitRef: "video_720_avc", InitData: EncodeInit([]byte("ftyp")), Codec: "avc1.64001f", Timescale: 1_000_000, Bitrate: 2_500_000, Width: 1280, Height: 720, Framerate: 30},
			},
			InitDataList: []InitData{{ID: "video_720_avc", Type: InitInline, Data: EncodeInit([]byte("ftyp"))}},
		},
		"ended": {GeneratedAt: 1746104606044, IsComplete: true},
	}
}

func TestGolden(t *testing.T) {
	for name, c := range catalogs() {
		t.Run(name, func(t *testing.T) {
			got, err := Append([]byte("x"), c)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(got[1:]), strings.TrimSpace(string(want)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			back, err := Parse(got[1:])
			if err != nil {
				t.Fatal(err)
			}
			c.Version = Version
			if c.Tracks == nil {
				c.Tracks = []Track{}
			}
			if !reflect.DeepEqual(back, c) {
				t.Errorf("read back %+v\nwant %+v", back, c)
			}
		})
	}
}

func TestInit(t *testing.T) {
	c := catalogs()["cmaf"]
	old := c.Tracks[0]
	old.InitRef = ""
	for _, tr := range []Track{c.Tracks[0], old} {
		if b, err := c.Init(tr); err != nil || !bytes.Equal(b, []byte("ftyp")) {
			t.Errorf("%q, %v", b, err)
		}
	}
	if b, err := c.Init(Track{Name: "a"}); b != nil || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := c.Init(Track{InitData: "?"}); !errors.Is(err, ErrCatalog) {
		t.Errorf("bad base64: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":             `{`,
		"a list":               `[]`,
		"other version":        `{"version":"1","tracks":[]}`,
		"no tracks":            `{"version":"draft-01"}`,
		"delta":                `{"version":"draft-01","tracks":[],"deltaUpdate":[]}`,
		"track without name":   `{"version":"draft-01","tracks":[{"packaging":"loc","isLive":true}]}`,
		"no packaging":         `{"version":"draft-01","tracks":[{"name":"a","isLive":true}]}`,
		"name twice":           `{"version":"draft-01","tracks":[{"name":"a","packaging":"loc"},{"name":"a","packaging":"loc"}]}`,
		"missing init":         `{"version":"draft-01","tracks":[{"name":"a","packaging":"cmaf","initRef":"x"}]}`,
		"init id twice":        `{"version":"draft-01","tracks":[],"initDataList":[{"id":"a"},{"id":"a"}]}`,
		"a number as the name": `{"version":"draft-01","tracks":[{"name":1,"packaging":"loc"}]}`,
	} {
		if c, err := Parse([]byte(text)); !errors.Is(err, ErrCatalog) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if _, err := Parse([]byte(`{"version":"draft-01","x":{},"tracks":[{"name":"a","packaging":"loc","com.example-a":1}]}`)); err != nil {
		t.Errorf("unknown fields: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range catalogs() {
		b, err := Append(nil, c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err != nil {
			return
		}
		for _, tr := range c.Tracks {
			_, _ = c.Init(tr)
		}
		again, err := Append(nil, c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(again); err != nil {
			t.Fatalf("%q became %q: %v", b, again, err)
		}
	})
}
