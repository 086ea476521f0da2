package live

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"moqedge/moq/wire"
)

// isMalformed checks that err is a *MalformedError whose reason has a part.
func isMalformed(t *testing.T, err error, part string) {
	t.Helper()
	var m *MalformedError
	if !errors.As(err, &m) || !strings.Contains(m.Reason, part) {
		t.Errorf("got %v, want a malformed track for %q", err, part)
	}
}

// properties of an object in ascending order.
func properties(kvs ...wire.KeyValue) wire.Properties { return wire.AppendProperties(nil, kvs...) }

func immutable(inside ...wire.KeyValue) wire.KeyValue {
	return wire.KeyValue{Type: wire.PropImmutable, Bytes: properties(inside...)}
}

func groupGap(n uint64) wire.KeyValue  { return wire.KeyValue{Type: wire.PropPriorGroupGap, Value: n} }
func objectGap(n uint64) wire.KeyValue { return wire.KeyValue{Type: wire.PropPriorObjectGap, Value: n} }

// write is one thing that is done to a track of the tests below.
type write func(*Track) error

// object writes one object on a stream of its own, which stays open.
func object(i SubgroupInfo, o WholeObject) write {
	return func(t *Track) error {
		w, err := t.OpenSubgroup(i)
		if err != nil {
			return err
		}
		return w.Append(o)
	}
}

// stream writes objects on a stream that ends with FIN.
func stream(i SubgroupInfo, ids ...uint64) write {
	return func(t *Track) error {
		w, err := t.OpenSubgroup(i)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := w.Append(WholeObject{ID: id, Payload: []byte("x")}); err != nil {
				return err
			}
		}
		return w.Close()
	}
}

func packet(d wire.Datagram) write { return func(t *Track) error { return t.AppendDatagram(d) } }

func fetched(group, subgroup uint64, priority uint8, id uint64, payload string) write {
	return func(t *Track) error {
		f := t.NewFiller()
		if err := f.Begin(group, subgroup, priority, ObjectHeader{ID: id, Size: uint64(len(payload))}); err != nil {
			return err
		}
		for n := 0; n < len(payload); {
			k := copy(f.Buffer(), payload[n:])
			f.Commit(k)
			n += k
		}
		return f.End()
	}
}

var x = []byte("x")

