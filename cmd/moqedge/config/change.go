package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Class says what a change of a field needs in a running node.
type Class uint8

// Classes, from the least to the most.
const (
	// Live fields apply at once.
	Live Class = iota
	// Sessions fields apply to sessions that begin after the change.
	Sessions
	// Restart fields apply when the node is started again.
	Restart
)

// String says it as the documentation does.
func (c Class) String() string { return [...]string{"live", "new sessions", "restart"}[c] }

// MarshalText writes String.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// classOf reads the tag reload: live, sessions, restart, or section for the class of the
// section that the field is in.
func classOf(f reflect.StructField, around Class) (c Class, ok bool) {
	switch f.Tag.Get("reload") {
	case "live":
		return Live, true
	case "sessions":
		return Sessions, true
	case "restart":
		return Restart, true
	case "section":
		return around, true
	}
	return Restart, false
}

// Field is a key of the schema.
type Field struct {
	Key   string // lists of sections as upstreams[].url
	Class Class
}

// Fields are all that have a value of their own.
func Fields() []Field {
	var all []Field
	var look func(t reflect.Type, path string, around Class)
	look = func(t reflect.Type, path string, around Class) {
		for _, m := range members(t) {
			key := join(path, m.key)
			class, _ := classOf(m.field, around)
			switch m.kind {
			case section:
				look(structOf(m.field.Type), key, class)
			case sections:
				look(structOf(m.field.Type), key+"[]", class)
			default:
				all = append(all, Field{key, class})
			}
		}
	}
	look(reflect.TypeFor[Config](), "", Restart)
	return all
}

// Difference is one field in which two configurations differ.
type Difference struct {
	Key   string `json:"key"` // such as upstreams[1].cost
	Class Class  `json:"class"`
	// Old and New are what is written for the values, secrets masked; "" is nothing. Of
	// a section that came or went they are not set.
	Old string `json:"old"`
	New string `json:"new"`
}

// Change is what two configurations differ in, in the order of the schema.
type Change []Difference

// Of returns the part of a class.
func (c Change) Of(class Class) Change {
	return slices.DeleteFunc(slices.Clone(c), func(d Difference) bool { return d.Class != class })
}

// Touches reports whether something at a key or below it changes that needs no restart.
func (c Change) Touches(key string) bool {
	return slices.ContainsFunc(c, func(d Difference) bool {
		return d.Class != Restart && Within(d.Key, key)
	})
}

// Within reports whether a key is at another one or below it.
func Within(key, above string) bool {
	after, found := strings.CutPrefix(key, above)
	return found && (after == "" || after[0] == '.' || after[0] == '[')
}

// Keys are those of the differences.
func (c Change) Keys() []string {
	all := make([]string, 0, len(c))
	for _, d := range c {
		all = append(all, d.Key)
	}
	return all
}

// Diff returns what changes from one configuration to another. Values that are not
// given are what Filled says.
func Diff(before, after Config) Change {
	before, after = before.Filled(), after.Filled()
	var c Change
	c.compare(reflect.ValueOf(before), reflect.ValueOf(after), "", Restart)
	return c
}

func (c *Change) compare(a, b reflect.Value, path string, around Class) {
	for _, m := range members(a.Type()) {
		class, _ := classOf(m.field, around)
		c.field(a.FieldByIndex(m.field.Index), b.FieldByIndex(m.field.Index), m, join(path, m.key), class)
	}
}

func (c *Change) field(a, b reflect.Value, m member, path string, class Class) {
	switch m.kind {
	case section:
		if a.Kind() == reflect.Pointer {
			if a.IsNil() || b.IsNil() {
				if a.IsNil() != b.IsNil() {
					*c = append(*c, Difference{Key: path, Class: class})
				}
				return
			}
			a, b = a.Elem(), b.Elem()
		}
		if on, switched := switchOf(a.Type()); switched && a.FieldByIndex(on.Index).Bool() != b.FieldByIndex(on.Index).Bool() {
			*c = append(*c, Difference{Key: path, Class: class})
			return
		}
		c.compare(a, b, path, class)
	case sections:
		for i := range max(a.Len(), b.Len()) {
			entry := fmt.Sprintf("%s[%d]", path, i)
			if i >= a.Len() || i >= b.Len() {
				*c = append(*c, Difference{Key: entry, Class: class})
				continue
			}
			c.compare(a.Index(i), b.Index(i), entry, class)
		}
	default:
		if reflect.DeepEqual(a.Interface(), b.Interface()) || a.Kind() != reflect.String && a.IsZero() && b.IsZero() {
			return
		}
		if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 || a.Kind() == reflect.Map && a.Len() == 0 && b.Len() == 0 {
			return
		}
		*c = append(*c, Difference{
			Key: path, Class: class,
			Old: strings.Join(textsOf(a, m), ", "), New: strings.Join(textsOf(b, m), ", "),
		})
	}
}

// Overlay is a running configuration with what needs no restart of a new one, as far as
// applies says so of a key.
func Overlay(running, next Config, applies func(key string) bool) Config {
	running, next = running.Clone(), next.Clone()
	overlay(reflect.ValueOf(&running).Elem(), reflect.ValueOf(next), "", Restart, applies)
	return running
}

func overlay(into, from reflect.Value, path string, around Class, applies func(key string) bool) {
	for _, m := range members(into.Type()) {
		key := join(path, m.key)
		class, _ := classOf(m.field, around)
		to, next := into.FieldByIndex(m.field.Index), from.FieldByIndex(m.field.Index)
		switch {
		case m.kind == section && to.Kind() != reflect.Pointer:
			if on, switched := switchOf(to.Type()); switched && class != Restart && applies(key) {
				to.FieldByIndex(on.Index).Set(next.FieldByIndex(on.Index))
			}
			overlay(to, next, key, class, applies)
		case m.kind == section && !to.IsNil() && !next.IsNil():
			overlay(to.Elem(), next.Elem(), key, class, applies)
		case class != Restart && applies(key):
			to.Set(next)
		}
	}
}
