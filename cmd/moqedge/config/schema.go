package config

import (
	"encoding"
	"reflect"
	"strings"
	"time"
)

// kind says how a field is written.
type kind uint8

const (
	scalar   kind = iota // a text, in files, in the environment and as a flag
	scalars              // a list of them
	mapping              // keys and texts that are free
	section              // a struct with keys of its own, or a pointer to one
	sections             // a list of structs
)

// member is a key of a section.
type member struct {
	key   string
	field reflect.StructField
	kind  kind
}

// members are the keys of a section in the order they are documented in, those of
// embedded structs included.
func members(t reflect.Type) []member {
	var all []member
	for _, f := range reflect.VisibleFields(t) {
		if key := keyOf(f); key != "" {
			all = append(all, member{key: key, field: f, kind: kindOf(f.Type)})
		}
	}
	return all
}

// keyOf is the key of a field, "" when it has none.
func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// find is the member with a key.
func find(t reflect.Type, key string) (member, bool) {
	for _, m := range members(t) {
		if m.key == key {
			return m, true
		}
	}
	return member{}, false
}

// keys are those of a section as people are told of them.
func keys(t reflect.Type) string {
	var all []string
	for _, m := range members(t) {
		all = append(all, m.key)
	}
	return strings.Join(all, ", ")
}

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType = reflect.TypeFor[time.Duration]()
)

func kindOf(t reflect.Type) kind {
	switch {
	case reflect.PointerTo(t).Implements(textType):
		return scalar
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct, t.Kind() == reflect.Struct:
		return section
	case t.Kind() == reflect.Slice && kindOf(t.Elem()) == section:
		return sections
	case t.Kind() == reflect.Slice:
		return scalars
	case t.Kind() == reflect.Map:
		return mapping
	}
	return scalar
}

// structOf is the struct of a section, or of the entries of a list of them.
func structOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// switchOf is the field of a section that is not left out by leaving out the section,
// but says itself whether it is on, and can be written as true or false instead.
func switchOf(t reflect.Type) (reflect.StructField, bool) {
	for _, f := range reflect.VisibleFields(structOf(t)) {
		if f.Tag.Get("switch") == "true" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// secrecy says which part of a value nobody is shown.
type secrecy uint8

const (
	public secrecy = iota
	secret
	secretInURL // the password in it
)

func secrecyOf(f reflect.StructField) secrecy {
	switch f.Tag.Get("secret") {
	case "true":
		return secret
	case "url":
		return secretInURL
	}
	return public
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// parent is the path of the section or list that a path is in.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}