// TestMalformed: each way to break the rules of a track is found (moqt-18
// §2.4.2, §2.5.1, §9.1, §12.7 to §12.9), what comes near it is not, and the
// object that shows it is not kept.
func TestMalformed(t *testing.T) {
	zero, one := SubgroupInfo{Group: 5}, SubgroupInfo{Group: 5, ID: 1}
	last := SubgroupInfo{Group: 5, EndOfGroup: true}
	tests := []struct {
		name   string
		before []write
		last   write
		want   string // part of the reason; empty when it is no fault
		kept   []string
	}{
		{"priority changes in a subgroup", []write{object(zero, WholeObject{Payload: x})},
			object(SubgroupInfo{Group: 5, Priority: 1}, WholeObject{ID: 1, Payload: x}), "priorities 0 and 1", []string{"5/0"}},
		{"another priority in another subgroup", []write{object(zero, WholeObject{Payload: x})},
			object(SubgroupInfo{Group: 5, ID: 1, Priority: 1}, WholeObject{ID: 1, Payload: x}), "", []string{"5/0", "5/1"}},
		{"a fetch tells another priority", []write{object(zero, WholeObject{Payload: x})}, fetched(5, 0, 9, 1, "x"), "", []string{"5/0", "5/1"}},
		{"a fetch told another priority", []write{fetched(5, 0, 9, 0, "x")}, object(zero, WholeObject{ID: 1, Payload: x}), "", []string{"5/0", "5/1"}},
		{"a fetch tells another priority of the same object", []write{object(zero, WholeObject{Payload: x})}, fetched(5, 0, 9, 0, "x"), "", []string{"5/0"}},

		{"beyond the final object of the subgroup", []write{stream(zero, 0, 2)}, object(zero, WholeObject{ID: 3, Payload: x}), "beyond the final object of subgroup 0", []string{"5/0", "5/2"}},
		{"before the final object of the subgroup", []write{stream(zero, 0, 2)}, object(zero, WholeObject{ID: 1, Payload: x}), "", []string{"5/0", "5/1", "5/2"}},
		{"two finals of a subgroup", []write{stream(zero, 0, 2)}, stream(zero, 0, 1), "ends at object 2 and at 1", []string{"5/0", "5/1", "5/2"}},
		{"the same final again", []write{stream(zero, 0, 2)}, stream(zero, 2), "", []string{"5/0", "5/2"}},
		{"a FIN before an object that came", []write{object(zero, WholeObject{ID: 4, Payload: x})}, stream(zero, 3), "object 4 is beyond", []string{"5/3", "5/4"}},
		{"a FIN without objects", []write{stream(zero, 0, 2)}, stream(zero), "", []string{"5/0", "5/2"}},
		{"fetched beyond the final object", []write{stream(zero, 0, 2)}, fetched(5, 0, 0, 3, "x"), "beyond the final object of subgroup 0", []string{"5/0", "5/2"}},

		{"beyond the end of the group", []write{stream(last, 0, 1)}, object(one, WholeObject{ID: 2, Payload: x}), "beyond the end of its group", []string{"5/0", "5/1"}},
		{"the end of the group before an object", []write{object(one, WholeObject{ID: 7, Payload: x})}, stream(last, 0, 1), "object 7 is beyond", []string{"5/0", "5/1", "5/7"}},
		{"beyond an End of Group object", []write{object(zero, WholeObject{ID: 3, Status: wire.ObjectEndOfGroup})}, object(one, WholeObject{ID: 4, Payload: x}), "beyond the end of its group", []string{"5/3"}},
		{"an End of Group object before an object", []write{object(one, WholeObject{ID: 4, Payload: x})}, object(zero, WholeObject{ID: 3, Status: wire.ObjectEndOfGroup}), "object 4 is beyond", []string{"5/4"}},
		{"both ways to end a group", []write{stream(last, 0, 1)}, object(one, WholeObject{ID: 2, Status: wire.ObjectEndOfGroup}), "", []string{"5/0", "5/1", "5/2"}},
		{"two ends of a group", []write{stream(last, 0, 1)}, object(one, WholeObject{ID: 3, Status: wire.ObjectEndOfGroup}), "beyond the end of its group", []string{"5/0", "5/1"}},
		{"a reset does not end a group", []write{func(t *Track) error {
			w, err := t.OpenSubgroup(last)
			w.Abort(wire.ResetCancelled)
			return err
		}}, object(one, WholeObject{ID: 3, Payload: x}), "", []string{"5/3"}},
		{"beyond the last datagram of a group", []write{packet(wire.Datagram{Group: 5, ID: 1, EndOfGroup: true})}, object(zero, WholeObject{ID: 2, Payload: x}), "beyond the end of its group", []string{"5/1"}},
		{"the last datagram of a group before an object", []write{object(zero, WholeObject{ID: 2, Payload: x})}, packet(wire.Datagram{Group: 5, ID: 1, EndOfGroup: true}), "object 2 is beyond", []string{"5/2"}},

		{"beyond the end of the track", []write{object(zero, WholeObject{ID: 3, Status: wire.ObjectEndOfTrack})}, object(SubgroupInfo{Group: 6}, WholeObject{Payload: x}), "beyond the end of the track", []string{"5/3"}},
		{"the end of the track before an object", []write{object(SubgroupInfo{Group: 6}, WholeObject{Payload: x})}, object(zero, WholeObject{ID: 3, Status: wire.ObjectEndOfTrack}), "object 6/0 is beyond", []string{"6/0"}},
		{"two ends of the track", []write{object(zero, WholeObject{ID: 3, Status: wire.ObjectEndOfTrack})}, packet(wire.Datagram{Group: 4, Status: wire.ObjectEndOfTrack}), "ends at 5/3 and at 4/0", []string{"5/3"}},
		{"beyond the end that a fetch told", []write{func(t *Track) error { return t.EndAt(at(5, 1)) }}, object(zero, WholeObject{ID: 2, Payload: x}), "beyond the final object of the track", nil},
		{"an end that a fetch tells before an object", []write{object(zero, WholeObject{ID: 2, Payload: x})}, func(t *Track) error { return t.EndAt(at(5, 1)) }, "object 5/2 is beyond", []string{"5/2"}},

		{"another payload", []write{object(zero, WholeObject{Payload: []byte("abc")})}, object(zero, WholeObject{Payload: []byte("abd")}), "another payload", []string{"5/0"}},
		{"another payload length", []write{object(zero, WholeObject{Payload: []byte("abc")})}, object(zero, WholeObject{Payload: []byte("ab")}), "another payload length", []string{"5/0"}},
		{"another payload fetched", []write{object(zero, WholeObject{Payload: []byte("abc")})}, fetched(5, 0, 0, 0, "xbc"), "another payload", []string{"5/0"}},
		{"another payload in a datagram", []write{packet(wire.Datagram{Group: 5, Payload: []byte("abc")})}, packet(wire.Datagram{Group: 5, Payload: []byte("abd")}), "another payload", []string{"5/0"}},
		{"the same again", []write{object(zero, WholeObject{Payload: []byte("abc")})}, object(zero, WholeObject{Payload: []byte("abc")}), "", []string{"5/0"}},
		{"the same datagram again", []write{packet(wire.Datagram{Group: 5, Payload: []byte("abc")})}, packet(wire.Datagram{Group: 5, Payload: []byte("abc")}), "", []string{"5/0"}},
		{"another status", []write{object(zero, WholeObject{ID: 1})}, object(zero, WholeObject{ID: 1, Status: wire.ObjectEndOfGroup}), "another status", []string{"5/1"}},
		{"another subgroup", []write{object(zero, WholeObject{Payload: x})}, object(one, WholeObject{Payload: x}), "another subgroup", []string{"5/0"}},
		{"another forwarding preference", []write{object(zero, WholeObject{Payload: x})}, packet(wire.Datagram{Group: 5, Priority: wire.Some(uint8(0)), Payload: x}), "another forwarding preference", []string{"5/0"}},
		{"another forwarding preference, the other way", []write{packet(wire.Datagram{Group: 5, Payload: x})}, object(zero, WholeObject{Payload: x}), "another forwarding preference", []string{"5/0"}},
		{"another priority of a datagram", []write{packet(wire.Datagram{Group: 5, Payload: x})}, packet(wire.Datagram{Group: 5, Priority: wire.Some(uint8(3)), Payload: x}), "another priority", []string{"5/0"}},
		{"other immutable properties", []write{object(zero, WholeObject{Properties: properties(immutable(wire.KeyValue{Type: 2, Value: 1}))})},
			object(zero, WholeObject{Properties: properties(immutable(wire.KeyValue{Type: 2, Value: 2}))}), "another Immutable Properties", []string{"5/0"}},
		{"immutable properties gone", []write{object(zero, WholeObject{Properties: properties(immutable())})}, object(zero, WholeObject{}), "another Immutable Properties", []string{"5/0"}},
		{"other mutable properties", []write{object(zero, WholeObject{Properties: properties(wire.KeyValue{Type: 0x10, Value: 1})})},
			object(zero, WholeObject{Properties: properties(wire.KeyValue{Type: 0x10, Value: 2})}), "", []string{"5/0"}},

		{"immutable in immutable properties", nil, object(zero, WholeObject{Properties: properties(immutable(immutable()))}), "contain Immutable", nil},
		{"immutable properties twice", nil, object(zero, WholeObject{Properties: properties(immutable(), immutable())}), "more than once", nil},
		{"unparsable immutable properties", nil, object(zero, WholeObject{Properties: properties(wire.KeyValue{Type: wire.PropImmutable, Bytes: []byte{0x01, 0x05}})}), "cannot be parsed", nil},
		{"a mandatory track property on an object", nil, object(zero, WholeObject{Properties: properties(wire.KeyValue{Type: 0x4002, Value: 1})}), "Mandatory", nil},
		{"a mandatory track property on a datagram", nil, packet(wire.Datagram{Properties: properties(immutable(wire.KeyValue{Type: 0x7FFE, Value: 1}))}), "Mandatory", nil},

		{"group gap twice", nil, object(zero, WholeObject{Properties: properties(groupGap(1), immutable(groupGap(1)))}), "more than once", nil},
		{"group gaps differ", []write{object(zero, WholeObject{Properties: properties(groupGap(1))})},
			object(zero, WholeObject{ID: 1, Properties: properties(groupGap(2))}), "in the same group it was 1", []string{"5/0"}},
		{"group gap on some objects", []write{object(zero, WholeObject{}), object(zero, WholeObject{ID: 1, Properties: properties(groupGap(1))})},
			object(one, WholeObject{ID: 2, Properties: properties(groupGap(1))}), "", []string{"5/0", "5/1", "5/2"}},
		{"group gap larger than the group", nil, object(zero, WholeObject{Properties: properties(groupGap(6))}), "larger than its group", nil},
		{"group gap as large as the group", nil, object(zero, WholeObject{Properties: properties(groupGap(5))}), "", []string{"5/0"}},
		{"group gap over an object", []write{object(SubgroupInfo{Group: 3}, WholeObject{ID: 7})}, object(zero, WholeObject{Properties: properties(groupGap(2))}), "covers object 3/7", []string{"3/7"}},
		{"group gap behind an object", []write{object(SubgroupInfo{Group: 3}, WholeObject{ID: 7})}, object(zero, WholeObject{Properties: properties(groupGap(1))}), "", []string{"3/7", "5/0"}},
		{"an object in a group gap", []write{object(zero, WholeObject{Properties: properties(groupGap(2))})}, object(SubgroupInfo{Group: 4}, WholeObject{ID: 9}), "inside a gap", []string{"5/0"}},
		{"a datagram in a group gap", []write{object(zero, WholeObject{Properties: properties(immutable(groupGap(2)))})}, packet(wire.Datagram{Group: 3}), "inside a gap", []string{"5/0"}},

		{"object gap twice", nil, object(zero, WholeObject{ID: 3, Properties: properties(objectGap(1), objectGap(1))}), "more than once", nil},
		{"object gap larger than the ID", nil, object(zero, WholeObject{ID: 3, Properties: properties(objectGap(4))}), "larger than its ID", nil},
		{"object gap over an object", []write{object(one, WholeObject{ID: 2})}, object(zero, WholeObject{ID: 5, Properties: properties(objectGap(3))}), "covers object 5/2", []string{"5/2"}},
		{"object gap behind an object", []write{object(one, WholeObject{ID: 2})}, object(zero, WholeObject{ID: 5, Properties: properties(objectGap(2))}), "", []string{"5/2", "5/5"}},
		{"an object in an object gap", []write{object(zero, WholeObject{ID: 5, Properties: properties(objectGap(3))})}, object(one, WholeObject{ID: 4}), "inside a gap", []string{"5/5"}},
		{"a fetched object in an object gap", []write{object(zero, WholeObject{ID: 5, Properties: properties(objectGap(3))})}, fetched(5, 0, 0, 2, "x"), "inside a gap", []string{"5/5"}},
		{"an object before an object gap", []write{object(zero, WholeObject{ID: 5, Properties: properties(objectGap(3))})}, object(one, WholeObject{ID: 1}), "", []string{"5/1", "5/5"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			track := NewTrack(name, Options{RetainGroups: 10})
			for _, w := range c.before {
				if err := w(track); err != nil {
					t.Fatal(err)
				}
			}
			err := c.last(track)
			if c.want == "" && err != nil {
				t.Error(err)
			} else if c.want != "" {
				isMalformed(t, err, c.want)
			}
			var kept []string
			for _, g := range track.groups {
				for _, o := range g.objects {
					kept = append(kept, o.Location().String())
				}
			}
			if !slices.Equal(kept, c.kept) {
				t.Errorf("kept %v, want %v", kept, c.kept)
			}
		})
	}
}

