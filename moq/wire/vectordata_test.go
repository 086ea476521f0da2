package wire

import (
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"testing"
)

// The vector files of the data plane: what is written into them and how they are
// checked.

func varintVectors() []vector {
	var vs []vector
	for _, c := range varintCases {
		vs = append(vs, vector{name: "varint " + c.in, in: unhex(c.in), decodeOnly: c.decodeOnly, value: strconv.FormatUint(c.value, 10)})
	}
	for _, in := range []string{"", "80", "c000", "fe000000000000", "ffffffffffffffff"} {
		vs = append(vs, vector{name: "varint cut " + in, in: unhex(in), err: short})
	}
	return vs
}

func subgroupVectors() []vector {
	var vs []vector
	for _, c := range subgroupCases {
		vs = append(vs, vector{name: c.name, in: c.in, decodeOnly: c.decodeOnly, value: valueOf(c.value)})
	}
	for _, in := range []string{"", "80", "1402", "30812c", "300000 00", "300000 0002 61", "310000 0002 3c"} {
		vs = append(vs, vector{name: "subgroup cut " + in, in: unhex(in), err: short})
	}
	return append(vs, badVectors(badSubgroups)...)
}

func fetchVectors() []vector {
	var vs []vector
	for _, c := range fetchStreamCases {
		vs = append(vs, vector{name: c.name, extra: object{{"descending", c.descending}}, in: c.in,
			decodeOnly: c.decodeOnly, value: valueOf(c.value)})
	}
	for _, in := range []string{"05", "0500 1c", "0500 1c050380", "0500 1c05038001", "0500 810c02"} {
		vs = append(vs, vector{name: "fetch cut " + in, extra: object{{"descending", false}}, in: unhex(in), err: short})
	}
	vs = append(vs, badVectors(badFetchStreams, member{"descending", false})...)
	return append(vs, badVectors(badDescendingFetches, member{"descending", true})...)
}

func datagramVectors() []vector {
	var vs []vector
	for _, c := range datagramCases {
		vs = append(vs, vector{name: c.name, in: c.in, decodeOnly: c.decodeOnly, value: valueOf(c.value)})
	}
	for _, in := range paddingDatagrams {
		vs = append(vs, vector{name: "padding " + hex.EncodeToString(in), in: in, decodeOnly: true, value: object{{"padding", true}}})
	}
	return append(vs, badVectors(badDatagrams)...)
}

func propertiesVectors() []vector {
	var vs []vector
	for _, c := range propertiesCases {
		v := vector{name: c.name, in: c.in, decodeOnly: c.decodeOnly, value: object{{"pairs", valueOf(c.pairs)}}}
		if c.infoCode != 0 {
			v.after = object{{"trackError", c.infoCode.String()}}
		} else {
			v.after = object{{"trackInfo", valueOf(c.info)}}
		}
		vs = append(vs, v)
	}
	return append(vs, badVectors(badProperties)...)
}

func checkVarint(t *testing.T, v *fileVector, in []byte) {
	got, n := ParseVarint(in)
	var err error
	if n == 0 {
		err = ErrShort
	}
	check(t, v, in, got, err, func(u uint64) []byte { return AppendVarint(nil, u) })
}

func checkSubgroup(t *testing.T, v *fileVector, in []byte) {
	got, err := readSubgroup(in)
	if got.Header.Mode == SubgroupFirstObject {
		got.Header.Subgroup = 0 // not on the wire
	}
	check(t, v, in, got, err, func(s subgroupStream) []byte { return writeSubgroup(&s) })
}

func checkFetch(t *testing.T, v *fileVector, in []byte) {
	got, err := readFetch(in, v.Descending)
	check(t, v, in, got, err, func(s fetchStream) []byte { return writeFetch(&s, v.Descending) })
}

func checkDatagram(t *testing.T, v *fileVector, in []byte) {
	got, padding, err := ParseDatagram(Draft18, in)
	if o, ok := v.Value.(map[string]any); ok && o["padding"] == true {
		if !padding || err != nil {
			t.Fatalf("padding %v, %v", padding, err)
		}
		return
	}
	check(t, v, in, got, err, func(d Datagram) []byte { return AppendDatagram(nil, Draft18, &d) })
}

func checkProperties(t *testing.T, v *fileVector, in []byte) {
	type block struct{ Pairs []KeyValue }
	p := Properties(in)
	check(t, v, in, block{slices.Collect(p.All())}, p.Validate(),
		func(b block) []byte { return AppendProperties(nil, b.Pairs...) })
	if v.Error != "" {
		return
	}
	info, err := p.TrackInfo()
	if v.TrackError != "" {
		var e *Error
		if !errors.As(err, &e) || e.Code.String() != v.TrackError {
			t.Fatalf("track info error %v, want %s", err, v.TrackError)
		}
		return
	}
	var want TrackInfo
	if e := fromJSON(reflect.ValueOf(&want).Elem(), v.TrackInfo); e != nil || err != nil || info != want {
		t.Fatalf("track info %+v, want %+v (%v, %v)", info, want, err, e)
	}
}
