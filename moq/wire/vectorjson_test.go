package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// This file maps the Go structs to the JSON of testdata/vectors and back. The
// rules are in testdata/vectors/README.md.

var (
	durationType  = reflect.TypeFor[time.Duration]()
	namespaceType = reflect.TypeFor[Namespace]()
	keyValueType  = reflect.TypeFor[KeyValue]()
	bytesType     = reflect.TypeFor[[]byte]()
)

// object is a JSON object that keeps the order of its fields.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", m.name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// lowerCamel turns RequestID into requestId and URI into uri.
func lowerCamel(s string) string {
	r := []rune(s)
	for i := len(r) - 1; i >= 0; i-- {
		if i == 0 || unicode.IsUpper(r[i-1]) {
			r[i] = unicode.ToLower(r[i])
		}
	}
	return string(r)
}

func isOption(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && strings.HasPrefix(t.Name(), "Option[")
}

func toJSON(v reflect.Value) any {
	switch {
	case v.Type() == durationType:
		return strconv.FormatInt(time.Duration(v.Int()).Milliseconds(), 10)
	case v.Type() == namespaceType:
		fields := make([]string, v.Len())
		for i := range fields {
			fields[i] = hex.EncodeToString([]byte(v.Index(i).String()))
		}
		return fields
	case v.Type() == keyValueType:
		kv := v.Interface().(KeyValue)
		o := object{{"type", strconv.FormatUint(kv.Type, 10)}}
		if kv.Type%2 == 0 {
			return append(o, member{"value", strconv.FormatUint(kv.Value, 10)})
		}
		return append(o, member{"bytes", hex.EncodeToString(kv.Bytes)})
	case v.Type().ConvertibleTo(bytesType) && v.Kind() == reflect.Slice:
		return hex.EncodeToString(v.Bytes())
	}
	switch v.Kind() {
	case reflect.Pointer:
		return toJSON(v.Elem())
	case reflect.Struct:
		return structJSON(v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = toJSON(v.Index(i))
		}
		return list
	case reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	default: // bool, uint8, string
		return v.Interface()
	}
}

func structJSON(v reflect.Value) object {
	o := object{}
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case isOption(f.Type()):
			if !f.FieldByName("Set").Bool() {
				continue
			}
			o = append(o, member{lowerCamel(name), toJSON(f.FieldByName("Value"))})
		case f.Type() == namespaceType:
			o = append(o, member{lowerCamel(name), toJSON(f)})
		case f.Kind() == reflect.Slice && f.Len() == 0, f.Kind() == reflect.Pointer && f.IsNil():
		case name == "InvalidFilter": // the words are not part of the vector
			if f.Len() > 0 {
				o = append(o, member{"invalidFilter", true})
			}
		case name == "Name":
			o = append(o, member{"name", hex.EncodeToString([]byte(f.String()))})
		default:
			o = append(o, member{lowerCamel(name), toJSON(f)})
		}
	}
	return o
}

// fromJSON fills v from what encoding/json made of a value.
func fromJSON(v reflect.Value, j any) error {
	switch {
	case v.Type() == durationType:
		ms, err := strconv.ParseUint(j.(string), 10, 64)
		v.SetInt(int64(fromMillis(ms)))
		return err
	case v.Type() == namespaceType:
		for _, f := range j.([]any) {
			b, err := hex.DecodeString(f.(string))
			if err != nil {
				return err
			}
			v.Set(reflect.Append(v, reflect.ValueOf(string(b))))
		}
		return nil
	case v.Type().ConvertibleTo(bytesType) && v.Kind() == reflect.Slice:
		b, err := hex.DecodeString(j.(string))
		if len(b) > 0 {
			v.SetBytes(b)
		}
		return err
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fromJSON(v.Elem(), j)
	case reflect.Struct:
		return fromObject(v, j.(map[string]any))
	case reflect.Slice:
		for _, item := range j.([]any) {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := fromJSON(e, item); err != nil {
				return err
			}
			v.Set(reflect.Append(v, e))
		}
		return nil
	case reflect.Uint64:
		u, err := strconv.ParseUint(j.(string), 10, 64)
		v.SetUint(u)
		return err
	case reflect.Uint8:
		v.SetUint(uint64(j.(float64)))
	case reflect.Bool:
		v.SetBool(j.(bool))
	case reflect.String:
		v.SetString(j.(string))
	default:
		return fmt.Errorf("no JSON for %v", v.Type())
	}
	return nil
}

func fromObject(v reflect.Value, o map[string]any) error {
	used := 0
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		j, ok := o[lowerCamel(name)]
		if !ok {
			continue
		}
		used++
		switch {
		case isOption(f.Type()):
			f.FieldByName("Set").SetBool(true)
			f = f.FieldByName("Value")
		case name == "Name":
			b, err := hex.DecodeString(j.(string))
			if err != nil {
				return err
			}
			j = string(b)
		case name == "InvalidFilter":
			j = strconv.FormatBool(j.(bool))
		}
		if err := fromJSON(f, j); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if used != len(o) {
		return fmt.Errorf("%v does not have all fields of %v", v.Type(), o)
	}
	return nil
}