// TestMalformedPayload: a copy is compared byte by byte as it comes, also with
// what another writer has not finished, and the difference is told by the next
// Begin or by Close.
func TestMalformedPayload(t *testing.T) {
	payload := bytes.Repeat([]byte("0123456789"), segmentSize/4) // more than two segments
	bad := bytes.Clone(payload)
	bad[segmentSize+5]++
	feedTo := func(w *SubgroupWriter, b []byte) {
		for len(b) > 0 {
			n := copy(w.Buffer(), b)
			w.Commit(n)
			b = b[n:]
		}
	}
	for _, how := range []string{"begin", "close"} {
		for _, have := range []int{0, segmentSize, segmentSize + 100, len(payload)} {
			track := NewTrack(name, Options{})
			first, second := open(t, track, SubgroupInfo{}), open(t, track, SubgroupInfo{})
			for _, w := range []*SubgroupWriter{first, second} {
				if err := w.Begin(ObjectHeader{Size: uint64(len(payload))}); err != nil {
					t.Fatal(err)
				}
			}
			feedTo(first, payload[:have])
			feedTo(second, bad)
			feedTo(first, payload[have:])
			slower := second
			if have <= segmentSize+5 { // the wrong byte was there first
				slower = first
			}
			var err error
			if how == "begin" {
				err = slower.Begin(ObjectHeader{ID: 1})
			} else {
				err = slower.Close()
			}
			isMalformed(t, err, "another payload")
			o := track.groups[0].objects[0]
			if want := map[bool][]byte{true: bad, false: payload}[slower == first]; !bytes.Equal(o.Payload(), want) {
				t.Errorf("%s, %d bytes ahead: the object is a mixture", how, have)
			}
			if err := slower.Begin(ObjectHeader{ID: 2}); !errors.Is(err, ErrClosed) {
				t.Errorf("the writer goes on: %v", err)
			}
		}
	}
}
