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

// cutVectors are beginnings that need more bytes.
func cutVectors(what string, tables []table[string], extra ...member) []vector {
	var vs []vector
	each(tables, func(d Version, in string) {
		vs = append(vs, vector{name: what + " cut " + in, draft: d, extra: extra, in: unhex(in), err: short})
	})
	return vs
}

func badDataVectors(tables []table[badCase], extra ...member) []vector {
	var vs []vector
	each(tables, func(d Version, c badCase) {
		vs = append(vs, vector{name: c.name, draft: d, extra: extra, in: c.in, err: c.code.String()})
	})
	return vs
}

func varintVectors() []vector {
	var vs []vector
	each(varintTables, func(d Version, c varintCase) {
		vs = append(vs, vector{name: "varint " + c.in, draft: d, in: unhex(c.in), decodeOnly: c.decodeOnly,
			value: strconv.FormatUint(c.value, 10)})
	})
	return append(vs, cutVectors("varint", cutVarintTables)...)
}

func subgroupVectors() []vector {
	var vs []vector
	each(subgroupTables, func(d Version, c subgroupCase) {
		vs = append(vs, vector{name: c.name, draft: d, in: c.in, decodeOnly: c.decodeOnly, value: valueOf(c.value)})
	})
	vs = append(vs, cutVectors("subgroup", cutSubgroupTables)...)
	return append(vs, badDataVectors(badSubgroupTables)...)
}

func fetchVectors() []vector {
	var vs []vector
	each(fetchTables, func(d Version, c fetchCase) {
		vs = append(vs, vector{name: c.name, draft: d, extra: object{{"descending", c.descending}}, in: c.in,
			decodeOnly: c.decodeOnly, value: valueOf(c.value)})
	})
	vs = append(vs, cutVectors("fetch", cutFetchTables, member{"descending", false})...)
	vs = append(vs, badDataVectors(badFetchTables, member{"descending", false})...)
	return append(vs, badDataVectors(descendingBadTable, member{"descending", true})...)
}

func datagramVectors() []vector {
	var vs []vector
	each(datagramTables, func(d Version, c datagramCase) {
		vs = append(vs, vector{name: c.name, draft: d, in: c.in, decodeOnly: c.decodeOnly, value: valueOf(c.value)})
	})
	each([]table[[]byte]{{from18, paddingDatagrams}}, func(d Version, in []byte) {
		vs = append(vs, vector{name: "padding " + hex.EncodeToString(in), draft: d, in: in, decodeOnly: true,
			value: object{{"padding", true}}})
	})
	return append(vs, badDataVectors(badDatagramTables)...)
}

func propertiesVectors() []vector {
	var vs []vector
	each(propertyTables, func(d Version, c propertiesCase) {
		v := vector{name: c.name, draft: d, in: c.in, decodeOnly: c.decodeOnly, value: object{{"pairs", valueOf(c.pairs)}}}
		if c.infoCode != 0 {
			v.after = object{{"trackError", c.infoCode.String()}}
		} else {
			v.after = object{{"trackInfo", valueOf(c.info)}}
		}
		vs = append(vs, v)
	})
	return append(vs, badDataVectors(badPropertyTables)...)
}

func checkVarint(t *testing.T, v *fileVector, in []byte) {
	got, err := readVarint(v.Draft, in)
	check(t, v, in, got, err, func(u uint64) []byte { return writeVarint(v.Draft, u) })
}

func checkSubgroup(t *testing.T, v *fileVector, in []byte) {
	got, err := readSubgroup(v.Draft, in)
	if got.Header.Mode == SubgroupFirstObject {
		got.Header.Subgroup = 0 // not on the wire
	}
	check(t, v, in, got, err, func(s subgroupStream) []byte { return writeSubgroup(v.Draft, &s) })
}

func checkFetch(t *testing.T, v *fileVector, in []byte) {
	got, err := readFetch(v.Draft, in, v.Descending)
	check(t, v, in, got, err, func(s fetchStream) []byte { return writeFetch(v.Draft, &s, v.Descending) })
}

func checkDatagram(t *testing.T, v *fileVector, in []byte) {
	got, padding, err := ParseDatagram(v.Draft, in)
	if o, ok := v.Value.(map[string]any); ok && o["padding"] == true {
		if !padding || err != nil {
			t.Fatalf("padding %v, %v", padding, err)
		}
		return
	}
	check(t, v, in, got, err, func(d Datagram) []byte { return AppendDatagram(nil, v.Draft, &d) })
}

func checkProperties(t *testing.T, v *fileVector, in []byte) {
	type block struct{ Pairs []KeyValue }
	p, err := readProperties(v.Draft, in)
	check(t, v, in, block{slices.Collect(p.All())}, err,
		func(b block) []byte { return writeProperties(v.Draft, b.Pairs) })
	if v.Error != "" {
		return
	}
	info, err := readTrackInfo(v.Draft, in)
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
