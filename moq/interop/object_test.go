package interop

import (
	"slices"
	"strings"
	"testing"

	"moqedge/moq/wire"
)

func TestCompare(t *testing.T) {
	base := object{group: 1, id: 2, subgroup: 3, priority: 4, properties: wire.Properties{1}, payload: []byte("abc")}
	change := func(f func(o *object)) []object {
		o := base
		f(&o)
		return []object{o}
	}
	for name, c := range map[string]struct {
		got  []object
		want []string
	}{
		"same":       {[]object{base}, nil},
		"missing":    {nil, []string{"object 1/2 is missing"}},
		"unexpected": {[]object{base, {group: 9}, {group: 0}}, []string{"object 0/0 was not asked for", "object 9/0 was not asked for"}},
		"subgroup":   {change(func(o *object) { o.subgroup = 0 }), []string{"object 1/2: subgroup is 0, want 3"}},
		"priority":   {change(func(o *object) { o.priority = 5 }), []string{"priority is 5, want 4"}},
		"status":     {change(func(o *object) { o.status = wire.ObjectEndOfTrack }), []string{"status is 4, want 0"}},
		"properties": {change(func(o *object) { o.properties = nil }), []string{"properties are , want 01"}},
		"payload":    {change(func(o *object) { o.payload = []byte("abd!") }), []string{"payload has 4 bytes, want 3; they differ from byte 2 on"}},
		"shorter":    {change(func(o *object) { o.payload = []byte("ab") }), []string{"payload has 2 bytes, want 3; they differ from byte 2 on"}},
		"datagram":   {change(func(o *object) { o.datagram = true }), []string{"came by a datagram, was sent by a stream"}},
		"twice":      {change(func(o *object) { o.priority, o.payload = 0, nil }), []string{"priority", "payload"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := compare([]object{base}, c.got)
			if !slices.EqualFunc(got, c.want, strings.Contains) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	datagram := object{datagram: true, endOfGroup: true}
	if got := compare([]object{datagram}, []object{{datagram: true}}); len(got) != 1 || !strings.Contains(got[0], "end of group is false, want true") {
		t.Errorf("end of group: %q", got)
	}
	var many []object
	for id := range uint64(100) {
		many = append(many, object{id: id})
	}
	if got := compare(many, nil); len(got) != maxDifferences+1 || got[maxDifferences] != "and 80 more" {
		t.Errorf("many: %q", got)
	}
}

func TestPattern(t *testing.T) {
	if a, b := pattern(1, 1000), pattern(2, 1000); slices.Equal(a, b) || slices.Equal(a[:500], a[500:]) || slices.Equal(a, make([]byte, 1000)) {
		t.Error("patterns do not differ")
	}
	if !slices.Equal(pattern(7, 10), pattern(7, 20)[:10]) {
		t.Error("a pattern depends on its length")
	}
}

func TestSelect(t *testing.T) {
	for _, c := range []struct {
		names   []string
		count   int
		unknown int
	}{
		{nil, 6, 0},
		{[]string{SelectStandard}, 6, 0},
		{[]string{SelectObjects}, len(cases) - 6, 0},
		{[]string{SelectAll}, len(cases), 0},
		{[]string{"goaway", "nope", "setup-only"}, 2, 1},
	} {
		selected, unknown := Select(c.names...)
		if len(selected) != c.count || len(unknown) != c.unknown {
			t.Errorf("%q: %d cases, unknown %q", c.names, len(selected), unknown)
		}
	}
	seen := map[string]bool{}
	for _, k := range Cases() {
		if k.Name == "" || k.Summary == "" || k.Timeout <= 0 || seen[k.Name] {
			t.Errorf("case %+v", k)
		}
		seen[k.Name] = true
	}
}
