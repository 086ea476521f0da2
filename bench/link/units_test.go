package link

import "testing"

func TestBitRate(t *testing.T) {
	for text, want := range map[string]BitRate{"3M": 3e6, "1.5Mbit/s": 1.5e6, "800k": 8e5, "64000": 64000, "2 Gbps": 2e9} {
		var r, again BitRate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%q is %v, %v", text, r, err)
		}
		if err := again.UnmarshalText([]byte(r.String())); err != nil || again != r {
			t.Errorf("%s is read as %v, %v", r, again, err)
		}
	}
	for _, text := range []string{"", "M", "-3M", "0", "3X", "1e999", "NaN"} {
		if err := new(BitRate).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a bit rate", text)
		}
	}
}

func TestShare(t *testing.T) {
	for text, want := range map[string]Share{"1%": 0.01, "0.02": 0.02, "0": 0, "100%": 1} {
		var p, again Share
		if err := p.UnmarshalText([]byte(text)); err != nil || p != want {
			t.Errorf("%q is %v, %v", text, p, err)
		}
		if err := again.UnmarshalText([]byte(p.String())); err != nil || again != p {
			t.Errorf("%s is read as %v, %v", p, again, err)
		}
	}
	for _, text := range []string{"", "%", "-1%", "101%", "2", "NaN"} {
		if err := new(Share).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a share", text)
		}
	}
}
