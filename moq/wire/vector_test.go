package wire

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors from the tables")

// vector is an entry of a vector file; the README there explains it.
type vector struct {
	name  string
	draft Version // 0 is Draft18
	// extra members stand between "draft" and "hex".
	extra      object
	in         []byte
	noHex      bool
	decodeOnly bool
	value      any
	err        string
	after      object
}

func (v vector) json() object {
	o := append(object{{"name", v.name}, {"draft", int(cmp.Or(v.draft, Draft18))}}, v.extra...)
	if !v.noHex {
		o = append(o, member{"hex", hex.EncodeToString(v.in)})
	}
	if v.decodeOnly {
		o = append(o, member{"decodeOnly", true})
	}
	if v.err != "" {
		return append(append(o, member{"error", v.err}), v.after...)
	}
	return append(append(o, member{"value", v.value}), v.after...)
}

func valueOf(v any) any { return toJSON(reflect.ValueOf(v)) }

const short = "short"

// shown reports whether a case is written into the files for a draft: long input
// is for one draft of each form of integers.
func shown(d Version, in []byte) bool { return len(in) < 1000 || d <= Draft18 }

func shownBadVectors(tables []table[badCase]) []vector {
	var vs []vector
	each(tables, func(d Version, c badCase) {
		if shown(d, c.in) {
			vs = append(vs, vector{name: c.name, draft: d, in: c.in, err: c.code.String()})
		}
	})
	return vs
}

func messageVectors() []vector {
	var vs []vector
	each(messageTables, func(d Version, c messageCase) {
		if shown(d, c.in) {
			vs = append(vs, vector{name: c.name, draft: d, extra: object{{"message", c.msg.Type().String()}}, in: c.in,
				decodeOnly: c.decodeOnly, value: valueOf(c.msg)})
		}
	})
	vs = append(vs, cutVectors("message", cutMessageTables)...)
	return append(vs, shownBadVectors(badMessageTables)...)
}

func nameVectors() []vector {
	var vs []vector
	each(nameTables, func(d Version, c nameCase) {
		if shown(d, c.in) {
			vs = append(vs, vector{name: c.name, draft: d, extra: object{{"text", c.text}}, in: c.in, value: valueOf(c.value)})
		}
	})
	vs = append(vs, shownBadVectors(badNameTables)...)
	for _, s := range badNameTexts {
		vs = append(vs, vector{name: "text " + strconv.Quote(s[:min(len(s), 40)]), extra: object{{"text", s}}, noHex: true, err: "text"})
	}
	return vs
}

var vectorFiles = map[string]func() []vector{
	"varint.json":     varintVectors,
	"messages.json":   messageVectors,
	"subgroup.json":   subgroupVectors,
	"fetch.json":      fetchVectors,
	"datagram.json":   datagramVectors,
	"properties.json": propertiesVectors,
	"names.json":      nameVectors,
}

// The files are what the tables say; -update makes them so.
func TestVectorFilesAreCurrent(t *testing.T) {
	for file, vectors := range vectorFiles {
		var b bytes.Buffer
		b.WriteString("[\n")
		names := map[string]bool{}
		for i, v := range vectors() {
			key := fmt.Sprintf("%v %s", cmp.Or(v.draft, Draft18), v.name)
			if names[key] {
				t.Errorf("%s: two vectors %q", file, key)
			}
			names[key] = true
			if i > 0 {
				b.WriteString(",\n")
			}
			line, err := v.json().MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			b.Write(line)
		}
		b.WriteString("\n]\n")
		path := filepath.Join("testdata", "vectors", file)
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, b.Bytes()) {
			t.Errorf("%s is not what the tables say: run go test ./moq/wire -run TestVectorFiles -update", path)
		}
	}
}

// fileVector is an entry as a reader of the files sees it.
type fileVector struct {
	Name       string
	Draft      Version
	Message    string
	Text       *string
	Descending bool
	Hex        *string
	DecodeOnly bool
	Value      any
	Error      string
	TrackInfo  any
	TrackError string
}

// decodeInto fills dst with the value of v.
func (v *fileVector) decodeInto(t *testing.T, dst any) {
	t.Helper()
	if err := fromJSON(reflect.ValueOf(dst).Elem(), v.Value); err != nil {
		t.Fatal(err)
	}
}

// check compares what a decoder made of in with the value of v, and what the
// encoder makes of the value with in.
func check[T any](t *testing.T, v *fileVector, in []byte, got T, err error, encode func(T) []byte) {
	t.Helper()
	if v.Error != "" {
		if v.Error == short && errors.Is(err, ErrShort) {
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Code.String() != v.Error {
			t.Fatalf("error %v, want %s", err, v.Error)
		}
		return
	}
	var want T
	v.decodeInto(t, &want)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("decoded\n%+v (%v), want\n%+v", got, err, want)
	}
	if b := encode(want); !v.DecodeOnly && !bytes.Equal(b, in) {
		t.Fatalf("encoded\n%x, want\n%x", b, in)
	}
}

var vectorChecks = map[string]func(*testing.T, *fileVector, []byte){
	"varint.json": checkVarint,
	"messages.json": func(t *testing.T, v *fileVector, in []byte) {
		m, _, err := DecodeMessage(v.Draft, in)
		if v.Error != "" {
			check(t, v, in, m, err, nil)
			return
		}
		if err != nil || m.Type().String() != v.Message {
			t.Fatalf("decoded %T, %v, want %s", m, err, v.Message)
		}
		want := reflect.New(reflect.TypeOf(m).Elem())
		v.decodeInto(t, want.Interface())
		if !reflect.DeepEqual(plain(m), want.Interface()) {
			t.Fatalf("decoded\n%+v, want\n%+v", m, want)
		}
		if v.DecodeOnly {
			return
		}
		if b, err := AppendMessage(nil, v.Draft, want.Interface().(Message)); err != nil || !bytes.Equal(b, in) {
			t.Fatalf("encoded\n%x (%v), want\n%x", b, err, in)
		}
	},
	"subgroup.json":   checkSubgroup,
	"fetch.json":      checkFetch,
	"datagram.json":   checkDatagram,
	"properties.json": checkProperties,
	"names.json": func(t *testing.T, v *fileVector, in []byte) {
		if v.Error == "text" {
			if f, err := ParseFullTrackName(*v.Text); err == nil {
				t.Fatalf("parsed as %+v", f)
			}
			return
		}
		got, err := readName(v.Draft, in)
		check(t, v, in, got, err, func(f FullTrackName) []byte { return writeName(v.Draft, f) })
		if v.Error != "" {
			return
		}
		if s := got.String(); s != *v.Text {
			t.Fatalf("printed as %q, want %q", s, *v.Text)
		}
		if parsed, err := ParseFullTrackName(*v.Text); err != nil || !reflect.DeepEqual(parsed, got) {
			t.Fatalf("parsed as %+v (%v), want %+v", parsed, err, got)
		}
	},
}

func TestVectors(t *testing.T) {
	for file, check := range vectorChecks {
		b, err := os.ReadFile(filepath.Join("testdata", "vectors", file))
		if err != nil {
			t.Fatal(err)
		}
		var vectors []fileVector
		if err := json.Unmarshal(b, &vectors); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range vectors {
			t.Run(file+"/"+v.Draft.String()+"/"+v.Name[:min(len(v.Name), 60)], func(t *testing.T) {
				var in []byte
				if v.Hex != nil {
					in = unhex(*v.Hex)
				}
				check(t, &v, in)
			})
		}
	}
}
