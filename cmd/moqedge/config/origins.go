package config

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// Origins say where values come from, by their keys; what is not among them is a default.
// nil: it is not known of any.
type Origins map[string]Origin

// Origins are a copy of those of s.
func (s *Settings) Origins() Origins { return maps.Clone(s.origins) }

// Adopt returns the origins of a running configuration after next was applied: those of
// what waits for a restart stay as they were.
func (o Origins) Adopt(next Origins, waiting Change) Origins {
	if next == nil {
		return nil
	}
	waits := func(key string) bool {
		for _, d := range waiting {
			if Within(key, d.Key) {
				return true
			}
		}
		return false
	}
	all := Origins{}
	for key, x := range next {
		if !waits(key) {
			all[key] = x
		}
	}
	for key, x := range o {
		if waits(key) {
			all[key] = x
		}
	}
	return all
}

// From says in words where the value of a key comes from, "" when that is not known.
func (o Origins) From(key string) string {
	if o == nil {
		return ""
	}
	return o[key].String()
}

// Value is one field of a configuration.
type Value struct {
	Key      string `json:"key"`
	Value    string `json:"value"` // as a variable has it, secrets masked
	Variable string `json:"variable"`
	From     string `json:"from"` // where it comes from: default, file, environment or flag, and where there; "": not known
}

// Values are all fields of the sections that are there, with defaults filled in.
func (s *Settings) Values() []Value { return s.origins.Values(s.Config) }

// Values are all fields of the sections that are there in c, with defaults filled in.
func (o Origins) Values(c Config) []Value {
	var all []Value
	var look func(v reflect.Value, path string)
	look = func(v reflect.Value, path string) {
		for _, m := range members(v.Type()) {
			f, key := v.FieldByIndex(m.field.Index), join(path, m.key)
			switch {
			case m.kind == section && f.Kind() == reflect.Pointer && f.IsNil():
			case m.kind == section:
				look(reflect.Indirect(f), key)
			case m.kind == sections:
				for i := range f.Len() {
					look(f.Index(i), fmt.Sprintf("%s[%d]", key, i))
				}
			default:
				texts := textsOf(f, m)
				if m.kind == mapping {
					var pairs []string
					for i := 0; i < len(texts); i += 2 {
						pairs = append(pairs, texts[i]+"="+texts[i+1])
					}
					texts = pairs
				}
				all = append(all, Value{key, strings.Join(texts, ","), Variable(key), o.From(key)})
			}
		}
	}
	look(reflect.ValueOf(c.Filled()), "")
	return all
}
