package srt

import (
	"strings"
	"testing"

	gosrt "github.com/datarhei/gosrt"
)

var streamIDs = []struct {
	id, name string
	code     gosrt.RejectionReason
	text     string // part of the refusal
}{
	{"publish:cam1", "cam1", 0, ""},
	{"publish:a.b_c-D", "a.b_c-D", 0, ""},
	{"publish:a:b", "a:b", 0, ""}, // the hub refuses the name
	{"#!::m=publish,r=cam1", "cam1", 0, ""},
	{"#!::r=cam1,m=publish", "cam1", 0, ""},
	{"#!::u=joe,t=stream,r=cam1,s=12,h=host,m=publish", "cam1", 0, ""},
	{"#!::r=a=b,m=publish", "a=b", 0, ""},
	{"", "", gosrt.REJX_BAD_REQUEST, "no stream id"},
	{"publish:", "", gosrt.REJX_BAD_REQUEST, "names nothing"},
	{"cam1", "", gosrt.REJX_BAD_REQUEST, "not understood"},
	{"publish", "", gosrt.REJX_BAD_REQUEST, "not understood"},
	{"read:cam1", "", gosrt.REJX_BAD_MODE, "publishing only"},
	{"play:cam1", "", gosrt.REJX_BAD_MODE, "publishing only"},
	{"#!::m=request,r=cam1", "", gosrt.REJX_BAD_MODE, "publishing only"},
	{"#!::r=cam1", "", gosrt.REJX_BAD_MODE, "publishing only"},
	{"#!::m=bidirectional,r=cam1", "", gosrt.REJX_BAD_MODE, `mode "bidirectional"`},
	{"#!::m=publish", "", gosrt.REJX_BAD_REQUEST, "no r=NAME"},
	{"#!::m=publish,r=", "", gosrt.REJX_BAD_REQUEST, "no r=NAME"},
	{"#!::m=publish,r=a,r=b", "", gosrt.REJX_BAD_REQUEST, `key "r" twice`},
	{"#!::m=publish,r=a,x=1", "", gosrt.REJX_BAD_REQUEST, `unknown key "x"`},
	{"#!::m=publish,cam1", "", gosrt.REJX_BAD_REQUEST, "key=value"},
	{"#!::", "", gosrt.REJX_BAD_REQUEST, "key=value"},
	{"#!:{m=publish,r=a}", "", gosrt.REJX_BAD_REQUEST, "not understood"},
	{"publish\x00:\n", "", gosrt.REJX_BAD_REQUEST, `"publish\x00:\n"`},
}

func TestParseWish(t *testing.T) {
	for id, token := range map[string]string{
		"publish:cam1": "", "#!::m=publish,r=cam1,t=a.b_-.c=": "a.b_-.c=", "#!::t=stream,m=publish,r=cam1": "", "#!::t=,m=publish,r=cam1": "",
	} {
		if w, err := parseWish(id); err != nil || w != (wish{"cam1", token}) {
			t.Errorf("%q: %+v, %v; want the token %q", id, w, err, token)
		}
	}
	for _, id := range []string{"#!:{m=publish,r=a,t=secret}", "x:t=secret", "#!::m=publish,t=secret,t", "t=secret", "read:t=secret"} {
		if _, err := parseWish(id); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, c := range streamIDs {
		w, err := parseWish(c.id)
		name := w.name
		if c.code == 0 {
			if err != nil || name != c.name {
				t.Errorf("%q: %q, %v; want %q", c.id, name, err, c.name)
			}
			continue
		}
		if err == nil || code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: %q, %v (code %d); want code %d and %q", c.id, name, err, code(err), c.code, c.text)
		}
	}
}

func FuzzParseWish(f *testing.F) {
	for _, c := range streamIDs {
		f.Add(c.id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		w, err := parseWish(id)
		name := w.name
		if (name == "") != (err != nil) {
			t.Fatalf("%q: name %q with error %v", id, name, err)
		}
		if err == nil && !strings.Contains(id, name) {
			t.Fatalf("%q: name %q is not in it", id, name)
		}
		if err != nil && (code(err) < gosrt.REJX_BAD_REQUEST || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Fatalf("%q: code %d, %v", id, code(err), err)
		}
	})
}
