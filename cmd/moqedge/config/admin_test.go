package config

import (
	"strings"
	"testing"
)

// An address that others reach needs a token, and a token some length.
func TestAdmin(t *testing.T) {
	const token = "0123456789abcdef"
	for name, c := range map[string]struct {
		admin *Admin
		want  string // of the error; "": none
	}{
		"none":            {nil, ""},
		"local":           {&Admin{Listen: "127.0.0.1:9090"}, ""},
		"local, token":    {&Admin{Listen: "[::1]:9090", Token: token}, ""},
		"all, token":      {&Admin{Listen: ":9090", Token: token}, ""},
		"all":             {&Admin{Listen: ":9090"}, "admin.token: others reach"},
		"another address": {&Admin{Listen: "192.0.2.1:9090"}, "admin.token: others reach"},
		"short":           {&Admin{Listen: "localhost:9090", Token: token[1:]}, "admin.token: it has 15 characters"},
		"no address":      {&Admin{Token: token}, "admin.listen: it is missing"},
	} {
		err := c.admin.validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for address, want := range map[string]bool{":80": false, "127.0.0.1:80": true, "localhost:80": true, "[::1]:80": true, "192.0.2.1:1": false, "x": false} {
		if Loopback(address) != want {
			t.Errorf("%s: loopback is not %v", address, want)
		}
	}
}
